"""One way in for every form of both datasets."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.datasets import ckplus, fer2013, forms
from ferlab.datasets.archive import open_archive
from ferlab.datasets.ckplus import PUBLISHED as CKPLUS_COUNTS
from ferlab.datasets.counts import PUBLISHED as FER_COUNTS
from ferlab.datasets.reading import tally
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
    found = forms.read(make_zip(tmp_path / "any name.zip", members))
    assert found.dataset == dataset
    assert name in found.form
    assert list(found.sets) == splits
    for images in found.sets.values():
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
    with pytest.raises(UserError, match="no images of the split test, without which no accuracy") as caught:
        forms.read(path)
    assert caught.value.where == str(path)


BAD = {"data/train/happy/Training_7.png": PICTURE[:200], "data/train/joyless/Training_8.png": PICTURE}


def test_what_cannot_be_used_is_refused_by_name_or_counted(tmp_path: Path) -> None:
    """A truncated picture is found here, not hours into a training."""
    whole = {name.replace("happy", other): PICTURE for name in FER_FOLDERS for other in FER_CLASSES}
    path = make_zip(tmp_path / "a.zip", whole | BAD)
    with pytest.raises(UserError, match=r"Training_8\.png lies in 'joyless'.* \(and 1 more can't be used\)") as caught:
        forms.read(path)
    assert caught.value.where == f"{path}: data/train/joyless/Training_8.png"
    assert "--allow-partial" in caught.value.next_step
    found = forms.read(path, allow_partial=True)
    assert sorted(p.where for p in found.problems) == sorted(BAD)
    assert set(found.members) == set(whole)
    text = tally(found.problems)
    assert "1 can't be decoded: it is cut off or damaged (OSError) (data/train/happy/Training_7.png)" in text


def test_what_would_leave_a_class_empty_is_not_offered(tmp_path: Path) -> None:
    """Folders whose names are no classes are renamed, not done without."""
    with pytest.raises(UserError, match="name each folder by its class") as caught:
        forms.read(make_zip(tmp_path / "a.zip", FER_FOLDERS | BAD))
    assert caught.value.next_step == ""


@pytest.mark.parametrize(
    ("name", "rows", "dataset"),
    [
        ("ckextended", 3, "ckplus"), ("CK+48", 3, "ckplus"), ("faces", 920, "ckplus"), ("faces", 981, "ckplus"),
        ("faces", 919, "fer2013"), ("check", 3, "fer2013"), ("fer2013", 3, "fer2013"),
    ],
)  # fmt: skip
def test_tables_of_equal_columns_are_told_apart(tmp_path: Path, name: str, rows: int, dataset: str) -> None:
    path = make_zip(tmp_path / "a.zip", {f"{name}.csv": "emotion,pixels,Usage\n" + "0,1 2,Training\n" * rows})
    with open_archive(path) as archive:
        reader = forms.recognise(archive)
    assert isinstance(reader, partial)
    assert reader.func == {"fer2013": fer2013, "ckplus": ckplus}[dataset].read_csv


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
