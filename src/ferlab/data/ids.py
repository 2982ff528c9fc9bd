"""What the name of an image says."""

from pathlib import PurePosixPath


def sequence(image_id: str) -> str:
    """The sequence of frames that an image of CK+ belongs to: `Sxxx_yyy` of `<folders>/Sxxx_yyy_zzzzzzzz.png`."""
    last = image_id.replace("\\", "/").rpartition("/")[2]
    return "_".join(PurePosixPath(last).stem.upper().split("_")[:2])
