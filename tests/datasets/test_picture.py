"""Any picture becomes the face that a person would see in it, or is refused with its reason."""

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from ferlab.datasets.picture import FORMATS, PictureError, read_face
from small import noise

FACE = noise(1)[0]
WHITE = np.full_like(FACE, 255)


def read(picture: Image.Image, kind: str = "PNG", **options: Any) -> tuple[np.ndarray, str]:
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture.save(content, kind, **options)
    content.seek(0)
    return read_face(content)


def test_a_face_of_the_right_kind_is_left_alone() -> None:
    found, change = read(Image.fromarray(FACE))
    np.testing.assert_array_equal(found, FACE)
    assert change == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "1", "I;16", "LA"])
@pytest.mark.parametrize("size", [(48, 48), (200, 100), (1, 1)])
def test_any_picture_becomes_grey_and_48_pixels(mode: str, size: tuple[int, int]) -> None:
    picture = Image.new("L", size, 100).convert("I" if mode == "I;16" else mode)
    picture = picture.convert("I;16") if mode == "I;16" else picture
    found, change = read(picture, "TIFF" if mode in ("CMYK", "I;16") else "PNG")
    assert found.shape == (48, 48)
    assert found.dtype == np.uint8
    assert f"{size[0]}x{size[1]} became grey 48x48" in change


BYTES = FACE.astype(np.int64)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((BYTES * 257).astype(np.uint16), "PNG"),
        ((BYTES * 257).astype(np.uint16), "TIFF"),
        ((BYTES * 257).astype(np.uint16), "PPM"),
        ((BYTES * 256).astype(np.uint16), "PNG"),
        ((BYTES * 16).astype(np.uint16), "PNG"),
        ((BYTES * 4095 // 255).astype(np.uint16), "TIFF"),
        (BYTES.astype(np.uint16), "PNG"),
        ((BYTES * 257).astype(np.int32), "TIFF"),
        (BYTES.astype(np.int32), "TIFF"),
        ((BYTES / 255).astype(np.float32), "TIFF"),
        (BYTES.astype(np.float32), "TIFF"),
        ((BYTES * 257).astype(np.float32), "TIFF"),
        ((BYTES * 257).astype(">u2"), "TIFF"),
        ((BYTES << 23).astype(np.int32), "TIFF"),
        ((BYTES * 65793 << 7).astype(np.int32), "TIFF"),
        ((BYTES * 257 * 65537).astype(np.float32), "TIFF"),
    ],
)  # fmt: skip
def test_more_than_8_bits_give_the_same_face(values: np.ndarray, kind: str) -> None:
    """Pillow's own conversion cuts off at 255, so that a face of 16 bits turns white."""
    assert FACE.max() > 250
    np.testing.assert_array_equal(read(Image.fromarray(values), kind)[0], FACE)


@pytest.mark.parametrize(
    "values",
    [
        (BYTES * 40).astype(np.uint16),  # 14 bits, or dark
        (BYTES * 4).astype(np.uint16),  # 10 bits, or 12 and dark
        (BYTES // 9).astype(np.uint16),
        BYTES.astype(np.int32) << 20,
        (BYTES - 128).astype(np.int32),
        (BYTES / 127.5 - 1).astype(np.float32),
        (BYTES / 25).astype(np.float32),
        np.where(BYTES > 250, np.nan, BYTES).astype(np.float32),
        np.where(BYTES > 250, np.inf, BYTES / 255).astype(np.float32),
    ],
)
def test_values_that_say_nothing_of_their_range_are_refused(values: np.ndarray) -> None:
    with pytest.raises(PictureError, match="has values"):
        read(Image.fromarray(values), "TIFF")


def tiff(values: np.ndarray, samples: int, order: str) -> io.BytesIO:
    """A TIFF file of one strip; `samples`: 1 without sign, 2 with one, 3 floats."""
    bits, start = 8 * values.itemsize, 8 + 2 + 10 * 12 + 4
    numbers = (48, 48, bits, 1, 1, start, 1, 48, values.nbytes, samples)
    tags = zip((256, 257, 258, 259, 262, 273, 277, 278, 279, 339), numbers, strict=True)
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, number) for tag, number in tags)
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, 10)
    return io.BytesIO(head + entries + bytes(4) + values.astype(values.dtype.newbyteorder(order)).tobytes())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("values", "samples", "highest"),
    [
        ((BYTES * 257 * 65537).astype(np.uint32), 1, "4,294,967,295"),  # which Pillow gives a sign
        ((BYTES << 23).astype(np.int32), 2, "2,147,483,647"),
        ((BYTES << 7).astype(np.int16), 2, "32,767"),
        ((BYTES * 257).astype(np.uint16), 1, "65,535"),
        ((BYTES / 255).astype(np.float32), 3, "1"),
    ],
)
def test_the_range_of_a_type_of_value(order: str, values: np.ndarray, samples: int, highest: str) -> None:
    """A full range gives the face; what Pillow can't read is refused as such."""
    try:
        found, change = read_face(tiff(values, samples, order))
    except PictureError as error:
        assert (order, values.dtype) == (">", np.uint32)
        assert "of a rare kind" in str(error)
    else:
        np.testing.assert_array_equal(found, FACE)
        assert f"values 0-{highest} scaled to 0-255" in change


@pytest.mark.parametrize(
    ("values", "samples", "said"),
    [
        ((BYTES - 128).astype(np.int8), 2, "8 bits with a sign"),
        ((BYTES / 255).astype(np.float64), 3, "of a rare kind"),
        ((BYTES / 255).astype(np.float16), 3, "of a rare kind"),
        (BYTES.astype(np.uint64), 1, "of a rare kind"),
    ],
)
def test_types_of_values_that_are_not_read(values: np.ndarray, samples: int, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        read_face(tiff(values, samples, "<"))


def test_black_in_16_bits_is_black() -> None:
    assert not read(Image.fromarray(np.zeros((48, 48), np.uint16)))[0].any()


def test_colours_of_16_bits_of_which_only_12_are_used() -> None:
    """Pillow keeps the upper 8 bits of each channel: what is left of the face is black."""
    header = b"P6 48 48 65535\n"
    with pytest.raises(PictureError, match="almost black in 16 bits"):
        read_face(io.BytesIO(header + np.repeat(BYTES * 16, 3).astype(">u2").tobytes()))
    found, _ = read_face(io.BytesIO(header + np.repeat(BYTES * 257, 3).astype(">u2").tobytes()))
    np.testing.assert_array_equal(found, FACE)


def test_a_tiff_in_which_0_is_white() -> None:
    """Pillow turns 8 bits round as it writes and reads them; 16 it leaves to the reader."""
    for values, expected in ((FACE, FACE), ((BYTES * 257).astype(np.uint16), 255 - FACE)):
        found, _ = read(Image.fromarray(values), "TIFF", tiffinfo={262: 0})
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_what_is_transparent_is_white_as_on_a_page(mode: str) -> None:
    """Whatever colour the file has there: one is named transparent, or each pixel has an alpha."""
    hole = np.zeros((48, 48), bool)
    hole[:20] = True
    picture = Image.fromarray(np.where(hole, 200, FACE // 2).astype(np.uint8)).convert(mode)
    named = {"P": 200, "RGB": (200, 200, 200)}.get(mode)
    if not named:
        picture.putalpha(Image.fromarray(np.where(hole, 0, 255).astype(np.uint8)))
    found, change = read(picture, **({"transparency": named} if named else {}))
    np.testing.assert_array_equal(found, np.where(hole, 255, FACE // 2))
    assert "transparent parts laid on white" in change


@pytest.mark.parametrize(("kind", "mode"), [("GIF", "L"), ("TIFF", "L"), ("WEBP", "RGB"), ("PNG", "L")])
def test_of_several_pictures_the_first_counts(kind: str, mode: str) -> None:
    first, other = (Image.fromarray(image).convert(mode) for image in (FACE, 255 - FACE))
    lossless = {"lossless": True} if kind == "WEBP" else {}
    found, change = read(first, kind, save_all=True, append_images=[other], **lossless)
    np.testing.assert_array_equal(found, FACE)
    assert "the first of several pictures" in change


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, -1), (8, 1)])
def test_a_camera_s_turn_is_undone(mode: str, orientation: int, turns: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    found, change = read(Image.fromarray(FACE).convert(mode), exif=exif)
    np.testing.assert_array_equal(found, np.rot90(FACE, turns))
    assert "turned upright" in change


@pytest.mark.parametrize("kind", ["EPS", "ICO", "JPEG2000", "PDF", "PCX", "TGA", "SGI", "ICNS", "AVIF"])
def test_formats_that_are_not_meant(kind: str) -> None:
    """Pillow would open them; PostScript even with another program."""
    with pytest.raises(PictureError, match=f"read are {', '.join(FORMATS)}"):
        read(Image.fromarray(FACE).convert("RGB"), kind)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"%!PS\n", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0\0\0\0\0", b"P5 48 48 255\n\0"]
)
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(PictureError, match="can't be decoded"):
        read_face(io.BytesIO(content))


def test_huge_pictures_are_refused_before_they_are_unpacked() -> None:
    """At every size: Pillow warns of 89 million pixels and raises at twice as many."""
    for side in (8_200, 10_000, 14_000, 60_000):
        with pytest.raises(PictureError, match="more pixels than a picture of a face"):
            read_face(io.BytesIO(b"P5 %d %d 255\n" % (side, side)))


def test_lab_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="LAB"):
        read(Image.new("LAB", (48, 48)), "TIFF")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF"])
def test_what_is_transparent_throughout_is_refused(kind: str) -> None:
    """It would be a white face, whatever it hides."""
    picture = Image.fromarray(FACE).convert("RGBA")
    picture.putalpha(0)
    with pytest.raises(PictureError, match="transparent throughout"):
        read(picture, kind)


def test_colours_that_lie_alone_in_16_bits_are_refused() -> None:
    """Pillow reads two of them as one; packed ones it reads rightly."""
    colours = (BYTES * 257).astype(np.uint16)[None].repeat(3, axis=0)
    raw, packed = io.BytesIO(), io.BytesIO()
    tifffile.imwrite(raw, colours, photometric="rgb", planarconfig="separate")
    tifffile.imwrite(packed, colours, photometric="rgb", planarconfig="separate", compression="zlib")
    raw.seek(0), packed.seek(0)
    with pytest.raises(PictureError, match="each colour alone"):
        read_face(raw)
    np.testing.assert_array_equal(read_face(packed)[0], FACE)


def test_a_preview_is_not_the_picture() -> None:
    """A camera's raw file is a TIFF whose first picture is a small copy."""
    with pytest.raises(PictureError, match="preview"):
        read(Image.new("L", (20, 20), 9), "TIFF", tiffinfo={254: 1})


def test_cmyk_that_may_be_its_negative_is_refused() -> None:
    """With Adobe's mark its values are inverted, without it nobody knows."""
    content = io.BytesIO()
    Image.fromarray(FACE).convert("CMYK").save(content, "JPEG", quality=100)
    marked = content.getvalue()
    found, _ = read_face(io.BytesIO(marked))
    assert np.abs(found.astype(int) - FACE).mean() < 3
    at = marked.index(b"\xff\xee")
    (length,) = struct.unpack(">H", marked[at + 2 : at + 4])
    with pytest.raises(PictureError, match="its negative"):
        read_face(io.BytesIO(marked[:at] + marked[at + 2 + length :]))


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\0\0\0\x18ftyphevc", "a HEIC picture"),
        (b"\0\0\0\x18ftypavis", "an AVIF picture"),
        (b"\0\0\0\x18ftypcrx ", "a camera's raw picture"),
        (b"\0\0\0\x0cJXL \r\n", "a JPEG XL picture"),
        (bytes(128) + b"DICM", "a DICOM picture"),
        (b"<!DOCTYPE svg PUBLIC>", "an SVG drawing"),
        (b"<?xml version='1.0'?>\n<!-- long -->\n<svg>", "an SVG drawing"),
        (b"\n<!-- x --><!DOCTYPE html>", "a web page"),
        (b"version https://git-lfs.github.com", "`git lfs pull` fetches"),
        (bytes(3000), "zeros alone"),
    ],
)
def test_what_a_file_of_another_kind_is_called(start: bytes, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        read_face(io.BytesIO(start))
