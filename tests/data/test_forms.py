"""One way in for every form of both datasets."""

from pathlib import Path

import numpy as np
import pytest

from ferlab.data import forms
from ferlab.data.ckplus import PUBLISHED as CKPLUS_COUNTS
from ferlab.data.fer2013 import PUBLISHED as FER_COUNTS
from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.errors import UserError
from small import make_zip, noise, png

PICTURE = png(noise(1)[0])
FER_FOLDERS = {
    f"data/{folder}/happy/{usage}_1.png": PICTURE
    for folder, usage in (("train", "Training"), ("test", "PublicTest"), ("test", "PrivateTest"))
}
ROW = " ".join(map(str, noise(1)[0].ravel()))
ROWS = "".join(f"3,{ROW},{usage}\n" for usage in ("Training", "PublicTest", "PrivateTest"))
CKPLUS = {"CK+48/happy/S010_004_00000017.png": PICTURE}


@pytest.mark.parametrize(
    ("members", "dataset", "name", "splits"),
    [
        (FER_FOLDERS, "fer2013", "folders", ["train", "valid", "test"]),
        (
            {"fer2013/fer2013.csv": f"emotion,pixels,Usage\n{ROWS}"},
            "fer2013",
            "fer2013.csv",
            ["train", "valid", "test"],
        ),
        (
            {"readme.csv": "a,b\n", "icml_face_data.csv": f"emotion, pixels, Usage\n{ROWS}"},
            "fer2013",
            "icml_face_data.csv",
            ["train", "valid", "test"],
        ),
        (CKPLUS, "ckplus", "CK+48", ["all"]),
        ({"__MACOSX/._fer2013.csv": b"\x00\x05\x16"} | CKPLUS, "ckplus", "CK+48", ["all"]),
    ],
)
def test_recognised(
    tmp_path: Path, members: dict[str, bytes | str], dataset: str, name: str, splits: list[str]
) -> None:
    form, sets = forms.read(make_zip(tmp_path / "any name.zip", members))
    assert form.dataset == dataset
    assert name in form.name
    assert list(sets) == splits
    for images in sets.values():
        np.testing.assert_array_equal(images.images, noise(1))
        assert images.classes[images.labels[0]] == "happy"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"notes.txt": "x"},
        {"cats/1.jpg": PICTURE, "dogs/2.jpg": PICTURE},
        {"table.csv": "a,b,c\n"},
        {"fer2013.csv": "emotion,pixels,Usage\n"},
    ],
    ids=["empty", "text", "other pictures", "other table", "table without rows"],
)
def test_neither_dataset(tmp_path: Path, members: dict[str, bytes | str]) -> None:
    path = make_zip(tmp_path / "a.zip", members)
    with pytest.raises(UserError, match="neither FER-2013 nor CK") as caught:
        forms.read(path)
    assert caught.value.where == str(path)


def test_a_split_without_images(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {k: v for k, v in FER_FOLDERS.items() if "Private" not in k})
    with pytest.raises(UserError, match="split 'test' has no images") as caught:
        forms.read(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 and no more"], ids=["missing", "empty", "cut off"])
def test_no_archive(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        forms.read(path)
    assert caught.value.where == str(path)


def counted(classes: tuple[str, ...], counts: tuple[int, ...], split: str) -> ImageSet:
    labels = np.repeat(np.arange(7), counts)
    column = tuple(map(str, range(len(labels))))
    return ImageSet(np.zeros((len(labels), 48, 48), np.uint8), labels, classes, column, column, column, split)


def test_differences_from_the_published_counts() -> None:
    sets = {split: counted(FER_CLASSES, counts, split) for split, counts in FER_COUNTS.items()}
    assert forms.differences(forms.FER2013, sets) == []
    sets["valid"] = sets["valid"].take(np.arange(1, 3589))
    assert forms.differences(forms.FER2013, sets) == ["valid/angry: 466 images, published 467"]
    frames = {"all": counted(CKPLUS_CLASSES, CKPLUS_COUNTS, "all")}
    assert forms.differences(forms.CKPLUS, frames) == []
