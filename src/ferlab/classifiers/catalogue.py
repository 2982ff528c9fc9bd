"""The table of classifiers: from a row of params.yaml to something that satisfies the protocol.

Importing it costs next to nothing, so that whoever plans, estimates or reports can ask it about a method.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferlab.classifiers.schedule import batches_per_epoch
from ferlab.data.colour import GREY, NAMES
from ferlab.data.images import FER_FACES, SIDE, Faces, ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.params import Classifier as Settings
from ferlab.params.own import own_classifier
from ferlab.parts import imported
from ferlab.records.run import FILE as RUN_FILE
from ferlab.records.run import RunRecord

if TYPE_CHECKING:
    from ferlab.classifiers.base import Classifier


@dataclass(frozen=True)
class Method:
    """What the rest of ferlab needs to know of a method.

    Attributes:
        module, name: where its class is, below `package`. Imported when used: torch and scikit-learn cost seconds.
        title: what people call it.
        counts_steps: its settings have `epochs` and `batch_size`, so that a plan can say how many updates it makes and
            one of its epochs can be picked.
        augments: its settings have an `augmentation`, which an arm can switch off.
        packs: it trains on the device alone, so that several trainings can share one GPU.
        draws: every fit draws something by its seed. Where it isn't so, `is_drawn` tells it of a run.
        slow: its predictions take minutes, so that they are kept as they come. It judges each image by itself.
        colour: it takes faces in RGB too.
        package: what the module is part of.
    """

    module: str
    name: str
    title: str
    counts_steps: bool
    augments: bool
    packs: bool
    slow: bool = False
    draws: bool = True
    colour: bool = True
    package: str = "ferlab.classifiers"

    @property
    def path(self) -> str:
        """The module's whole name."""
        return f"{self.package}.{self.module}" if self.package else self.module


class Methods(dict[str, Method]):
    """ferlab's own methods; asked by its name, one of another package too."""

    def __missing__(self, name: str) -> Method:
        part = vars(own_classifier(name))
        return Method(**{key: value for key, value in part.items() if key != "settings"}, package="")


METHODS = Methods(
    {
        "network": Method("cnn", "Cnn", "convolutional network", counts_steps=True, augments=True, packs=True),
        "svm": Method(
            "svm", "Svm", "support vector machine", counts_steps=False, augments=False, packs=False, draws=False
        ),
        "dfsvm": Method("dfsvm", "Dfsvm", "DF-SVM", counts_steps=False, augments=False, packs=False),
        "l2svm": Method("cnn", "Cnn", "network with an L2-SVM", counts_steps=True, augments=True, packs=True),
        "transformer": Method(
            "cnn", "Cnn", "spatial transformer network", counts_steps=True, augments=True, packs=True
        ),
        "two_level": Method(
            "two_level", "TwoLevel", "two-level cascade", counts_steps=False, augments=False, packs=False
        ),
        "null_model": Method("null_model", "NullModel", "null model", counts_steps=False, augments=False, packs=False),
        "bovw": Method("bovw", "Bovw", "bag of visual words", counts_steps=False, augments=False, packs=False),
        "local_learning": Method(
            "local_learning",
            "LocalLearning",
            "local learning",
            counts_steps=False,
            augments=False,
            packs=False,
            slow=True,
        ),
        "mapped_lbp": Method("mapped_lbp", "MappedLbp", "mapped LBP", counts_steps=False, augments=False, packs=False),
        "folds": Method("folds", "Folds", "networks of folds", counts_steps=False, augments=False, packs=False),
    }
)


def updates_per_epoch(settings: Any, images: int) -> int | None:
    """How many updates an epoch over so many images makes; None of a method that doesn't count them."""
    return batches_per_epoch(images, settings.batch_size) if METHODS[settings.method].counts_steps else None


def packs(settings: Any) -> bool:
    """Whether several trainings with such settings can share one GPU."""
    return METHODS[settings.method].packs


def is_drawn(record: RunRecord, images: int) -> bool:
    """Whether another seed would have given a run another classifier.

    Of a support vector machine, scikit-learn's solver for fewer images than features alone draws anything.

    Args:
        images: how many it was trained on.
    """
    settings: Any = record.settings
    if METHODS[settings.method].draws:
        return True
    return settings.method == "svm" and settings.kernel == "linear" and images < record.notes["features"]


def create(settings: Settings, faces: Faces = FER_FACES) -> "Classifier":
    """An untrained classifier with these settings, for such faces.

    Raises:
        UserError: it is another package's, and can't be imported or takes grey faces alone where these are in RGB.
    """
    method = METHODS[settings.method]
    if faces.channels != GREY and not method.colour:
        raise UserError(
            f"the classifier '{settings.method}' takes grey faces alone, and the study's are RGB",
            where="params.yaml: data.channels",
            next_step="set it to 1, or leave that classifier out; one that takes both says `colour=True` in its "
            "ClassifierPart",
        )

    def load() -> Any:
        return getattr(import_module(method.path), method.name)

    where = f"{method.path}: {method.name}"
    made = load() if method.package else imported(f"the classifier '{settings.method}'", where, load)
    classifier: Classifier = made(settings, faces)
    return classifier


def load_run(folder: Path) -> "tuple[Classifier, RunRecord]":
    """What the stage `train` left in a folder: the classifier with the weights that were kept, and the run's record.

    Raises:
        UserError: the record or the weights are absent, damaged, or of another version.
    """
    record = RunRecord.read(folder / RUN_FILE)
    return create(record.settings, faces_of(record)).load(folder), record


def faces_of(record: RunRecord) -> Faces:
    """What faces a run was trained on; a record that doesn't say is of FER-2013's."""
    return Faces(record.classes or FER_CLASSES, record.side or SIDE, record.channels or GREY)


def must_see(record: RunRecord, images: ImageSet) -> None:
    """Refuse images of other channels than a run was trained on.

    Raises:
        UserError: they are RGB and the run knows grey faces, or the other way round.
    """
    known = faces_of(record).channels
    if images.channels != known:
        raise UserError(
            f"the run {record.arm}-{record.seed} was trained on {NAMES[known]} faces, and the images of "
            f"'{images.split}' are {NAMES[images.channels]}",
            where="params.yaml: data.channels",
            next_step="`dvc repro` trains it on images of the same kind",
        )
