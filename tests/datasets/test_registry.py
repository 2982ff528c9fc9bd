"""One protocol for every data set, and class folders, the form that any data set can be brought into."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.datasets import folders, forms, registry
from ferlab.datasets.reading import Reading
from ferlab.errors import UserError
from small import make_zip, noise, png


def grey(level: int, size: tuple[int, int] = (30, 30), mode: str = "L") -> bytes:
    content = io.BytesIO()
    Image.new("L", size, level).convert(mode).save(content, "png")
    return content.getvalue()


LEVELS = {"happy": 40, "sad": 80, "angry": 120, "hot_dog": 200}
NAMES = ("Happy", "3_sadness", "angry", "7. Hot Dog")


def read(
    path: Path,
    members: dict[str, bytes | str],
    classes: tuple[str, ...] | None = None,
    name: str = "folder",
    allow_partial: bool = False,
) -> Reading:
    container = make_zip(path / "a.zip", members)
    return forms.read_as(container, name, side=24, classes=classes, allow_partial=allow_partial)


def a_folder_each(*prefixes: str, names: tuple[str, ...] = NAMES) -> dict[str, bytes | str]:
    """Two pictures a class, as grey as LEVELS says."""
    level = dict(zip(NAMES, LEVELS.values(), strict=True))
    return {f"{p}{n}/{i}.png": grey(level[n], (20 + i, 20 + i)) for p in prefixes for n in names for i in range(2)}


def test_classes_by_their_folders(tmp_path: Path) -> None:
    """Standard names where there are some, in FER-2013's order; then others. Each image has its own class."""
    (split, images), *others = read(tmp_path, a_folder_each("faces/")).sets.items()
    assert (split, others) == ("all", [])
    assert images.classes == ("angry", "happy", "sad", "hot_dog")
    assert images.side == 24
    assert images.origins == ("folder",) * 8
    for image, label in zip(images.images, images.labels, strict=True):
        assert (image == LEVELS[images.classes[label]]).all()


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (("train/", "val/", "test/"), ["train", "valid", "test"]),
        (("x/Training/", "x/Validation_set/"), ["train", "valid"]),
        (("test/images/", "train/images/"), ["train", "test"]),
        (("data/train set/", "data/dev/", "data/evaluation/"), ["train", "valid", "test"]),
    ],
)
def test_splits_by_their_folders(tmp_path: Path, folders: tuple[str, ...], splits: list[str]) -> None:
    found = read(tmp_path, a_folder_each(*folders)).sets
    assert list(found) == splits
    assert [images.split for images in found.values()] == splits
    assert [len(images) for images in found.values()] == [8] * len(splits)


def test_classes_asked_for(tmp_path: Path) -> None:
    """They say the order, leave others out, and find their folders also above those of persons."""
    members = a_folder_each("") | {"angry/S01/x.png": grey(120)}
    found = read(tmp_path, members, ("Sadness", "angry"))
    images = found.sets["all"]
    assert images.counts() == {"sad": 2, "angry": 3}
    assert [images.images[images.labels == i].max() for i in range(2)] == [80, 120]
    assert "4 images of other classes are left out (happy 2, hot_dog 2)" in found.notices


def test_numbers_need_their_names(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {f"train/{n}/a.png": grey(10 * n) for n in (1, 2, 10)}
    with pytest.raises(UserError, match=r"classes are numbers \(1, 2, 10\)") as caught:
        read(tmp_path, members)
    assert "--classes" in caught.value.next_step
    with pytest.raises(UserError, match=r"3 folders of numbers .* but 2 classes"):
        read(tmp_path, members, ("happy", "sad"))
    found = read(tmp_path, members, ("happy", "sad", "calm"))
    images = found.sets["train"]
    assert [(images.classes[y], x.max()) for x, y in zip(images.images, images.labels, strict=True)] == [
        ("happy", 10), ("calm", 100), ("sad", 20)
    ]  # fmt: skip
    assert "the numbers stand for: 1 happy, 2 sad, 10 calm" in found.notices


PICTURE = grey(9)
PAIR: dict[str, bytes | str] = {"happy/a.png": PICTURE, "sad/a.png": PICTURE}


@pytest.mark.parametrize(
    ("members", "classes", "what"),
    [
        ({"happy/a.png": PICTURE, "happy/b.png": PICTURE}, None, r"a single class \(happy\)"),
        (PAIR, ("happy",), r"a single class \(happy\)"),
        (PAIR, ("happy", "calm"), "classes not here: calm; there are happy, sad"),
        (PAIR, ("happy", "joy"), "classes asked for twice: happy"),
        ({"a.png": PICTURE, "train/b.png": PICTURE}, None, "this is not class folders"),
        ({"notes.txt": "x"}, None, "this is not class folders"),
        ({"happy/a.png": b"x", "sad/a.png": b"x"}, None, r"happy/a.png can't be decoded.*1 more"),
        (PAIR | {"1/a.png": PICTURE}, None, "classes are numbers"),
        (PAIR | {"train/sad/b.png": PICTURE}, None, "happy/a.png lies in no split's folder"),
        (PAIR | {"so\x1b[2Jso/a.png": PICTURE}, None, r"lies in 'so\\x1b\[2Jso', which can't be a class's name"),
        (PAIR | {"喜/a.png": PICTURE}, None, "lies in '喜', which can't be a class's name"),
        ({f"person{i}/a.png": PICTURE for i in range(101)}, None, "101 folders of pictures .* rather persons"),
        (PAIR | {"../fear/a.png": PICTURE}, None, "leads out of its archive"),
    ],
)
def test_class_folders_that_are_refused(
    tmp_path: Path, members: dict[str, bytes | str], classes: tuple[str, ...] | None, what: str
) -> None:
    with pytest.raises(UserError, match=what) as caught:
        read(tmp_path, members, classes)
    assert "\x1b" not in str(caught.value)


def test_what_a_person_is_told(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {
        "train/happy/a.png": PICTURE, "train/Joy/a.png": PICTURE, "train/sad/a.png": grey(9, (40, 50), "RGB"),
        "train/sad/b.png": b"x", "test/happy/a.png": PICTURE, "cover.png": PICTURE, "train/.DS_Store": "x",
        "train/fear/a.tga": b"x", "train/fear/b": b"x", "train/list.txt": "x",
    }  # fmt: skip
    found = read(tmp_path, members, allow_partial=True)
    assert [problem.where for problem in found.problems] == ["train/sad/b.png"]
    assert found.sets["train"].counts() == {"happy": 2, "sad": 1}
    said = "; ".join(found.notices)
    for part in (
        "1 pictures in no class's folder",
        "the folders happy, joy are one class: happy",
        "4 pictures of 2 sizes from 30x30 to 40x50 were scaled to 24x24",
        "1 pictures became grey",
        "test has no images of sad",
        "the folder fear holds no pictures but train/fear/",
    ):
        assert part in said


def test_every_row_keeps_the_protocol() -> None:
    names = [form.name for form in registry.rows()]
    assert len(set(names)) == len(names)
    assert [form.name for form in registry.rows() if not form.asked_for] == [forms.FER2013, forms.CKPLUS]
    for form in registry.rows():
        assert registry.named(form.name) is form
        for counts in (form.published or {}).values():
            assert len(counts) == len(form.classes)
    with pytest.raises(UserError, match="no data set is called 'rafdbb'") as caught:
        registry.named("rafdbb")
    assert "rafdb" in caught.value.next_step


def test_an_archive_of_another_form(tmp_path: Path) -> None:
    """Each says what it looks for."""
    path = make_zip(tmp_path / "a.zip", {"notes.txt": "x"})
    for form in registry.rows():
        with pytest.raises(UserError, match=r"this is not ") as caught:
            forms.read_as(path, form.name, side=48)
        assert caught.value.where == str(path)
        assert form.layout in caught.value.next_step


def test_messages_name_what_was_given(tmp_path: Path) -> None:
    """Not the copy that is read."""
    path = make_zip(tmp_path / "a.zip", PAIR)
    with pytest.raises(UserError, match="classes not here") as caught:
        forms.read_as(path, "folder", side=48, classes=("happy", "calm"), shown="my faces")
    assert caught.value.where == "my faces"


def test_a_form_that_needs_no_name_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an installed package may bring one."""
    own = registry.Form("own", "Own faces", "<class>/…", folders.recognise, folders.read, asked_for=False)
    monkeypatch.setattr(registry, "FORMS", (*registry.FORMS, own))
    found = forms.read(make_zip(tmp_path / "a.zip", {"cats/1.png": PICTURE, "dogs/2.png": PICTURE}))
    assert found.sets["all"].classes == ("cats", "dogs")
    assert found.sets["all"].side == 48


@pytest.mark.parametrize(("name", "classes"), [("fer2013", FER_CLASSES), ("ckplus", CKPLUS_CLASSES)])
def test_the_papers_sets_by_the_same_protocol(tmp_path: Path, name: str, classes: tuple[str, ...]) -> None:
    """At their own side and with all their classes they are what they always were."""
    pictures = dict(zip(("angry", "happy", "fear"), map(png, noise(3)), strict=True))
    path = make_zip(
        tmp_path / "a.zip",
        {f"{f}/S010_001_0000000{i}.png": p for i, (f, p) in enumerate(pictures.items())}
        if name == "ckplus"
        else {f"{s}/{f}/{s}_1.png": p for s in ("Training", "PublicTest", "PrivateTest") for f, p in pictures.items()},
    )
    own = forms.read(path).sets
    for split, images in forms.read_as(path, name, side=48).sets.items():
        assert images.digest() == own[split].digest()
        assert images.classes == classes
    found = forms.read_as(path, name, side=12, classes=("happy", "angry"))
    assert "images of 48x48 were scaled to 12x12" in found.notices
    for split, images in found.sets.items():
        assert images.counts() == {"happy": 1, "angry": 1}
        happy = own[split].images[own[split].labels == classes.index("happy")]
        means = happy.reshape(-1, 12, 4, 12, 4).mean(axis=(2, 4))
        assert np.abs(images.images[images.labels == 0] - means).mean() < 12  # a wider filter than a box
    assert (forms.differences(name, own) == []) is False


def test_differences_of_the_classes_that_were_read(tmp_path: Path) -> None:
    images = read(tmp_path, a_folder_each("", names=("Happy", "angry"))).sets["all"]
    assert registry.named("ckplus").differences({"all": images}) == [
        "all/angry: 2 images, published 135",
        "all/happy: 2 images, published 207",
    ]
    assert registry.named("folder").differences({"all": images}) == []
