"""What every reader of a data set must do, whatever form it reads."""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ferlab.data.colour import RGB
from ferlab.data.images import ImageSet
from ferlab.datasets import forms
from ferlab.datasets.archive import open_archive
from ferlab.datasets.reading import Reading
from ferlab.errors import UserError
from ferlab.testing.faces import drawn

Sets = Mapping[str, ImageSet]

OTHERS: dict[str, dict[str, bytes]] = {
    "empty": {},
    "text": {"notes.txt": b"x", "data/readme.md": b"# faces"},
    "no pictures": {"cats/1.jpg": b"\xff\xd8\xff", "dogs/2.jpg": b"\xff\xd8\xff"},
    "a table": {"table.csv": b"a,b,c\n1,2,3\n"},
}
"""Archives that hold no faces, by what they are."""


def pack(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def faces(images: ImageSet) -> list[tuple[str, bytes]]:
    """Each face with the name of its class, in an order that doesn't hang on theirs."""
    labels = (images.classes[label] for label in images.labels)
    return sorted(zip(labels, (image.tobytes() for image in images.images), strict=True))


class DatasetConformance:
    """Subclass it with a name that begins with Test; `members` says how the form packs faces."""

    @pytest.fixture(scope="class")
    @classmethod
    def sets(cls) -> Sets:
        """The faces to pack, by split; FER-2013's splits and classes unless a subclass says otherwise."""
        return {
            split: drawn(n, seed=seed, split=split)
            for seed, (split, n) in enumerate((("train", 2), ("valid", 1), ("test", 1)))
        }

    def members(self, sets: Sets) -> Mapping[str, bytes]:
        """The files of an archive of this form that holds just these faces, by their names in it."""
        pytest.fail("the subclass lacks the method `members`: how its form packs faces")

    @pytest.fixture
    def archive(self, sets: Sets, tmp_path: Path) -> Path:
        return pack(tmp_path / "some name.zip", self.members(sets))

    @pytest.fixture
    def reading(self, archive: Path) -> Reading:
        return forms.read(archive)

    def test_every_face_comes_back_with_its_class(self, reading: Reading, sets: Sets) -> None:
        assert list(reading.sets) == list(sets)
        for split, images in sets.items():
            assert reading.sets[split].split == split
            assert reading.sets[split].classes == images.classes
            assert faces(reading.sets[split]) == faces(images)
        assert reading.form
        assert not reading.problems

    def test_names_are_distinct_and_say_the_origin(self, reading: Reading) -> None:
        ids = [name for images in reading.sets.values() for name in images.ids]
        assert len(set(ids)) == len(ids)
        assert all(ids)
        assert {origin for images in reading.sets.values() for origin in images.origins} == {reading.dataset}

    def test_read_again_it_is_the_same(self, reading: Reading, archive: Path) -> None:
        again = forms.read(archive)
        assert {split: images.digest() for split, images in again.sets.items()} == {
            split: images.digest() for split, images in reading.sets.items()
        }

    def test_in_colour_grey_faces_have_three_equal_channels(self, archive: Path, sets: Sets) -> None:
        reading = forms.read(archive, channels=RGB)
        for split, images in reading.sets.items():
            assert images.channels == RGB
            grey = replace(images, images=images.images[..., 0])
            assert (images.images == grey.images[..., None]).all()
            assert faces(grey) == faces(sets[split])

    @pytest.mark.parametrize("kind", OTHERS)
    def test_other_archives_are_left_alone(self, kind: str, tmp_path: Path) -> None:
        with open_archive(pack(tmp_path / "other.zip", OTHERS[kind])) as archive:
            assert forms.recognise(archive) is None

    def test_files_that_were_cut_off_are_an_error(self, sets: Sets, tmp_path: Path) -> None:
        """Each of them, whole archives around them: one sentence that names the archive, and no traceback."""
        cut = {name: content[: len(content) * 2 // 3] for name, content in self.members(sets).items()}
        path = pack(tmp_path / "cut.zip", cut)
        with pytest.raises(UserError) as caught:
            forms.read(path)
        assert str(path) in caught.value.where
