"""The demo, for whoever lacks the data: drawn faces, in archives laid out as FER-2013's and CK+48's.

They have faults of the real data too: wrong labels, copies across splits, a black image. Every random number
follows from a text by SHAKE-128, so the archives are the same on every machine.
"""

import hashlib
import zipfile
from pathlib import Path

from ferlab.data.images import SIDE
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.datasets.faces import Values, draw_face
from ferlab.files import atomic_write

DEMO_SHA256 = {
    "fer2013": "150dc431cf15f38f071a8e93a444cd66fef35fbc61a255d9d7797c1698ab0b94",
    "ckplus": "5e98ac2b640eb75b38c0c4db4dcc8a8aef53c14db9dbe27ae1c63c03cb2fa55f",
}
"""SHA-256 of the two archives; a change to anything that is drawn changes them."""

Ranges = dict[str, tuple[int, int]]

PERSON: Ranges = {
    "width": (290, 350), "height": (390, 440), "jaw": (5, 60), "skin": (125, 205), "bulge": (20, 45),
    "hair": (12, 85), "volume": (5, 60), "fringe": (90, 200), "parting": (-130, 130), "long": (-300, 300),
    "brow": (15, 30), "eye_gap": (128, 152), "eye_size": (72, 92), "iris": (20, 90), "nose": (42, 64),
    "nose_y": (60, 95), "mouth": (105, 140), "mouth_y": (215, 245), "lip": (14, 26), "beard": (-150, 70),
    "clothes": (30, 220),
}  # fmt: skip
"""How persons differ, in face units and grey levels; `long` hair and a `beard` are drawn if above 0."""

WILD: Ranges = {
    "strength": (50, 120), "shift_x": (-34, 34), "shift_y": (-30, 30), "zoom": (94, 114), "tilt": (-24, 24),
    "turn": (-36, 36), "nod": (-22, 22), "light_x": (-45, 45), "light_y": (-30, 30), "contrast": (70, 115),
    "brightness": (-25, 25), "noise": (3, 10), "background": (20, 235), "clutter": (-60, 60),
    "clutter_y": (-300, 300), "occluder": (0, 19), "side": (0, 1),
}  # fmt: skip
"""How FER-2013's pictures were taken: any pose, light and background; occluders above 2 are none."""

POSED: Ranges = {
    "strength": (85, 110), "shift_x": (-10, 10), "shift_y": (-10, 10), "zoom": (102, 106), "tilt": (-5, 5),
    "turn": (-6, 6), "nod": (-6, 6), "light_x": (-12, 12), "light_y": (-8, 8), "contrast": (95, 105),
    "brightness": (-6, 6), "noise": (2, 3), "background": (120, 140), "clutter": (0, 0),
    "clutter_y": (0, 0), "occluder": (9, 9), "side": (0, 1),
}  # fmt: skip
"""How CK+'s pictures were taken: in a laboratory, from the front."""

CONTEMPT: Ranges = {"contrast": (72, 78)}  # what is otherwise in pictures of contempt, the faintest class

WOBBLE: Ranges = {
    "brow_y": (-16, 16), "brow_tilt": (-14, 14), "brow_bend": (-8, 8), "lid": (-8, 8), "low_lid": (-5, 5),
    "lid_tilt": (-6, 6), "mouth_bend": (-14, 14), "mouth_width": (-14, 14), "mouth_y": (-10, 10),
    "gap": (-10, 10), "teeth": (-50, 50), "nose": (-10, 10), "fold": (-12, 12), "frown": (-15, 15),
    "forehead": (-15, 15), "cheek": (-10, 10), "smirk": (-6, 6),
}  # fmt: skip
"""How far parts of a face move besides, whatever the expression."""

FER_COUNTS = {
    "Training": (196, 42, 196, 350, 238, 154, 224),
    "PublicTest": (49, 12, 49, 87, 58, 39, 56),
    "PrivateTest": (49, 12, 49, 87, 58, 39, 56),
}
"""Images a split and class, in the order of FER_CLASSES and in FER-2013's proportions."""

WRONG_LABELS = 5  # per cent of FER's pictures that show another expression than their folder says
COPIES = {"PublicTest": 8, "PrivateTest": 12}  # pictures that are a Training picture of the same class
CONFLICTS = 3  # pictures of Training that are there a second time, in another class
BLACK = 1  # pictures of Training that show nothing

CKPLUS_SEQUENCES = (14, 6, 17, 8, 21, 9, 25)
"""Sequences a class, in the order of CKPLUS_CLASSES and roughly in CK+'s proportions."""

SUBJECTS = tuple(f"S{number:03d}" for number in range(5, 85, 5))
FRAMES = 3  # of each sequence, the last one the strongest
RISE = 4  # per cent of strength from frame to frame

FOLDERS = {"angry": "anger", "sad": "sadness"}  # CK+'s own names, where they differ

Picture = tuple[str, str]
"""The expression that is drawn, and the name of the person and moment; equal pictures have equal pixels."""

NOTHING: Picture = ("", "")  # a black image


def write_demo(folder: Path) -> tuple[Path, Path]:
    """Write `fer2013.zip` and `ckplus.zip` into an existing folder.

    Returns:
        The paths of both, in this order.
    """
    fer2013, ckplus = folder / "fer2013.zip", folder / "ckplus.zip"
    _write_archive(fer2013, {name: _fer_image(picture) for name, picture in plan_fer2013().items()})
    _write_archive(ckplus, draw_ckplus())
    return fer2013, ckplus


def plan_fer2013() -> dict[str, Picture]:
    """What each member of the FER-2013 archive shows, by name; a split's classes are shuffled."""
    shown: dict[str, dict[str, Picture]] = {}
    for split, counts in FER_COUNTS.items():
        filed = [label for label, count in zip(FER_CLASSES, counts, strict=True) for _ in range(count)]
        order = sorted(range(len(filed)), key=lambda i: _key(f"{split}/{i}"))
        folder = "train" if split == "Training" else "test"
        shown[split] = {
            f"{folder}/{filed[i]}/{split}_{number}": (_expression(filed[i], f"{split}/{i}"), f"{split}/{i}")
            for number, i in enumerate(order)
        }
    train = shown["Training"]
    # every picture that takes part in a fault leaves this list, so that no fault undoes another
    spare = sorted(train, key=lambda name: _key(f"spare/{name}"))
    for _ in range(BLACK):
        train[spare.pop()] = NOTHING
    for _ in range(CONFLICTS):
        second = spare.pop()
        first = next(name for name in spare if _label(name) != _label(second))
        spare.remove(first)
        train[second] = train[first]
    for split, number in COPIES.items():
        for name in sorted(shown[split], key=lambda name: _key(f"copy/{name}"))[:number]:
            source = next(s for s in spare if _label(s) == _label(name))
            spare.remove(source)
            shown[split][name] = train[source]
    return {f"{name}.pgm": picture for part in shown.values() for name, picture in part.items()}


def draw_ckplus() -> dict[str, bytes]:
    """The members of the CK+ archive: 48x48 grey pixels as bytes, by name."""
    labels = [label for label, n in zip(CKPLUS_CLASSES, CKPLUS_SEQUENCES, strict=True) for _ in range(n)]
    images = {}
    for i, label in enumerate(labels):
        turn, number = divmod(i, len(SUBJECTS))  # subjects take turns, so that each class has many of them
        subject = SUBJECTS[number]
        sequence = f"{subject}_{turn + 1:03d}"
        person = sample(f"ckplus/{subject}", PERSON)
        wobble = sample(f"ckplus/{sequence}", WOBBLE)
        moment = sample(f"ckplus/{sequence}", POSED | CONTEMPT if label == "contempt" else POSED)
        first = _between(f"ckplus/{sequence}/first", 10, 28)
        for frame in range(first, first + FRAMES):
            name = f"{sequence}_{frame:08d}"
            image = draw_face(label, person, moment, wobble, noise=f"ckplus/{name}")
            images[f"CK+48/{FOLDERS.get(label, label)}/{name}.pgm"] = image.tobytes()
            moment["strength"] += RISE
    return images


def _between(label: str, low: int, high: int) -> int:
    """An integer from low to high, both included, that follows from the label alone."""
    return low + int.from_bytes(_key(label)[:8], "big") % (high - low + 1)


def sample(label: str, ranges: Ranges) -> Values:
    """One integer for each name in `ranges`."""
    return {name: _between(f"{label}/{name}", low, high) for name, (low, high) in ranges.items()}


def _key(label: str) -> bytes:
    """Bytes that look random; as sort keys they shuffle."""
    return hashlib.shake_128(label.encode()).digest(16)


def _fer_image(picture: Picture) -> bytes:
    if picture == NOTHING:
        return bytes(SIDE * SIDE)
    expression, name = picture
    label = f"fer2013/{name}"
    person = sample(f"{label}/person", PERSON)
    moment = sample(f"{label}/moment", WILD)
    wobble = sample(f"{label}/wobble", WOBBLE)
    return draw_face(expression, person, moment, wobble, noise=label).tobytes()


def _expression(label: str, name: str) -> str:
    """What a picture filed under `label` shows: as a rule that, else any other expression."""
    if _between(f"fer2013/{name}/wrong", 1, 100) > WRONG_LABELS:
        return label
    others = [other for other in FER_CLASSES if other != label]
    return others[_between(f"fer2013/{name}/other", 0, len(others) - 1)]


def _label(member: str) -> str:
    return member.split("/")[1]


def _write_archive(path: Path, images: dict[str, bytes]) -> None:
    """Write 48x48 grey images as PGM members of a zip, with nothing in it that depends on time or machine."""
    with atomic_write(path) as handle, zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(images):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # Unix, on Windows too
            member.external_attr = 0o644 << 16
            archive.writestr(member, b"P5\n%d %d\n255\n" % (SIDE, SIDE) + images[name])
