"""How many images a study trains on, found without preparing any: an estimate needs no more."""

import json
import zipfile
from pathlib import Path, PurePosixPath

from ferlab.data.images import Faces
from ferlab.params.data import Data
from ferlab.project import Project

TRAIN = {"demo": 700, "real": 28_709}  # images of FER-2013's training split
CKPLUS = {"demo": 210, "real": 981}  # images that a family's GANs see
TENTHS = 0.8  # of a set without splits, which is parted in tenths: what trains


def to_train(project: Project, data: Data) -> int:
    """Images of the training split; FER-2013's number where a set of one's own isn't here."""
    return _count(project, data, data.train, project.work / "prepared" / "train", TENTHS) or TRAIN[data.kind]


def to_draw_from(project: Project, data: Data) -> int:
    """Images that a family's GANs see; CK+'s number where a set of one's own isn't here."""
    share = TENTHS if data.gans == data.train else 1.0
    return _count(project, data, data.gans, project.work / "sources" / "ckplus", share) or CKPLUS[data.kind]


def _count(project: Project, data: Data, name: str, made: Path, share: float) -> int:
    """Of a set of one's own: as prepared, else by its archive's pictures; 0 where neither tells, or of another set."""
    own = data.sets.get(name)
    if own is None:
        return 0
    return _prepared(made, Faces(tuple(own.classes), data.side, data.channels)) or _pictures(
        project.data / f"{name}.zip", share
    )


def _prepared(folder: Path, faces: Faces) -> int:
    """How many images lie in a folder, if they are of such classes, size and channels: others may lie there."""
    import numpy as np  # late: most estimates need none of it

    try:
        shape = np.load(folder / "images.npy", mmap_mode="r").shape
        known = tuple(json.loads((folder / "meta.json").read_text(encoding="utf-8"))["classes"])
    except (OSError, ValueError, KeyError):
        return 0
    return int(shape[0]) if (known, shape[1:]) == (faces.classes, faces.shape) else 0


def _pictures(path: Path, share: float) -> int:
    """How many pictures of an archive train: those in folders named so, else a share of all."""
    from ferlab.datasets.archive import is_picture

    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if is_picture(name)]
    except (OSError, zipfile.BadZipFile):
        return 0
    training = [name for name in names if any(p.lower().startswith("train") for p in PurePosixPath(name).parts[:-1])]
    return len(training) or round(share * len(names))
