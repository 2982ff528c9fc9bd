"""What `ferlab predict` answers: pictures read, faces classified, printed as lines or as one JSON object."""

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ferlab.data.colour import to_grey
from ferlab.datasets.picture import PictureError
from ferlab.detection.faces import Face, Picture, read_faces
from ferlab.detection.folder import Problem, files_of
from ferlab.errors import UserError, printable
from ferlab.files import must_be_a_file

if TYPE_CHECKING:
    from ferlab.classifiers.base import Classifier
    from ferlab.cli.calibrated import Confidence
    from ferlab.records.run import RunRecord

_MANY = 10  # pictures, from which on progress is shown


@dataclass(frozen=True)
class Answer:
    """A picture, and float64 (faces, classes): the probabilities of each of its faces."""

    path: Path
    picture: Picture
    probabilities: NDArray[np.float64]

    def notes(self, nothing: float) -> Iterator[str]:
        """What a reader should know besides; faces whose pixels vary less than `nothing` show nothing."""
        name = printable(self.path)
        if self.picture.change:
            yield f"{name}: {self.picture.change}"
        if not self.picture.faces:
            yield f"{name}: no upright frontal face found; --whole takes the whole picture as one"
        if any(_shows_nothing(face, nothing) for face in self.picture.faces):
            yield f"{name}: shows nothing, all its pixels are alike: its answer means nothing"


def read_pictures(
    paths: Sequence[Path], side: int, channels: int, *, whole: bool, quiet: bool
) -> tuple[list[tuple[Path, Picture]], list[Problem]]:
    """The faces of files and of folders' files, and what can't be read.

    Args:
        side, channels: of the faces that the classifier knows.
    """
    from ferlab.cli.progress import ShowProgress

    files, problems = files_of(paths)
    pictures: list[tuple[Path, Picture]] = []
    shown = len(files) >= _MANY and not quiet
    with ShowProgress("pictures", len(files)) if shown else nullcontext() as show:
        for done, path in enumerate(files, 1):
            try:
                must_be_a_file(path)
                with path.open("rb") as handle:
                    pictures.append((path, read_faces(handle, side, channels, whole=whole)))
            except (OSError, PictureError, UserError) as error:
                problems.append((path, _reason(error)))
            if show:
                show(done, {})
    return pictures, problems


def say(classifier: "Classifier", pictures: Sequence[tuple[Path, Picture]], confidence: "Confidence") -> list[Answer]:
    """All faces of all pictures in one batch."""
    faces = [face.pixels for _, picture in pictures for face in picture.faces]
    rows = confidence(classifier.predict_proba(np.stack(faces))) if faces else np.empty((0, len(confidence.classes)))
    ends = np.cumsum([len(picture.faces) for _, picture in pictures])
    parts = np.split(rows, ends[:-1]) if pictures else []
    return [Answer(path, picture, part) for (path, picture), part in zip(pictures, parts, strict=True)]


def as_lines(answers: Sequence[Answer], classes: Sequence[str], nothing: float) -> Iterator[str]:
    """Two lines a face: the most probable class, and all probabilities."""
    for answer in answers:
        name = printable(answer.path)
        if not answer.picture.faces:
            yield f"{name}: no face found"
        for face, row in zip(answer.picture.faces, answer.probabilities, strict=True):
            box = face.box
            where = (
                f" (face of {box.width}x{box.height} at {box.x},{box.y})" if answer.picture.how == "detected" else ""
            )
            empty = " (shows nothing)" if _shows_nothing(face, nothing) else ""
            yield f"{name}: {classes[int(row.argmax())]}{where}{empty}"
            yield "  " + "  ".join(f"{name} {p:.4f}" for name, p in zip(classes, row, strict=True))


def as_object(
    answers: Sequence[Answer],
    problems: Sequence[Problem],
    record: "RunRecord",
    confidence: "Confidence",
    nothing: float,
) -> str:
    """The JSON that docs/guide/predict.md describes."""
    calibration = None
    if confidence.calibration:
        own = asdict(confidence.calibration)
        calibration = {"applied": confidence.applied, **own, "images_picked_epoch": confidence.picked}
    told: dict[str, Any] = {
        "run": f"{record.arm}-{record.seed}",
        "identity": record.identity,
        "classes": confidence.classes,
        "calibration": calibration,
        "pictures": [
            {
                "path": str(answer.path),
                "width": answer.picture.width,
                "height": answer.picture.height,
                "how": answer.picture.how,
                "faces": [
                    {
                        "box": asdict(face.box),
                        "class": confidence.classes[int(row.argmax())],
                        "shows_nothing": _shows_nothing(face, nothing),
                        "probabilities": {
                            name: round(float(p), 4) for name, p in zip(confidence.classes, row, strict=True)
                        },
                    }
                    for face, row in zip(answer.picture.faces, answer.probabilities, strict=True)
                ],
            }
            for answer in answers
        ],
        "unreadable": [{"path": str(path), "reason": why} for path, why in problems],
    }
    return json.dumps(told, indent=1)


def _shows_nothing(face: Face, nothing: float) -> bool:
    return bool(to_grey(face.pixels[None]).std() < nothing)


def _reason(error: Exception) -> str:
    """Why a file can't be read as a picture, to follow its name."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, UserError):
        return error.what
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
