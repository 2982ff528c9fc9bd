"""FER+: votes laid on FER-2013's images, by row or by name, and never on others."""

from pathlib import Path

import numpy as np
import pytest

from ferlab.data.labels import FER_CLASSES
from ferlab.datasets import forms
from ferlab.datasets.fitting import EIGHT
from ferlab.datasets.reading import Reading
from ferlab.datasets.votes import COLUMNS, majority
from ferlab.errors import UserError
from small import make_zip, noise, png

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
USAGES = ("Training", "Training", "Training", "Training", "PublicTest", "PrivateTest", "PrivateTest")
VOTES = (  # the fourth is no face: such rows have no name, and the names' numbers aren't the rows'
    "fer0000000.png,8,0,0,1,1,0,0,0,0,0",
    "fer0000001.png,0,0,0,0,5,2,0,2,1,0",
    "fer0000002.png,5,0,0,4,0,0,0,0,1,0",
    ",0,0,0,0,0,0,0,0,0,10",
    "fer0000003.png,0,10,0,0,0,0,0,0,0,0",
    "fer0000004.png,0,0,0,0,0,0,2,7,0,1",
    "fer0000005.png,1,1,1,1,0,0,0,0,6,0",
)
IMAGES = noise(7)
TABLE = [f"{HEADER}\n", *(f"{usage},{row}\n" for usage, row in zip(USAGES, VOTES, strict=True))]
FER = [
    "emotion,pixels,Usage\n",
    *(f"0,{' '.join(map(str, image.ravel()))},{usage}\n" for image, usage in zip(IMAGES, USAGES, strict=True)),
]
EXPECTED = {
    "train": ((0, "neutral"), (1, "angry"), (2, "neutral")),
    "valid": ((4, "happy"),),
    "test": ((5, "contempt"),),
}


def read(
    path: Path, votes: list[str], members: dict[str, bytes | str], classes: tuple[str, ...] | None = None
) -> Reading:
    container = make_zip(path / "a.zip", {"x/fer2013new.csv": "".join(votes)} | members)
    return forms.read_as(container, "ferplus", side=48, classes=classes)


def by_row(path: Path, votes: list[str], fer: list[str], classes: tuple[str, ...] | None = None) -> Reading:
    return read(path, votes, {"fer2013.csv": "".join(fer)}, classes)


FOLDERS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}
PICTURES: dict[str, bytes | str] = {
    f"data/{FOLDERS[usage]}/{row.split(',')[0]}": png(image)
    for usage, row, image in zip(USAGES, VOTES, IMAGES, strict=True)
    if row[0] != ","
}


@pytest.mark.parametrize("on", ["table", "pictures", "a table with other ends of lines"])
def test_each_image_gets_its_own_votes(tmp_path: Path, on: str) -> None:
    votes = [line.replace("\n", "\r\n") for line in TABLE] if "ends" in on else TABLE
    found = read(tmp_path, votes, PICTURES) if on == "pictures" else by_row(tmp_path, votes, FER)
    assert list(found.sets) == list(EXPECTED)
    for split, images in found.sets.items():
        assert images.classes == EIGHT == (*FER_CLASSES, "contempt")
        assert images.origins == ("ferplus",) * len(images)
        np.testing.assert_array_equal(images.images, IMAGES[[row for row, _ in EXPECTED[split]]])
        assert [EIGHT[label] for label in images.labels] == [name for _, name in EXPECTED[split]]
        assert found.sets[split].votes.dtype == np.float32
        np.testing.assert_allclose(found.sets[split].votes.sum(axis=1), 1)
    angry = dict(zip(EIGHT, found.sets["train"].votes[1].tolist(), strict=True))
    shares = {"angry": 5 / 9, "disgust": 2 / 9, "contempt": 2 / 9}
    assert angry == pytest.approx({name: shares.get(name, 0) for name in EIGHT})
    assert "2 of 7 images are left out (not a face 1, unknown 1)" in found.notices


def test_fewer_classes(tmp_path: Path) -> None:
    """The shares are those of the votes for the classes that are left."""
    found = by_row(tmp_path, TABLE, FER, ("angry", "disgust", "neutral", "happy"))
    assert {split: len(images) for split, images in found.sets.items()} == {"train": 3, "valid": 1}
    np.testing.assert_allclose(found.sets["train"].votes[1], [5 / 7, 2 / 7, 0, 0], rtol=1e-6)
    assert "1 images of other classes are left out (contempt 1)" in found.notices


@pytest.mark.parametrize(
    ("votes", "label", "shares"),
    [
        ("neutral 5, happiness 5", None, {"neutral": 0.5, "happy": 0.5}),
        ("neutral 6, happiness 4", "neutral", {"neutral": 0.6, "happy": 0.4}),
        (
            "sadness 2, anger 1, disgust 1, fear 1, contempt 1, surprise 1, neutral 1, unknown 1, nf 1",
            "sad",
            {"sad": 1},
        ),
        ("fear 4, unknown 4, anger 2", None, {"fear": 4 / 6, "angry": 2 / 6}),
        ("fear 5, unknown 4, anger 1", "fear", {"fear": 1}),
        ("unknown 6, contempt 4", None, {"contempt": 1}),
        ("nf 10", None, {}),
        ("neutral 1, happiness 1", None, {}),
        ("surprise 3", "surprise", {"surprise": 1}),
    ],
)
def test_the_majority(votes: str, label: str | None, shares: dict[str, float]) -> None:
    """As in the authors' code: single votes count as none, and more than half of the others must agree."""
    given = {name: int(n) for name, n in (part.rsplit(" ", 1) for part in votes.split(", "))}
    soft, labels = majority(np.array([[given.get(column, 0) for column in COLUMNS]]))
    assert (EIGHT[labels[0]] if labels[0] >= 0 else None) == label
    np.testing.assert_allclose(soft[0], [shares.get(name, 0) for name in EIGHT], rtol=1e-6)


def swapped(rows: list[str], a: int, b: int) -> list[str]:
    order = list(range(len(rows)))
    order[a], order[b] = b, a
    return [rows[i] for i in order]


@pytest.mark.parametrize(
    ("votes", "fer", "what"),
    [
        (TABLE[:-1], FER, "6 rows of votes, but 7 images"),
        (TABLE, FER[:-1], "7 rows of votes, but 6 images"),
        (swapped(TABLE, 2, 6), FER, "line 3 is of test, but row 2 of the images of train"),
        (TABLE, swapped(FER, 4, 5), "line 5 is of train, but row 4 of the images of valid"),
        ([*TABLE[:3], "Training,x.png,1,2\n", *TABLE[4:]], FER, "line 4 has too few columns"),
        ([*TABLE[:3], TABLE[3].replace(",5,", ",-5,"), *TABLE[4:]], FER, "line 4: '-5' is no number of votes"),
        ([*TABLE[:3], TABLE[3].replace(",5,", ",5.5,"), *TABLE[4:]], FER, "line 4: '5.5' is no number of votes"),
        ([*TABLE[:3], TABLE[3].replace("Training", "\x1b[2J"), *TABLE[4:]], FER, "line 4: .* is no usage"),
        (TABLE[:1], FER, "0 rows of votes, but 7 images"),
        (TABLE, [*FER[:3], "0,1 2,Training\n", *FER[4:]], "line 4 can't be read: 2 pixels"),
        ([TABLE[0].replace("anger", "fear"), *TABLE[1:]], FER, r"this is not FER\+"),
        ([TABLE[0].replace("NF", "NF,fear"), *TABLE[1:]], FER, "line 1: more than one column is called fear"),
        (["Usage,neutral\n"], FER, r"this is not FER\+"),
    ],
)
def test_votes_that_do_not_match(tmp_path: Path, votes: list[str], fer: list[str], what: str) -> None:
    with pytest.raises(UserError, match=what) as caught:
        by_row(tmp_path, votes, fer)
    assert "\x1b" not in str(caught.value)
    if what.startswith("this is not"):
        assert all(column in caught.value.next_step for column in COLUMNS)
    assert "--allow-partial" not in caught.value.next_step, "votes count by their place: none can be left out"


def test_votes_of_another_order(tmp_path: Path) -> None:
    """The splits may agree row by row and the rows still be others: the labels then agree by chance alone."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 150)
    pixels = " ".join(["7"] * 48 * 48)
    fer = ["emotion,pixels,Usage\n", *(f"{label},{pixels},Training\n" for label in labels)]
    column = [
        COLUMNS.index(name) for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    ]
    votes = [f"Training,,{','.join('9' if i == column[label] else '0' for i in range(10))}\n" for label in labels]
    assert len(by_row(tmp_path, [TABLE[0], *votes], fer).sets["train"]) == 150
    with pytest.raises(UserError, match=r"only \d+% of the majorities are what FER-2013's own labels say"):
        by_row(tmp_path, [TABLE[0], *rng.permutation(votes).tolist()], fer)


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({}, "votes, but no fer2013.csv that they are of"),
        ({"train/happy/Training_7.jpg": png(IMAGES[0])}, "votes, but none of the pictures that they are of"),
        (
            {k: v for k, v in PICTURES.items() if "0001" not in k},
            "line 3 of the votes names a picture that isn't in here",
        ),
        (
            {k: v for k, v in PICTURES.items() if "0001" not in k} | {"FER2013Test/fer0000001.png": png(IMAGES[1])},
            "FER2013Test/fer0000001.png lies in a folder of test, but line 3 of the votes says train",
        ),
    ],
)
def test_pictures_that_do_not_match(tmp_path: Path, members: dict[str, bytes | str], what: str) -> None:
    with pytest.raises(UserError, match=what) as caught:
        read(tmp_path, TABLE, members)
    if "votes, but" in what:
        assert "folders of pictures have lost the order" in caught.value.next_step
