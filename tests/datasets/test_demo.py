"""The demo's archives: the same bytes everywhere, the promised contents, the planted faults."""

import hashlib
import zipfile
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from numpy.typing import NDArray

from ferlab.data.ids import sequence
from ferlab.data.images import SIDE, ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES, standard_name
from ferlab.datasets import ckplus, demo, fer2013
from ferlab.datasets.archive import open_archive
from ferlab.datasets.faces import EXPRESSIONS, Canvas, draw_face
from ferlab.files import sha256_file

Archives = tuple[Path, Path]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    return demo.write_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def faces(archives: Archives) -> dict[str, ImageSet]:
    """The reader's splits of the FER-2013 archive."""
    with open_archive(archives[0]) as archive:
        return fer2013.read_folders(archive).sets


@pytest.fixture(scope="module")
def frames(archives: Archives) -> ImageSet:
    """The reader's set of the CK+ archive."""
    with open_archive(archives[1]) as archive:
        return ckplus.read_folders(archive).sets["all"]


def pixels_by_id(images: ImageSet) -> dict[str, bytes]:
    return {name: image.tobytes() for name, image in zip(images.ids, images.images, strict=True)}


def label_of(member: str) -> str:
    return PurePosixPath(member).parent.name


def correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_archives_have_the_recorded_bytes(archives: Archives) -> None:
    assert [path.name for path in archives] == ["fer2013.zip", "ckplus.zip"]
    assert {path.stem: sha256_file(path) for path in archives} == demo.DEMO_SHA256


def test_members_are_stored_sorted_and_undated(archives: Archives) -> None:
    for path in archives:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
        assert [m.filename for m in members] == sorted(m.filename for m in members)
        assert {(m.compress_type, m.date_time, m.create_system, m.external_attr) for m in members} == {
            (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0), 3, 0o644 << 16)
        }
        assert {PurePosixPath(m.filename).suffix for m in members} == {".pgm"}


def test_fer_has_the_promised_number_of_each_class(faces: dict[str, ImageSet]) -> None:
    for name, split in fer2013.SPLITS.items():
        assert tuple(faces[split].counts().values()) == demo.FER_COUNTS[name]
    assert [len(faces[split]) for split in ("train", "valid", "test")] == [1400, 350, 350]
    assert min(faces["test"].counts().values()) == 12


def test_fer_classes_are_shuffled(faces: dict[str, ImageSet]) -> None:
    """A batch of consecutive pictures must not hold one class only."""
    assert len(set(faces["train"].labels[:32])) >= 5


def test_one_training_image_is_black_and_all_others_show_something(faces: dict[str, ImageSet]) -> None:
    spread = {split: images.images.std(axis=(1, 2)) for split, images in faces.items()}
    (black,) = np.flatnonzero(spread["train"] == 0)
    assert not faces["train"].images[black].any()
    assert min(spread["valid"].min(), spread["test"].min(), np.delete(spread["train"], black).min()) > 10


@pytest.mark.parametrize(("split", "number"), [("valid", 8), ("test", 12)])
def test_copies_of_training_images(faces: dict[str, ImageSet], split: str, number: int) -> None:
    sources = {pixels: name for name, pixels in pixels_by_id(faces["train"]).items()}
    copies = {name: sources[p] for name, p in pixels_by_id(faces[split]).items() if p in sources}
    assert len(copies) == len(set(copies.values())) == number
    assert all(label_of(copy) == label_of(source) for copy, source in copies.items())


def test_no_other_copies(faces: dict[str, ImageSet]) -> None:
    held_out = [*pixels_by_id(faces["valid"]).values(), *pixels_by_id(faces["test"]).values()]
    assert len(set(held_out)) == 700


def test_duplicates_inside_training_have_conflicting_labels(faces: dict[str, ImageSet]) -> None:
    groups = defaultdict(list)
    for name, pixels in pixels_by_id(faces["train"]).items():
        groups[pixels].append(label_of(name))
    repeated = [labels for labels in groups.values() if len(labels) > 1]
    assert len(repeated) == 3
    assert all(len(labels) == len(set(labels)) == 2 for labels in repeated)


def test_about_one_label_in_twenty_is_wrong() -> None:
    plan = {name: expression for name, (expression, _) in demo.plan_fer2013().items() if expression}
    wrong = [name for name, expression in plan.items() if label_of(name) != expression]
    assert 0.035 < len(wrong) / len(plan) < 0.065
    assert {label_of(name) for name in wrong} == set(FER_CLASSES)


def test_ckplus_sequences(frames: ImageSet) -> None:
    classes, subjects = defaultdict(set), defaultdict(set)
    for name, label, subject in zip(frames.ids, frames.labels, frames.subjects, strict=True):
        classes[sequence(name)].add(int(label))
        subjects[int(label)].add(subject)
    assert len(frames) == 300
    assert set(Counter(map(sequence, frames.ids)).values()) == {3}
    assert all(len(labels) == 1 for labels in classes.values())
    numbers = Counter(label for labels in classes.values() for label in labels)
    assert tuple(numbers[i] for i in range(len(CKPLUS_CLASSES))) == demo.CKPLUS_SEQUENCES
    assert min(numbers, key=numbers.__getitem__) == CKPLUS_CLASSES.index("contempt")
    assert len(set(frames.subjects)) == 16
    assert all(len(persons) >= 5 for persons in subjects.values())


def test_ckplus_folders_have_its_own_names(archives: Archives) -> None:
    with zipfile.ZipFile(archives[1]) as archive:
        folders = {label_of(member) for member in archive.namelist()}
    assert folders == {"anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"}
    assert {standard_name(folder) for folder in folders} == set(CKPLUS_CLASSES)


def test_frames_of_a_sequence_are_consecutive_near_copies(frames: ImageSet) -> None:
    for i in range(0, len(frames), 3):
        numbers = [int(PurePosixPath(name).stem.split("_")[2]) for name in frames.ids[i : i + 3]]
        assert numbers == list(range(numbers[0], numbers[0] + 3))
        first, _, last = frames.images[i : i + 3]
        assert 0.9 < correlation(first, last) < 1, frames.ids[i]


def test_a_subject_looks_more_like_itself_than_like_others(frames: ImageSet) -> None:
    every_third = frames.take(np.arange(0, len(frames), 3))
    similar = np.asarray(np.corrcoef(every_third.images.reshape(len(every_third), -1)))
    subjects = np.array(every_third.subjects)
    same = subjects[:, None] == subjects[None, :]
    assert similar[same].mean() > similar[~same].mean() + 0.2


@pytest.mark.parametrize("expression", sorted(EXPRESSIONS))
def test_windows_cut_nothing_off(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shapes are computed on a part of the canvas; on the whole canvas they are the same."""
    corner = {name: high for name, (_, high) in demo.WILD.items()}
    for occluder in range(3):
        arguments = (
            expression,
            {name: high for name, (_, high) in demo.PERSON.items()},
            corner | {"occluder": occluder, "tilt": corner["tilt"] * (-1) ** occluder},
            {name: high for name, (_, high) in demo.WOBBLE.items()},
            "noise",
        )
        with monkeypatch.context() as patch:
            patch.setattr(Canvas, "_window", lambda *_: (slice(None), slice(None)))
            whole = draw_face(*arguments)
        assert np.array_equal(draw_face(*arguments), whole)


def test_draw_face_repeats_itself_and_tells_expressions_apart() -> None:
    person, moment, wobble = (
        {name: (low + high) // 2 for name, (low, high) in ranges.items()}
        for ranges in (demo.PERSON, demo.POSED, demo.WOBBLE)
    )
    drawn = {name: draw_face(name, person, moment, wobble, "noise") for name in EXPRESSIONS}
    again = {name: draw_face(name, person, moment, wobble, "noise") for name in EXPRESSIONS}
    assert all(image.shape == (SIDE, SIDE) and image.dtype == np.uint8 for image in drawn.values())
    assert all(np.array_equal(drawn[name], again[name]) for name in EXPRESSIONS)
    assert len({hashlib.sha256(image.tobytes()).digest() for image in drawn.values()}) == len(EXPRESSIONS)
