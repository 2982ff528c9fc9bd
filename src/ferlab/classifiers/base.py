"""The protocol of a classifier, and what a fit returns."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import Observer, ignore


@dataclass(frozen=True)
class TrainingPlan:
    """From which seed to train, for how long, and which epoch's weights to keep.

    Attributes:
        seed: decides first weights, order, augmentation and dropout.
        device: `cpu` or `cuda`.
        steps: number of updates; None leaves it to the classifier's own number of epochs. A classifier without
            updates ignores it.
        every_epoch: where to keep each epoch's weights beside the selected ones, as `<epoch>/` that `load` takes; None
            keeps the selected alone. A classifier without epochs ignores it.
        observe_pace: told, once an epoch that this process has trained, of its `images_per_second`.
        select: whether to keep the weights of the first epoch with the best accuracy on the validation split (`valid`),
            or those of the last epoch, whatever validation says (`last`). A classifier without epochs ignores it.
    """

    seed: int
    device: str
    steps: int | None = None
    every_epoch: Path | None = None
    observe_pace: Observer = ignore
    select: Literal["valid", "last"] = "valid"


@dataclass(frozen=True)
class Fit:
    """What a fit came to.

    Attributes:
        history: one row an epoch; every row has `epoch` and `valid_accuracy` (0-1).
        selected_epoch: the epoch whose weights were kept, by the plan's rule.
        valid_accuracy: that epoch's accuracy on the validation split, 0-1.
        notes: further facts for the run's record, e.g. `converged`.
    """

    history: list[dict[str, float]]
    selected_epoch: int
    valid_accuracy: float
    notes: dict[str, float | int | bool] = field(default_factory=dict)


class Classifier(Protocol):
    """Learns the classes of an ImageSet and gives probabilities. It is made of settings and of what faces it is for.

    It never sees the test split: `fit` receives training and validation images only.
    """

    def fit(
        self, train: ImageSet, valid: ImageSet, plan: TrainingPlan, *, observe: Observer, checkpoints: Checkpoints
    ) -> Fit:
        """Train, score each epoch on `valid`, and keep the state that the plan selects.

        Raises:
            UserError: an empty set, or a class without training images.
        """
        ...

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probabilities of the classes, in their order.

        Args:
            images: uint8 (N, side, side), or (N, side, side, 3) for faces in RGB.

        Returns:
            float64 (N, classes), each row summing to 1.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write what `load` needs into an existing folder; equal classifiers write equal bytes."""
        ...

    def load(self, folder: Path) -> Self:
        """Take the state that `save` wrote; returns itself."""
        ...


def check_sets(train: ImageSet, valid: ImageSet) -> None:
    """Refuse sets on which no classifier can be trained.

    Raises:
        UserError: an empty set, or a class without training images.
    """
    for images in (train, valid):
        if not len(images):
            raise UserError(f"the split '{images.split}' has no images", next_step="`ferlab data audit` counts them")
    missing = [name for name, n in train.counts().items() if n == 0]
    if missing:
        raise UserError(f"no training images of {', '.join(missing)}", next_step="`ferlab data audit` counts them")
