"""FER-2013 in folders and as both tables: the same labels, splits and pixels."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ferlab.data import fer2013
from ferlab.data.archive import open_archive
from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from small import make_zip, noise, png

USAGES = ("Training", "PublicTest", "PrivateTest")
IMAGES = noise(3 * 7 * 2)
ROWS = [  # usage, number in the file's name, code, pixels
    (USAGES[i // 14], i, i % 7, image) for i, image in enumerate(IMAGES)
]


def folders(names: tuple[str, ...] = FER_CLASSES, suffix: str = "png") -> dict[str, bytes]:
    return {
        f"{'train' if usage == 'Training' else 'test'}/{names[code]}/{usage}_{number}.{suffix}": png(image)
        for usage, number, code, image in ROWS
    }


def table(header: str = "emotion,pixels,Usage", order: Callable[..., tuple[object, ...]] = lambda *row: row) -> str:
    lines = [
        ",".join(map(str, order(code, " ".join(map(str, image.ravel())), usage))) for usage, _, code, image in ROWS
    ]
    return "\n".join([header, *lines]) + "\n"


def read_folders(path: Path) -> dict[str, ImageSet]:
    with open_archive(path) as archive:
        return fer2013.read_folders(archive)


def read_csv(path: Path, text: str) -> dict[str, ImageSet]:
    with open_archive(make_zip(path, {"fer2013.csv": text})) as archive:
        return fer2013.read_csv(archive, "fer2013.csv")


def assert_the_rows(sets: dict[str, ImageSet]) -> None:
    assert list(sets) == ["train", "valid", "test"]
    for usage, images in zip(USAGES, sets.values(), strict=True):
        part = [row for row in ROWS if row[0] == usage]
        np.testing.assert_array_equal(images.images, [pixels for *_, pixels in part])
        np.testing.assert_array_equal(images.labels, [code for _, _, code, _ in part])
        assert images.classes == FER_CLASSES
        assert len(set(images.ids)) == len(images)
        assert set(images.origins) == {"fer2013"}
    assert [images.split for images in sets.values()] == list(sets)


def test_folders(tmp_path: Path) -> None:
    assert_the_rows(read_folders(make_zip(tmp_path / "a.zip", folders())))


@pytest.mark.parametrize("order", [sorted, lambda names: random.Random(0).sample(names, len(names))])
def test_the_order_of_folders_does_not_matter(tmp_path: Path, order: Callable[[list[str]], list[str]]) -> None:
    """CASE 19: alphabetical folders are not the codes 0-6."""
    members = folders()
    names = order(list(members))
    assert names != list(members)
    assert_the_rows(read_folders(make_zip(tmp_path / "a.zip", {name: members[name] for name in names})))


def test_other_names_of_the_same_classes(tmp_path: Path) -> None:
    names = ("Anger", "disgust", "Fear", "happiness", "SADNESS", "surprised", "neutral")
    assert_the_rows(read_folders(make_zip(tmp_path / "a.zip", folders(names, "PNG"))))


def test_numbers_in_names_are_numbers(tmp_path: Path) -> None:
    """Training_9 stands before Training_10."""
    members = {f"train/sad/Training_{n}.png": png(noise(1, n)[0]) for n in (10, 9, 100)}
    found = read_folders(make_zip(tmp_path / "a.zip", members))["train"]
    assert [Path(name).stem for name in found.ids] == ["Training_9", "Training_10", "Training_100"]
    np.testing.assert_array_equal(found.images[1], noise(1, 10)[0])


def test_junk_is_ignored(tmp_path: Path) -> None:
    junk = {
        "__MACOSX/train/happy/._Training_0.jpg": b"x",
        "train/happy/._Training_0.jpg": b"x",
        "train/happy/Thumbs.db": b"x",
        "train/preview.png": b"x",
    }
    assert_the_rows(read_folders(make_zip(tmp_path / "a.zip", folders() | junk)))


def test_a_folder_that_is_no_class(tmp_path: Path) -> None:
    members = folders() | {"train/contempt/Training_99.png": png(IMAGES[0])}
    with pytest.raises(UserError, match="'contempt' is no class of FER-2013") as caught:
        read_folders(make_zip(tmp_path / "a.zip", members))
    assert "train/contempt/Training_99.png" in caught.value.where


@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "emotion, pixels, Usage"])
def test_both_tables(tmp_path: Path, header: str) -> None:
    """CASE 18: icml_face_data.csv has blanks before two of its columns' names."""
    assert fer2013.is_csv(header + "\r\n")
    assert_the_rows(read_csv(tmp_path / "a.zip", table(header)))


def test_icml_face_data_orders_its_columns_differently(tmp_path: Path) -> None:
    text = table("emotion, Usage, pixels", lambda code, pixels, usage: (code, usage, pixels))
    assert_the_rows(read_csv(tmp_path / "a.zip", text))


@pytest.mark.parametrize("header", ["emotion,pixels", "label,pixels,Usage", "emotion;pixels;Usage", ""])
def test_other_headers(header: str) -> None:
    assert not fer2013.is_csv(header)


FULL = " ".join(["0"] * 2304)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (f"7,{FULL},Training", "emotion 7"),
        (f"-1,{FULL},Training", "emotion -1"),
        (f"happy,{FULL},Training", "happy"),
        (f"3,{FULL},Test", "'Test'"),
        (f"3,{FULL[:-2]},Training", "2303 pixels"),
        (f"3,{FULL[:-1]}256,Training", "outside 0-255"),
        (f"3,{FULL[:-1]}-1,Training", "outside 0-255"),
        (f"3,{FULL[:-1]}x,Training", "can't be read"),
        (f"3,{FULL}", "can't be read"),
        ("3", "can't be read"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, problem: str) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(UserError, match=problem) as caught:
        read_csv(path, f"emotion,pixels,Usage\n3,{FULL},Training\n{row}\n")
    assert caught.value.where == f"{path}: fer2013.csv, line 3"


def test_published_counts() -> None:
    """FACTS, section 1."""
    assert [sum(part) for part in fer2013.PUBLISHED.values()] == [28709, 3589, 3589]
    by_class = np.sum(list(fer2013.PUBLISHED.values()), axis=0)
    # Goodfellow et al. 2015: 4953 angry, 547 disgust, 5121 fear, 8989 happy, 6077 sad, 4002 surprise, 6198 neutral
    np.testing.assert_array_equal(by_class, [4953, 547, 5121, 8989, 6077, 4002, 6198])
