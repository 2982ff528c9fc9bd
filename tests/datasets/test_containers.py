"""data/ is replaced as a whole or not at all."""

from pathlib import Path

import numpy as np
import pytest

from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.datasets import forms
from ferlab.datasets.containers import examine, install
from ferlab.datasets.counts import PUBLISHED
from ferlab.errors import UserError
from ferlab.files import sha256_file
from small import make_zip, noise, png

PICTURE = png(noise(1)[0])
USAGES = ("Training", "PublicTest", "PrivateTest")
FER = {f"x/{name}/{usage}_1.png": PICTURE for usage in USAGES for name in FER_CLASSES}
CKPLUS = {f"{name}/S010_004_00000017.png": PICTURE for name in CKPLUS_CLASSES}


@pytest.fixture
def archives(tmp_path: Path) -> dict[str, Path]:
    return {"fer2013": make_zip(tmp_path / "faces.zip", FER), "ckplus": make_zip(tmp_path / "ck.zip", CKPLUS)}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("fer2013.zip", "ckplus.zip", "leftover.txt"):
        (folder / name).write_text(f"old {name}")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def test_examined_by_content_not_by_name(archives: dict[str, Path], scratch: Path) -> None:
    found = examine([archives["ckplus"], archives["fer2013"]], True, scratch)
    assert {dataset: what.path for dataset, what in found.items()} == archives
    assert found["fer2013"].counts["test"] == dict.fromkeys(FER_CLASSES, 1)
    assert "valid/fear: 1 images, published 496" in found["fer2013"].differences
    assert "all/fear: 1 images, published 75" in found["ckplus"].differences


def test_a_part_is_refused_unless_it_is_meant(archives: dict[str, Path], scratch: Path) -> None:
    with pytest.raises(UserError, match="all/surprise: 1 images, published 249") as caught:
        examine([archives["ckplus"]], False, scratch)
    assert caught.value.where == str(archives["ckplus"])
    assert "--allow-partial" in caught.value.next_step


def test_twice_the_same_dataset(archives: dict[str, Path], tmp_path: Path, scratch: Path) -> None:
    second = make_zip(tmp_path / "again.zip", FER)
    with pytest.raises(UserError, match=r"faces\.zip and .*again\.zip hold fer2013"):
        examine([archives["fer2013"], second], True, scratch)


@pytest.mark.parametrize("same", [True, False])
def test_two_tables_in_one_archive(same: bool, tmp_path: Path, scratch: Path) -> None:
    """The challenge's archive holds fer2013.csv and icml_face_data.csv."""
    pixels = [" ".join(map(str, image.ravel())) for image in noise(21)]
    rows = [(i % 7, pixels[i], USAGES[i // 7]) for i in range(21)]
    first = "emotion,pixels,Usage\n" + "".join(f"{c},{p},{u}\n" for c, p, u in rows)
    rows = rows if same else [*rows[1:], rows[0]]
    second = "emotion, Usage, pixels\n" + "".join(f"{c},{u},{p}\n" for c, p, u in rows)
    path = make_zip(tmp_path / "a.zip", {"fer2013/fer2013.csv": first, "icml_face_data.csv": second})
    if same:
        found = examine([path], True, scratch)
        assert found["fer2013"].notices == [f"{path}: icml_face_data.csv holds the same and isn't used"]
    else:
        with pytest.raises(UserError, match="hold fer2013"):
            examine([path], True, scratch)


def test_installed(archives: dict[str, Path], old: Path) -> None:
    hashes = install(archives, old)
    assert hashes == {dataset: sha256_file(path) for dataset, path in archives.items()}
    assert contents(old) == {f"{dataset}.zip": path.read_bytes() for dataset, path in archives.items()}


def test_one_is_replaced_by_its_own_copy(archives: dict[str, Path], old: Path) -> None:
    """`ferlab data add` with one archive keeps the other one, which lies in the folder to be replaced."""
    install({"fer2013": archives["fer2013"], "ckplus": old / "ckplus.zip"}, old)
    assert contents(old) == {"fer2013.zip": archives["fer2013"].read_bytes(), "ckplus.zip": b"old ckplus.zip"}


def test_all_or_nothing(archives: dict[str, Path], old: Path, tmp_path: Path) -> None:
    before, beside = contents(old), sorted(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        install(archives | {"ckplus": tmp_path / "absent.zip"}, old)
    assert contents(old) == before
    assert sorted(tmp_path.iterdir()) == beside


def test_what_is_stored_reads_without_a_loss(tmp_path: Path, scratch: Path) -> None:
    """--allow-partial counts what can't be used, and stores only the rest."""
    bad = {"x/fear/Training_2.png": PICTURE[:99], "x/joyless/Training_3.png": PICTURE}
    path = make_zip(tmp_path / "faces.zip", FER | bad)
    with pytest.raises(UserError, match="joyless"):
        examine([path], False, scratch)
    found = examine([path], True, scratch)["fer2013"]
    assert sorted(p.where for p in found.lost) == sorted(bad)
    again = forms.read(found.path)
    assert sorted(again.members) == sorted(FER)
    assert not again.problems


@pytest.mark.parametrize("lost", ["train/fear", "test/disgust", "all/contempt"])
def test_a_class_without_images_is_never_stored(lost: str, tmp_path: Path, scratch: Path) -> None:
    """A training would stumble over it hours later, so no flag is offered."""
    split, name = lost.split("/")
    usage = {"train": "Training", "test": "PrivateTest", "all": "S010"}[split]
    members = {n: content for n, content in (CKPLUS if split == "all" else FER).items()
               if not (name in n and usage in n)}  # fmt: skip
    for allowed in (False, True):
        with pytest.raises(UserError, match=rf"classes without images.*\({split}: {name}\)") as caught:
            examine([make_zip(tmp_path / "a.zip", members)], allowed, scratch)
        assert "--allow-partial" not in str(caught.value)


@pytest.mark.parametrize("allowed", [False, True])
def test_numbers_whose_meaning_is_unknown_are_never_stored(allowed: bool, tmp_path: Path, scratch: Path) -> None:
    members = {f"{folder}/{n}/1.png": PICTURE for folder in USAGES for n in range(7)}
    with pytest.raises(UserError, match="can't be told") as caught:
        examine([make_zip(tmp_path / "a.zip", members)], allowed, scratch)
    assert "--allow-partial" not in str(caught.value)
    assert "angry, disgust" in caught.value.next_step


def test_cohn_kanade_in_its_original_layout(tmp_path: Path, scratch: Path) -> None:
    """Frames by subject and sequence, labels in text files: named, and no flag is offered."""
    members = {f"cohn-kanade-images/S010/00{s}/S010_00{s}_0000000{i}.png": PICTURE for s in (1, 2) for i in (1, 2)}
    path = make_zip(tmp_path / "a.zip", members | {"Emotion/S010/001/S010_001_00000002_emotion.txt": b"3.0"})
    for allowed in (False, True):
        with pytest.raises(UserError, match="CK\\+ in its original layout") as caught:
            examine([path], allowed, scratch)
        assert "--allow-partial" not in str(caught.value)


def test_rows_that_cannot_be_used_are_not_stored(tmp_path: Path, scratch: Path) -> None:
    row = " ".join(["7"] * 2304)
    rows = [f"{code},{row},{usage}" for usage in USAGES for code in range(7)]
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(["emotion,pixels,Usage", *rows, f"9,{row},Training", "1,2 3,Training"]))
    found = examine([path], True, scratch)["fer2013"]
    assert [p.where for p in found.lost] == ["fer2013.csv, line 24", "fer2013.csv, line 23"]
    again = forms.read(found.path)
    assert not again.problems
    assert {split: images.counts()["happy"] for split, images in again.sets.items()} == {
        "train": 1, "valid": 1, "test": 1,
    }  # fmt: skip


def test_halves_that_cannot_be_told_apart_are_counted_together() -> None:
    def counted(split: str, counts: list[int]) -> ImageSet:
        n = sum(counts)
        labels = np.repeat(np.arange(7), counts)
        return ImageSet(np.zeros((n, 48, 48), np.uint8), labels, FER_CLASSES, ("",) * n, ("",) * n, ("",) * n, split)

    halves = [(v + t) // 2 for v, t in zip(PUBLISHED["valid"], PUBLISHED["test"], strict=True)]
    rest = [v + t - h for v, t, h in zip(PUBLISHED["valid"], PUBLISHED["test"], halves, strict=True)]
    sets = {"train": counted("train", list(PUBLISHED["train"])), "valid": counted("valid", halves)}
    assert forms.differences_of_halves(sets | {"test": counted("test", rest)}) == []
    rest[3] -= 1
    assert forms.differences_of_halves(sets | {"test": counted("test", rest)}) == [
        "valid and test/happy: 1773 images, published 1774"
    ]
