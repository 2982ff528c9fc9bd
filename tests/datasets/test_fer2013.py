"""FER-2013 in folders and as both tables: the same labels, splits and pixels."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.datasets import counts, fer2013
from ferlab.datasets.archive import open_archive
from ferlab.datasets.counts import PUBLISHED
from ferlab.datasets.reading import Reading
from ferlab.datasets.tables import is_table, write_table
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


def read(path: Path) -> Reading:
    with open_archive(path) as archive:
        return fer2013.read_folders(archive)


def read_folders(path: Path) -> dict[str, ImageSet]:
    found = read(path)
    assert not found.problems
    return found.sets


def read_table(path: Path, text: str | bytes) -> Reading:
    with open_archive(make_zip(path, {"fer2013.csv": text})) as archive:
        return fer2013.read_csv(archive, "fer2013.csv")


def read_csv(path: Path, text: str | bytes) -> dict[str, ImageSet]:
    found = read_table(path, text)
    assert not found.problems
    return found.sets


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
    """Classes in alphabetical order aren't in the order of the codes 0-6: sad would pass for neutral."""
    members = folders()
    names = order(list(members))
    assert names != list(members)
    assert_the_rows(read_folders(make_zip(tmp_path / "a.zip", {name: members[name] for name in names})))


def test_other_names_of_the_same_classes(tmp_path: Path) -> None:
    for i, names in enumerate(
        [
            ("Anger", "disgust", "Fear", "happiness", "SADNESS", "surprised", "neutral"),
            ("AN", "DI", "FE", "HA", "SA", "SU", "NE"),
            ("0", "1", "2", "3", "4", "5", "6"),
            ("0_angry", "1-disgusted", "2 fearful", "03_Happy", "4_sad", "5_suprise", "6.Neutral"),
        ]
    ):
        assert_the_rows(read_folders(make_zip(tmp_path / f"{i}.zip", folders(names, "PNG"))))


@pytest.mark.parametrize("splits", [USAGES, ("train", "val", "test"), ("TRAINING", "public_test", "Private-Test")])
@pytest.mark.parametrize("names", [FER_CLASSES, tuple("0123456")])
def test_a_folder_a_split(tmp_path: Path, splits: tuple[str, ...], names: tuple[str, ...]) -> None:
    """The pictures' own names say nothing."""
    members = {
        f"any/{splits[USAGES.index(usage)]}/{names[code]}/im{number}.png": png(image)
        for usage, number, code, image in ROWS
    }
    found = read(make_zip(tmp_path / "a.zip", members))
    assert_the_rows(found.sets)
    assert not found.problems + found.notices


@pytest.mark.parametrize("name", ["{}_images", "{} set", "FER_{}", "{}-data", "1.{}_split"])
def test_a_split_s_folder_that_says_more_of_itself(tmp_path: Path, name: str) -> None:
    members = {
        f"{name.format(('train', 'valid', 'test')[USAGES.index(usage)])}/{FER_CLASSES[code]}/{number}.jfif": png(image)
        for usage, number, code, image in ROWS
    }
    assert_the_rows(read_folders(make_zip(tmp_path / "a.zip", members)))


@pytest.mark.parametrize("copy", ["copy/", "train/", ""])
def test_a_data_set_beside_a_copy_of_itself(tmp_path: Path, copy: str) -> None:
    """Another picture of the same name stays."""
    own = folders()
    again = {f"{copy}{name}" if copy else name.replace("sad", "Sad"): content for name, content in own.items()}
    other = {"other/train/sad/Training_4.png": png(IMAGES[-1])}
    found = read(make_zip(tmp_path / "a.zip", own | again))
    assert_the_rows(found.sets)
    assert f"{len(again.keys() - own.keys())} pictures are in here twice" in found.notices[0]
    assert set(found.members) <= own.keys() | again.keys()
    assert len(read(make_zip(tmp_path / "b.zip", own | other)).sets["train"]) == 15


def test_a_test_folder_without_marks_says_what_cannot_be_told(tmp_path: Path) -> None:
    members = {
        f"{'train' if usage == 'Training' else 'test'}/{FER_CLASSES[code]}/im{number}.png": png(image)
        for usage, number, code, image in ROWS
    }
    found = read(make_zip(tmp_path / "a.zip", members))
    assert found.notices == [f"test/ doesn't tell PublicTest from PrivateTest: {fer2013.UNCOMPARABLE}"]
    np.testing.assert_array_equal(found.sets["train"].images, IMAGES[:14])
    valid, test = found.sets["valid"], found.sets["test"]
    assert sorted(valid.ids + test.ids) == sorted(name for name in members if name.startswith("test"))
    assert valid.counts() == test.counts() == dict.fromkeys(FER_CLASSES, 2)


SMALL = {"train": (5, 1, 6, 9, 7, 3, 8), "valid": (1, 1, 2, 4, 2, 1, 2), "test": (2, 1, 1, 3, 2, 2, 3)}
ALPHABETICAL = sorted(FER_CLASSES)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset with these published counts."""
    expected = {split: np.array(row) for split, row in SMALL.items()}
    monkeypatch.setattr(counts, "_EXPECTED", expected | {counts.EITHER: expected["valid"] + expected["test"]})
    monkeypatch.setattr(counts, "_NEAR", 0)


def whole(folder_of: dict[str, str], names: dict[str, str]) -> dict[str, bytes]:
    """The small dataset; grey levels tell the class, and no name does."""
    numbers = iter(range(999))
    return {
        f"{folder}/{names[name]}/{next(numbers)}.png": png(np.full((48, 48), 10 * label, np.uint8))
        for split, folder in folder_of.items()
        for label, name in enumerate(FER_CLASSES)
        for _ in range(SMALL[split][label])
    }


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("order", [FER_CLASSES, ALPHABETICAL, random.Random(1).sample(FER_CLASSES, 7)])
@pytest.mark.parametrize("folders", [("train", "PublicTest", "PrivateTest"), ("training", "dev", "test")])
def test_numbers_mean_what_the_published_counts_say(
    tmp_path: Path, start: int, order: list[str], folders: tuple[str, ...]
) -> None:
    """A folder `4` is sad in the challenge's order, and neutral where someone sorted the classes."""
    names = {name: str(order.index(name) + start) for name in FER_CLASSES}
    found = read(make_zip(tmp_path / "a.zip", whole(dict(zip(SMALL, folders, strict=True)), names)))
    assert not found.doubt + "".join(p.what for p in found.problems)
    for split, images in found.sets.items():
        assert tuple(images.counts().values()) == SMALL[split]
        np.testing.assert_array_equal(images.images[:, 0, 0], 10 * images.labels)
    assert bool(found.notices) == (order != FER_CLASSES or start == 1)
    assert all(f"{names['neutral']} neutral" in notice for notice in found.notices)


@pytest.mark.usefixtures("small")
def test_numbers_of_which_nobody_can_say_what_they_mean(tmp_path: Path) -> None:
    members = whole(dict(zip(SMALL, USAGES, strict=True)), {name: str(i) for i, name in enumerate(ALPHABETICAL)})
    del members[next(iter(members))]
    assert "can't be told" in read(make_zip(tmp_path / "a.zip", members)).doubt


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kept", [1, 0.5])
def test_a_table_in_the_alphabet_s_order(tmp_path: Path, kept: float) -> None:
    """Whole it says so by its counts; of a part it is refused, rather than read in the challenge's order."""
    rows = [
        f"{ALPHABETICAL.index(name)},{' '.join([str(10 * label)] * 2304)},{usage}"
        for usage, row in zip(USAGES, SMALL.values(), strict=True)
        for label, name in enumerate(FER_CLASSES)
        for _ in range(round(kept * row[label] + 0.1))
    ]
    found = read_table(tmp_path / "a.zip", "\n".join(["emotion,pixels,Usage", *rows]))
    assert bool(found.doubt) == (kept < 1)
    if kept == 1:
        for images in found.sets.values():
            np.testing.assert_array_equal(images.images[:, 0, 0], 10 * images.labels)
        assert "4 neutral, 5 sad, 6 surprise" in found.notices[0]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"valid": "validation", "test": "validation"}, "validation/ doesn't tell PublicTest from PrivateTest"),
        ({"valid": "test", "test": "test"}, "test/ doesn't tell PublicTest from PrivateTest"),
        ({"valid": "val"}, "PrivateTest is missing"),
        ({"test": "validation"}, "PublicTest is missing"),
        ({"test": "test"}, "PublicTest is missing"),
        ({"train": "validation"}, "is no part of the challenge's split"),
    ],
)
def test_one_folder_for_validation_and_test(tmp_path: Path, given: dict[str, str], said: str) -> None:
    """It is halved, and the cost is said."""
    names = {name: name for name in FER_CLASSES}
    found = read(make_zip(tmp_path / "a.zip", whole({"train": "train"}, names) | whole(given, names)))
    assert found.halved
    (notice,) = found.notices
    assert said in notice
    assert "no score on them can be compared" in notice
    valid, test = (np.array(list(found.sets[split].counts().values())) for split in ("valid", "test"))
    np.testing.assert_array_equal(valid + test, sum(np.array(SMALL[split]) for split in given))
    assert set(test - valid) <= {0, 1}


@pytest.mark.usefixtures("small")
def test_validation_and_test_under_each_other_s_name(tmp_path: Path) -> None:
    folder_of = {"train": "train", "valid": "test", "test": "validation"}
    found = read(make_zip(tmp_path / "a.zip", whole(folder_of, {name: name for name in FER_CLASSES})))
    assert {split: tuple(images.counts().values()) for split, images in found.sets.items()} == SMALL
    assert "validation/ has PrivateTest's counts" in found.notices[0]


def test_the_published_counts_tell_all_classes_apart() -> None:
    """Of a whole copy, and of one that lacks a few dozen images."""
    order = [6, 2, 0, 1, 5, 4, 3]
    lacking = {split: np.array(row)[order] for split, row in PUBLISHED.items()}
    assert counts.order_of(lacking) == order
    lacking["train"] = lacking["train"] - 10
    assert counts.order_of(lacking) == order
    lacking["train"] = lacking["train"] // 2
    assert counts.order_of(lacking) is None


def test_a_number_of_thousands_of_digits_in_a_name(tmp_path: Path) -> None:
    """Python refuses to make an integer of it."""
    members = {f"train/sad/Training_{n}.png": png(noise(1)[0]) for n in ("1" + "0" * 5000, "9", "010")}
    assert [len(name) for name in read_folders(make_zip(tmp_path / "a.zip", members))["train"].ids] == [24, 26, 5024]


def test_a_picture_that_two_splits_claim(tmp_path: Path) -> None:
    """An image in two splits would be tested on after it was trained on."""
    found = read(make_zip(tmp_path / "a.zip", folders() | {"train/sad/PrivateTest_99.png": png(IMAGES[0])}))
    assert [p.where for p in found.problems] == ["train/sad/PrivateTest_99.png"]
    assert_the_rows(found.sets)


def test_archives_made_with_backslashes(tmp_path: Path) -> None:
    members = {name.replace("/", "\\"): content for name, content in folders().items()}
    assert_the_rows(read_folders(make_zip(tmp_path / "a.zip", members)))


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
    found = read(make_zip(tmp_path / "a.zip", members))
    assert [p.where for p in found.problems] == ["train/contempt/Training_99.png"]
    assert "'contempt', which is no class of FER-2013" in found.problems[0].what
    assert_the_rows(found.sets)


@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "emotion, pixels, Usage"])
def test_both_tables(tmp_path: Path, header: str) -> None:
    """icml_face_data.csv has blanks before two of its columns' names."""
    assert is_table(f"{header}\r\n0,".encode())
    assert_the_rows(read_csv(tmp_path / "a.zip", table(header)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings_of_tables(tmp_path: Path, encoding: str) -> None:
    text = table("emotion,pixels,Usage,é").replace("\n", "\r\n")
    assert is_table(text.encode(encoding)[:1024])
    assert_the_rows(read_csv(tmp_path / "a.zip", text.encode(encoding)))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\r\n\r\n"),
        lambda text: re.sub(r"(?m)^(\d),", lambda m: f"{FER_CLASSES[int(m[1])].upper()},", text),
        lambda text: re.sub(r"(?m)^(\d),", r"\1.0,", text),
        lambda text: re.sub(r",(\d[\d ]+),", lambda m: f',"[{m[1].replace(" ", ", ")}]",', text),
        lambda text: re.sub(r"(\d+) ", r"\1.0 ", text),
        lambda text: text.replace("Training", "train").replace("PublicTest", "val").replace("PrivateTest", "Test"),
    ],
    ids=["semicolons", "tabs", "old Mac", "blank lines", "names", "3.0", "lists", "floats", "other usages"],
)
def test_tables_as_other_programs_write_them(tmp_path: Path, change: Callable[[str], str]) -> None:
    text = change(table())
    assert is_table(text[:1024].encode())
    sets = read_csv(tmp_path / "a.zip", text)
    for split, usage in zip(("train", "valid", "test"), USAGES, strict=True):
        part = [row for row in ROWS if row[0] == usage]
        np.testing.assert_array_equal(sets[split].images, [pixels for *_, pixels in part])
        np.testing.assert_array_equal(sets[split].labels, [code for _, _, code, _ in part])


def test_a_row_after_blank_lines_is_named_by_its_line(tmp_path: Path) -> None:
    found = read_table(tmp_path / "a.zip", f"emotion,pixels,Usage\n\n\n9,{FULL},Training\n3,{FULL},Training\n")
    assert [p.where for p in found.problems] == ["fer2013.csv, line 4"]
    assert found.sets["train"].ids == ("Training_1",)


def test_icml_face_data_orders_its_columns_differently(tmp_path: Path) -> None:
    text = table("emotion, Usage, pixels", lambda code, pixels, usage: (code, usage, pixels))
    assert_the_rows(read_csv(tmp_path / "a.zip", text))


@pytest.mark.parametrize("header", ["emotion,pixels", "label,pixels,Usage", "emotion|pixels|Usage", ""])
def test_other_headers(header: str) -> None:
    assert not is_table(header.encode())


FULL = " ".join(["0"] * 2304)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (f"7,{FULL},Training", "emotion 7"),
        (f"-1,{FULL},Training", "emotion -1"),
        (f"joyless,{FULL},Training", "'joyless' is neither a class's number nor its name"),
        (f"3.5,{FULL},Training", "'3.5' is neither"),
        (f"{'9' * 5000},{FULL},Training", "is neither"),
        (f"contempt,{FULL},Training", "emotion 7"),
        (f"3,{FULL},Holdout", "'Holdout'"),
        (f"3,{FULL[:-1]}0.5,Training", "no whole numbers"),
        (f"3,{FULL[:-1]}nan,Training", "no whole numbers"),
        (f"3,{FULL[:-2]},Training", "2303 pixels"),
        (f"3,{FULL[:-1]}256,Training", "outside 0-255"),
        (f"3,{FULL[:-1]}99999999999999999999,Training", "can't be read"),
        (f"3,{FULL[:-1]}-1,Training", "outside 0-255"),
        (f"3,{FULL[:-1]}x,Training", "can't be read"),
        (f"3,{FULL}", "can't be read"),
        ("3", "can't be read"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, problem: str) -> None:
    found = read_table(tmp_path / "a.zip", f"emotion,pixels,Usage\n3,{FULL},Training\n{row}\n3,{FULL},Training\n")
    assert [p.where for p in found.problems] == ["fer2013.csv, line 3"]
    assert problem in found.problems[0].what
    assert found.sets["train"].ids == ("Training_0", "Training_2")


def test_a_table_far_larger_than_it_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferlab.datasets.tables.LARGEST_TABLE", 1000)
    with pytest.raises(UserError, match="unpacks to 345,918 bytes"):
        read_table(tmp_path / "a.zip", table())


@pytest.mark.parametrize("line", ["x" * 2**17, "3,7" + " 7" * 2**17, '"' + "x" * 2**17, "3," + "," * 2**17])
def test_an_endless_line(tmp_path: Path, line: str) -> None:
    """It is refused at its start: a megabyte of zip can hold gigabytes of it."""
    with pytest.raises(UserError, match="line 3 of the table has more than 65,536"):
        read_table(tmp_path / "a.zip", f"emotion,pixels,Usage\n3,{FULL},Training\n{line}")


def test_endlessly_many_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferlab.datasets.tables.MOST_ROWS", 5)
    with pytest.raises(UserError, match="more than 5 lines"):
        read_table(tmp_path / "a.zip", "emotion,pixels,Usage" + "\n" * 7)


@st.composite
def sets(draw: st.DrawFn) -> dict[str, ImageSet]:
    found = {}
    for split in ("train", "valid", "test"):
        labels = np.array(draw(st.lists(st.integers(0, 6), min_size=1, max_size=5)), dtype=np.int64)
        n, images = len(labels), noise(len(labels), draw(st.integers(0, 99)))
        images[0] = draw(st.integers(0, 255))
        found[split] = ImageSet(images, labels, FER_CLASSES, tuple(map(str, range(n))), ("",) * n, ("",) * n, split)
    return found


@settings(deadline=None, max_examples=25)
@given(sets())
def test_any_sets_come_back_from_a_table_and_from_folders(whole: dict[str, ImageSet]) -> None:
    usages = dict(zip(whole, USAGES, strict=True))
    members = {
        f"{usages[split]}/{FER_CLASSES[label]}/{i}.png": png(image)
        for split, images in whole.items()
        for i, (label, image) in enumerate(zip(images.labels, images.images, strict=True))
    }
    with TemporaryDirectory() as folder:
        for found in (
            read_csv(Path(folder) / "a.zip", write_table(whole, usages)),
            read_folders(make_zip(Path(folder) / "b.zip", members)),
        ):
            for split, images in whole.items():
                np.testing.assert_array_equal(found[split].images, images.images)
                np.testing.assert_array_equal(found[split].labels, images.labels)


def test_published_counts() -> None:
    """The sizes that every paper on FER-2013 gives."""
    assert [sum(part) for part in PUBLISHED.values()] == [28709, 3589, 3589]
    by_class = np.sum(list(PUBLISHED.values()), axis=0)
    # Goodfellow et al. 2015: 4953 angry, 547 disgust, 5121 fear, 8989 happy, 6077 sad, 4002 surprise, 6198 neutral
    np.testing.assert_array_equal(by_class, [4953, 547, 5121, 8989, 6077, 4002, 6198])
