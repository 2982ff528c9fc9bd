"""The data sets that can be read: a row each, all of one protocol."""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ferlab.data.images import ImageSet
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.datasets import (
    affectnet,
    ckplus,
    ckplus_original,
    counts,
    fer2013,
    ferplus,
    folders,
    paper_sets,
    rafdb,
    votes,
)
from ferlab.datasets.fitting import EIGHT
from ferlab.datasets.own import own_forms, read_by
from ferlab.datasets.reading import Reading
from ferlab.errors import UserError


class Read(Protocol):
    """Reads an archive that its form recognises.

    Args:
        side: pixels of the images. classes: those to read, in their order; None for all. channels: 1 (grey) or 3 (RGB).

    Raises:
        UserError: it can't be read as a whole. Single pictures that can't are among the reading's problems.
    """

    def __call__(
        self, archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None, channels: int
    ) -> Reading: ...


@dataclass(frozen=True)
class Form:
    """One data set as it is given out.

    Attributes:
        name: what `--as` and params.yaml call it; also the origin of its images.
        title: for people. layout: what its archive looks like, for messages.
        recognise: whether an archive looks so.
        read: what is in it.
        classes: all that it has, in their order; empty where that is for the archive to say.
        published: images by split and class, in that order; empty where nothing is published to compare with.
        asked_for: whether it is read only if it is named, since other archives look like it too.
    """

    name: str
    title: str
    layout: str
    recognise: Callable[[zipfile.ZipFile], bool]
    read: Read
    classes: tuple[str, ...] = ()
    published: Mapping[str, tuple[int, ...]] | None = None
    asked_for: bool = True

    def differences(self, sets: Mapping[str, ImageSet]) -> list[str]:
        """How the counts differ from the published ones: one line a split and class; empty if they agree.

        Splits and classes of which nothing is published are not compared.
        """
        expected = {
            (split, name): n
            for split, numbers in (self.published or {}).items()
            for name, n in zip(self.classes, numbers, strict=True)
        }
        return [
            f"{split}/{name}: {found} images, published {expected[split, name]}"
            for split, images in sets.items()
            for name, found in images.counts().items()
            if found != expected.get((split, name), found)
        ]


FORMS = (
    Form(
        fer2013.DATASET,
        "FER-2013",
        "<split>/<class>/Training_*.jpg … or fer2013.csv",
        partial(paper_sets.recognise, fer2013.DATASET),
        partial(paper_sets.read, fer2013.DATASET),
        FER_CLASSES,
        counts.PUBLISHED,
        asked_for=False,
    ),
    Form(
        ckplus.DATASET,
        "CK+48",
        "<class>/Sxxx_yyy_zzzzzzzz.png",
        partial(paper_sets.recognise, ckplus.DATASET),
        partial(paper_sets.read, ckplus.DATASET),
        CKPLUS_CLASSES,
        {"all": ckplus.PUBLISHED},
        asked_for=False,
    ),
    Form(ferplus.NAME, "FER+", votes.LAYOUT, ferplus.recognise, ferplus.read, EIGHT),
    Form(
        ckplus_original.NAME,
        "CK+ (original)",
        "cohn-kanade-images/Sxxx/yyy/*.png, Emotion/…/*_emotion.txt, Landmarks/…/*_landmarks.txt",
        ckplus_original.recognise,
        ckplus_original.read,
        CKPLUS_CLASSES,
        ckplus_original.PUBLISHED,
    ),
    Form(
        rafdb.NAME,
        "RAF-DB (basic)",
        "list_patition_label.txt and aligned/<name>_aligned.jpg",
        rafdb.recognise,
        rafdb.read,
        rafdb.CLASSES,
        rafdb.PUBLISHED,
    ),
    Form(
        affectnet.NAME,
        "AffectNet",
        "<split>_set/images/<id>.jpg and <split>_set/annotations/<id>_exp.npy",
        affectnet.recognise,
        affectnet.read,
        affectnet.CLASSES,
    ),
    Form(
        folders.NAME,
        "class folders",
        "<split>/<class>/<any>.jpg or <class>/<any>.jpg",
        folders.recognise,
        folders.read,
    ),
)


def rows() -> tuple[Form, ...]:
    """All data sets that can be read, in the order in which they are looked for: other packages' come last."""
    others = (
        Form(name, one.title or name, one.layout or name, one.recognise, read_by(one), one.classes, None, one.asked_for)
        for name, one in own_forms().items()
    )
    return (*FORMS, *others)


def named(name: str) -> Form:
    """The form of that name.

    Raises:
        UserError: there is none.
    """
    found = next((form for some in (FORMS, rows()) for form in some if form.name == name), None)
    if found is None:
        known = ", ".join(form.name for form in rows())
        raise UserError(f"no data set is called '{name}'", next_step=f"there are {known}")
    return found
