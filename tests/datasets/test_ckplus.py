"""CK+48: classes by name, subjects and sequences from the files' names."""

from pathlib import Path

import numpy as np
import pytest

from ferlab.data.ids import sequence
from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.data.splits import subject_folds
from ferlab.datasets import ckplus
from ferlab.datasets.archive import open_archive
from ferlab.datasets.reading import Reading
from ferlab.errors import UserError
from small import make_zip, noise, png

FOLDERS = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
NAMES = [
    f"CK+48/{folder}/S{subject:03}_{sequence:03}_{frame:08}.png"
    for sequence, folder in enumerate(FOLDERS, start=1)
    for subject in (5, 130)
    for frame in (9, 10, 11)
]
IMAGES = noise(len(NAMES))


def read(path: Path, members: dict[str, bytes]) -> ImageSet:
    with open_archive(make_zip(path, members)) as archive:
        return ckplus.read_folders(archive).sets["all"]


@pytest.fixture
def frames(tmp_path: Path) -> ImageSet:
    members = {name: png(image) for name, image in zip(NAMES, IMAGES, strict=True)}
    return read(tmp_path / "a.zip", dict(reversed(members.items())))


def test_labels_and_pixels_by_name(frames: ImageSet) -> None:
    assert set(frames.ids) == set(NAMES)
    for name, label, image in zip(frames.ids, frames.labels, frames.images, strict=True):
        assert CKPLUS_CLASSES[label] == dict(zip(FOLDERS, CKPLUS_CLASSES, strict=True))[Path(name).parent.name]
        np.testing.assert_array_equal(image, IMAGES[NAMES.index(name)])


def test_subjects_and_sequences(frames: ImageSet) -> None:
    """Folds by subject need the subject."""
    for name, subject in zip(frames.ids, frames.subjects, strict=True):
        assert subject == Path(name).stem[:4]
        assert sequence(name) == Path(name).stem[:8]
    assert set(frames.subjects) == {"S005", "S130"}
    assert len({sequence(name) for name in frames.ids}) == 14


def test_frames_stand_in_their_sequence(frames: ImageSet) -> None:
    stems = [Path(name).stem for name in frames.ids]
    assert stems == sorted(stems)
    assert stems[:3] == ["S005_001_00000009", "S005_001_00000010", "S005_001_00000011"]


def test_case_of_names_does_not_matter(tmp_path: Path) -> None:
    found = read(tmp_path / "a.zip", {"Anger/s010_004_00000017.PNG": png(IMAGES[0])})
    assert found.subjects == ("S010",)
    assert sequence(found.ids[0]) == "S010_004"


def test_junk_is_ignored(tmp_path: Path) -> None:
    junk = {"__MACOSX/anger/._S010_004_00000017.png": b"x", "anger/Thumbs.db": b"x", "preview.png": b"x"}
    assert len(read(tmp_path / "a.zip", junk | {"anger/S010_004_00000017.png": png(IMAGES[0])})) == 1


def test_neutral_is_no_class(tmp_path: Path) -> None:
    """CK+ has contempt in its place: neutral faces belong to another dataset."""
    with open_archive(make_zip(tmp_path / "a.zip", {"neutral/S010_004_00000001.png": png(IMAGES[0])})) as archive:
        (problem,) = ckplus.read_folders(archive).problems
    assert problem.where == "neutral/S010_004_00000001.png"
    assert "'neutral', which is no class of CK+" in problem.what


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("happy/S010_004_00000017.png", True),
        ("S010_004_00000017.jpg", True),
        ("train/happy/Training_17.jpg", False),
        ("happy/S010_004.png", False),
        ("happy/XS010_004_00000017.png", False),
    ],
)
def test_form_of_names(name: str, member: bool) -> None:
    assert ckplus.is_member(name) == member


def test_any_nesting(tmp_path: Path) -> None:
    found = read(tmp_path / "a.zip", {"x/CK+48/Happy/S010/004/S010_004_00000017.png": png(IMAGES[0])})
    assert CKPLUS_CLASSES[found.labels[0]] == "happy"


COUNTS = dict(zip(CKPLUS_CLASSES, ckplus.PUBLISHED, strict=True))
PIXELS = [" ".join(map(str, image.ravel())) for image in noise(8)]


def flat(order: tuple[str, ...], share: int, neutral: int = 0) -> str:
    """A table of CK+ with a picture a class."""
    counts = {name: n // share for name, n in COUNTS.items()} | {"neutral": neutral}
    rows = [f"{code},{PIXELS[code]},Training\n" * counts[name] for code, name in enumerate(order)]
    return "emotion,pixels,Usage\n" + "".join(rows)


def read_flat(path: Path, text: str) -> Reading:
    with open_archive(make_zip(path, {"ckextended.csv": text})) as archive:
        return ckplus.read_csv(archive, "ckextended.csv")


@pytest.mark.parametrize(
    ("order", "share", "neutral"),
    [
        (("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt"), 3, 593),
        (("angry", "disgust", "fear", "happy", "sad", "surprise", "contempt"), 1, 0),
        (("angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"), 1, 0),
    ],
    ids=["920 rows", "981 rows, contempt last", "981 rows, by name"],
)
def test_flat_tables(tmp_path: Path, order: tuple[str, ...], share: int, neutral: int) -> None:
    """Number 6 is neutral here and contempt there; the counts tell which."""
    found = read_flat(tmp_path / "a.zip", flat(order, share, neutral))
    images = found.sets["all"]
    assert images.counts() == {name: n // share for name, n in COUNTS.items()}
    for name in CKPLUS_CLASSES:
        expected = noise(8)[order.index(name)]
        assert (images.images[images.labels == CKPLUS_CLASSES.index(name)] == expected).all()
    assert (f"{neutral} neutral rows are left out" in " ".join(found.notices)) == bool(neutral)
    assert not subject_folds(images, 5, 0).any(), "one fold, where nobody knows who is shown"


def test_a_flat_table_may_not_lose_a_row(tmp_path: Path) -> None:
    """Its counts say what its numbers mean."""
    text = flat(("angry", "disgust", "fear", "happy", "sad", "surprise", "contempt"), 1) + "3,1 2,Training\n"
    with pytest.raises(UserError, match="line 983 can't be read: 2 pixels") as caught:
        read_flat(tmp_path / "a.zip", text)
    assert "--allow-partial" not in caught.value.next_step


def test_a_flat_table_whose_numbers_nobody_can_tell(tmp_path: Path) -> None:
    text = flat(("angry", "disgust", "fear", "happy", "sad", "surprise", "contempt"), 1)
    with pytest.raises(UserError, match="class numbers can't be told: images a number are 0: 135, 1: 177") as caught:
        read_flat(tmp_path / "a.zip", text[: text.rindex("6,")])
    assert "ckextended.csv" in caught.value.where


def test_published_counts() -> None:
    """The paper's 981 images, by the folders' names."""
    published = dict(zip(FOLDERS, ckplus.PUBLISHED, strict=True))
    assert published == {
        "anger": 135, "contempt": 54, "disgust": 177, "fear": 75, "happy": 207, "sadness": 84, "surprise": 249,
    }  # fmt: skip
    assert sum(ckplus.PUBLISHED) == 981
