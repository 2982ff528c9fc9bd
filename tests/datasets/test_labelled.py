"""Data sets whose labels lie beside their pictures: RAF-DB, AffectNet and CK+ as its authors give it out."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ferlab.data.ids import sequence
from ferlab.data.images import ImageSet
from ferlab.datasets import affectnet, ckplus, ckplus_original, forms, rafdb
from ferlab.datasets.ckplus_original import square_round
from ferlab.datasets.reading import Reading
from ferlab.errors import UserError
from small import make_zip

Members = dict[str, bytes | str]


def picture(level: int, size: tuple[int, int] = (40, 40), kind: str = "png") -> bytes:
    content = io.BytesIO()
    Image.new("L", size, level).convert("RGB").save(content, kind)
    return content.getvalue()


def read(path: Path, name: str, members: Members, allow_partial: bool = False, **asked: tuple[str, ...]) -> Reading:
    container = make_zip(path / "a.zip", members)
    return forms.read_as(container, name, side=16, allow_partial=allow_partial, **asked)  # type: ignore[arg-type]


def of_class(images: ImageSet) -> dict[str, set[int]]:
    """The grey levels of each class's images."""
    found = dict[str, set[int]]()
    for image, label in zip(images.images, images.labels, strict=True):
        found.setdefault(images.classes[label], set()).update(np.unique(image).tolist())
    return found


RAF_NUMBERS = {1: "surprise", 2: "fear", 3: "disgust", 4: "happy", 5: "sad", 6: "angry", 7: "neutral"}
RAF: Members = {
    "basic/EmoLabel/list_patition_label.txt": "".join(
        f"{split}_{n:05}.jpg {n}\r\n" for split in ("train", "test") for n in RAF_NUMBERS
    )
} | {
    f"basic/Image/{folder}/{split}_{n:05}{end}.png": picture(30 * n + offset)
    for folder, end, offset in (("aligned", "_aligned", 0), ("original", "", 5))
    for split in ("train", "test")
    for n in RAF_NUMBERS
}
LIST = next(iter(RAF))


def test_rafdb(tmp_path: Path) -> None:
    """Numbers by its authors' list, splits by names, aligned pictures before others."""
    found = read(tmp_path, "rafdb", RAF)
    assert list(found.sets) == ["train", "test"]
    for images in found.sets.values():
        assert images.classes == rafdb.CLASSES
        assert of_class(images) == {name: {30 * n} for n, name in RAF_NUMBERS.items()}
    assert not any("aligned" in notice for notice in found.notices)
    assert len(found.members) == 14
    assert sum(rafdb.PUBLISHED["train"]) == 12_271
    assert sum(rafdb.PUBLISHED["test"]) == 3_068
    assert "train/happy: 1 images, published 4772" in forms.differences("rafdb", found.sets)


def test_rafdb_without_aligned_pictures(tmp_path: Path) -> None:
    found = read(tmp_path, "rafdb", {k: v for k, v in RAF.items() if "aligned" not in k}, classes=("happy", "fear"))
    assert of_class(found.sets["test"]) == {"happy": {125}, "fear": {65}}
    assert "14 pictures are not called aligned" in "; ".join(found.notices)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("train_00001.jpg 8", "line 15 has the label 8; RAF-DB's basic expressions are 1 to 7"),
        ("train_00009.jpg 0", "line 15 has the label 0"),
        ("train_00009.jpg 11", "line 15 has the label 11"),
        ("train_00009.jpg 3", "line 15 names a picture that isn't in here"),
        ("train_00001.jpg 2", "line 15 names a picture that stood there before"),
        ("val_00001.jpg 2", "line 15 isn't `train_00001.jpg 5`"),
        ("train_00001.jpg", "line 15 isn't"),
        ("../train_00001.jpg 2", "line 15 isn't"),
        ("train_00001.jpg \x1b[2J", "line 15 isn't"),
    ],
)
def test_lines_of_rafdbs_list(tmp_path: Path, line: str, what: str) -> None:
    with pytest.raises(UserError, match=what) as caught:
        read(tmp_path, "rafdb", RAF | {LIST: f"{RAF[LIST]!s}{line}\n"})  # type: ignore[str-bytes-safe]
    assert "\x1b" not in str(caught.value)


def npy(value: object) -> bytes:
    content = io.BytesIO()
    np.save(content, np.array(value))
    return content.getvalue()


AFFECT_NUMBERS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
AFFECT: Members = {
    f"{split}_set/{name}": content
    for split in ("train", "val")
    for i in range(11)
    for name, content in {
        f"images/{i}.jpg": picture(20 * i, (30 + i, 30), "jpeg"),
        f"annotations/{i}_exp.npy": npy(str(i) if split == "train" else i),
        f"annotations/{i}_aro.npy": npy(0.5),
    }.items()
}


def test_affectnet(tmp_path: Path) -> None:
    """Numbers as text or as numbers; what is no expression is left out."""
    found = read(tmp_path, "affectnet", AFFECT)
    assert list(found.sets) == ["train", "valid"]
    for images in found.sets.values():
        assert images.classes == affectnet.CLASSES == AFFECT_NUMBERS
        assert of_class(images) == {name: {20 * i} for i, name in enumerate(AFFECT_NUMBERS)}
    assert "6 images without an expression are left out (no face 2, none 2, uncertain 2)" in found.notices


def huge() -> bytes:
    """A header that promises far more values than the file has."""
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<i8", "fortran_order": False, "shape": (2**40,)})
    return content.getvalue()


class Trap:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return Path.touch, (Path("ran"),)  # type: ignore[return-value]


ONE = "train_set/annotations/1_exp.npy"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({ONE: npy(11)}, "says 11, which is no expression"),
        ({ONE: npy(-1)}, "holds no number of an expression"),
        ({ONE: npy([1, 2])}, "holds no number"),
        ({ONE: npy(1.5)}, "holds no number"),
        ({ONE: npy("happy")}, "holds no number"),
        ({ONE: npy("1" * 2000)}, "unpacks to 8,128 bytes"),
        ({ONE: b""}, "holds no number"),
        ({ONE: npy(1)[:-4]}, "holds no number"),
        ({ONE: huge()}, "holds no number"),
        ({ONE: npy(Trap())}, "holds no number"),
        ({ONE: pickle.dumps(Trap())}, "holds no number"),
        ({"train_set/images/99.jpg": picture(1)}, r"images/99.jpg has no annotation \(annotations/99_exp.npy\)"),
        ({"train_set/annotations/99_exp.npy": npy(1)}, "99_exp.npy has no image"),
    ],
)
def test_annotations_that_cannot_be_used(tmp_path: Path, changes: Members, what: str) -> None:
    """None is run, none takes memory for what it only promises; all others are still read."""
    with pytest.raises(UserError, match=what):
        read(tmp_path, "affectnet", AFFECT | changes)
    found = read(tmp_path, "affectnet", AFFECT | changes, allow_partial=True)
    assert len(found.problems) == 1
    assert sum(map(len, found.sets.values())) == (15 if ONE in changes else 16)
    assert not Path("ran").exists()


def scene(level: int, left: int, upper: int, edge: int) -> bytes:
    """A frame of 64x49, black but for a square."""
    pixels = np.zeros((49, 64), np.uint8)
    pixels[upper : upper + edge, left : left + edge] = level
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()


def corners(left: float, upper: float, edge: float) -> str:
    """Landmarks as CK+ writes them, at the corners and in the middle of a square."""
    points = [(left, upper), (left + edge, upper + edge), (left + edge / 2, upper + edge / 2)]
    return "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points)


CK_NUMBERS = ("angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
CK: Members = {}
for _number in range(1, 8):
    _name = f"S{_number % 3 + 10:03}/{_number:03}/S{_number % 3 + 10:03}_{_number:03}"
    CK[f"Emotion/{_name}_{5:08}_emotion.txt"] = f"   {_number:.7e}\n"
    for _frame in range(1, 6):
        _at = 10 + _frame, 5 + _number  # the face moves: each frame has its own landmarks
        CK[f"cohn-kanade-images/{_name}_{_frame:08}.png"] = scene(30 * _number + _frame, *_at, 26)
        CK[f"Landmarks/{_name}_{_frame:08}_landmarks.txt"] = corners(_at[0] + 3, _at[1] + 3, 20)
CK["cohn-kanade-images/S020/001/S020_001_00000001.png"] = scene(9, 0, 0, 9)
CK["Emotion/S020/002/S020_002_00000002_emotion.txt"] = "  0.0000000e+00"
CK["cohn-kanade-images/S020/002/S020_002_00000002.png"] = scene(9, 0, 0, 9)


def test_original_ckplus(tmp_path: Path) -> None:
    """The labelled frame and the two before it, each cut to its own landmarks: nothing of the scene is left."""
    found = read(tmp_path, "ckplus_original", CK)
    images = found.sets["all"]
    assert images.counts() == dict.fromkeys(CK_NUMBERS, 3)
    assert of_class(images) == {name: {30 * n + frame for frame in (3, 4, 5)} for n, name in enumerate(CK_NUMBERS, 1)}
    for name, subject in zip(images.ids, images.subjects, strict=True):
        assert subject == sequence(name)[:4]
    assert set(images.subjects) == {"S010", "S011", "S012"}
    assert "1 sequences without a label are left out" in found.notices
    assert "1 neutral sequences are left out: they are none of the seven expressions" in found.notices
    assert ckplus_original.PUBLISHED["all"] == ckplus.PUBLISHED


def test_original_ckplus_without_landmarks(tmp_path: Path) -> None:
    found = read(tmp_path, "ckplus_original", {k: v for k, v in CK.items() if "Landmarks" not in k})
    assert "21 frames have no landmarks: their middle is used, not their face" in found.notices
    assert len(found.sets["all"]) == 21


FIRST = "S011/001/S011_001_00000005"


@pytest.mark.parametrize(
    ("changes", "what", "left"),
    [
        ({f"Emotion/{FIRST}_emotion.txt": "8.0"}, "holds no number of an emotion", 18),
        ({f"Emotion/{FIRST}_emotion.txt": ""}, "holds no number of an emotion", 18),
        ({f"Emotion/{FIRST}_emotion.txt": "1.0\n2.0"}, "holds no number of an emotion", 18),
        ({f"Emotion/{FIRST}_emotion.txt": "nan"}, "holds no number of an emotion", 18),
        ({f"more/{FIRST}_emotion.txt": "2.0"}, "is a second label of its sequence", 21),
        ({"Emotion/S099/001/S099_001_00000009_emotion.txt": "2"}, "labels a frame that isn't in here", 21),
        ({f"Landmarks/{FIRST}_landmarks.txt": "1 2 3\n"}, "holds no landmarks", 20),
        ({f"Landmarks/{FIRST}_landmarks.txt": "1 2\n3\n4 5\n"}, "holds no landmarks", 20),
        ({f"Landmarks/{FIRST}_landmarks.txt": "1 nan\n3 4\n4 5\n"}, "holds no landmarks", 20),
        ({f"Landmarks/{FIRST}_landmarks.txt": corners(700, 5, 20)}, "has its landmarks outside its 64x49 pixels", 20),
        ({f"cohn-kanade-images/{FIRST}.png": b"x"}, "can't be decoded", 20),
    ],
)
def test_parts_of_ckplus_that_cannot_be_used(tmp_path: Path, changes: Members, what: str, left: int) -> None:
    with pytest.raises(UserError, match=what):
        read(tmp_path, "ckplus_original", CK | changes)
    found = read(tmp_path, "ckplus_original", CK | changes, allow_partial=True)
    assert len(found.sets["all"]) == left
    assert len(found.problems) == 1


@pytest.mark.parametrize(
    ("left", "upper", "edge"), [(300, 200, 100), (0, 0, 100), (560, 400, 90), (100, 10, 470), (-30, 20, 200)]
)
def test_the_square_round_a_face_lies_in_its_picture(left: int, upper: int, edge: int) -> None:
    points: NDArray[np.float64] = np.array(
        [(left, upper + 20), (left + edge, upper + 20), (left + 50, upper + 90)], float
    )
    a, b, c, d = square_round(points, 640, 490)
    assert c - a == d - b
    assert 0 <= a < c <= 640
    assert 0 <= b < d <= 490
    if c - a < 490:
        assert c - a == round(1.3 * max(edge, 70))
        assert a <= max(left, 0) <= c
