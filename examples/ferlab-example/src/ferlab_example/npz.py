"""FER-2013 as arrays: an archive with `train.npz`, `valid.npz` and `test.npz`.

Each holds `images`, uint8 (N, 48, 48), and `labels`, the N names of their classes.
"""

import io
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from ferlab.data.images import SIDE, ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.datasets.fitting import fit
from ferlab.datasets.reading import Problem, Reading
from ferlab.errors import UserError
from ferlab.parts import DatasetPart

SPLITS = ("train", "valid", "test")


def recognise(archive: zipfile.ZipFile) -> bool:
    return {f"{split}.npz" for split in SPLITS} <= set(archive.namelist())


def read(archive: zipfile.ZipFile, *, side: int, classes: Sequence[str] | None, channels: int) -> Reading:
    problems = list[Problem]()
    sets = {split: _read(archive, split, problems) for split in SPLITS}
    reading = Reading("fer2013", "FER-2013 as arrays of NumPy", sets, problems)
    return fit(reading, side=side, classes=classes, where=str(archive.filename), channels=channels)


def _read(archive: zipfile.ZipFile, split: str, problems: list[Problem]) -> ImageSet:
    member = f"{split}.npz"
    try:
        with np.load(io.BytesIO(archive.read(member)), allow_pickle=False) as arrays:
            images, names = arrays["images"], arrays["labels"]
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{member} can't be read: {error}", where=str(archive.filename)) from None
    if images.dtype != np.uint8 or images.shape != (len(names), SIDE, SIDE):
        raise UserError(
            f"{member} holds {images.dtype} {images.shape} for {len(names)} labels, not uint8 (N, {SIDE}, {SIDE})",
            where=str(archive.filename),
        )
    known = np.isin(names, FER_CLASSES)
    problems += [Problem(f"{member}: image {i}", f"is called '{names[i]}'") for i in np.flatnonzero(~known)]
    kept = np.flatnonzero(known)
    return ImageSet(
        images=images[kept],
        labels=np.array([FER_CLASSES.index(name) for name in names[kept]], dtype=np.int64),
        classes=FER_CLASSES,
        ids=tuple(f"{split}/{i:06d}" for i in kept),
        subjects=("",) * len(kept),
        origins=("fer2013",) * len(kept),
        split=split,
    )


PART = DatasetPart(recognise, read, "FER-2013 as arrays", "train.npz, valid.npz, test.npz", asked_for=False)
