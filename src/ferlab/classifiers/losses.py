"""What a network's training makes small: cross-entropy, or the objective of an L2-SVM in its place."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from ferlab.params import L2svmSettings, NetworkClassifier

Loss = Callable[[Tensor, Tensor], Tensor]
"""(float32 (N, classes) of the last layer, targets) -> float32 (). Targets are int64 (N,), labels, or of cross-entropy
float32 (N, classes) too, shares that sum to 1."""


def loss_of(model: nn.Module, settings: NetworkClassifier, images: int) -> Loss:
    """The loss of one update.

    Args:
        model: its last linear layer is the support vector machine, where the settings want one.
        images: in the training set.
    """
    if not isinstance(settings, L2svmSettings):
        return partial(F.cross_entropy, label_smoothing=settings.label_smoothing)
    *_, last = (layer for layer in model.modules() if isinstance(layer, nn.Linear))
    share = 1 / (2 * settings.C * images)

    def objective(margins: Tensor, labels: Tensor) -> Tensor:
        """1/2 |w|^2 + C x the hinges of all images, divided by C x images: its mean over an epoch's updates.

        The bias is a weight of an input that is always 1, as Tang (2013, section 2.1) has it.
        """
        return squared_hinge(margins, labels) + share * (last.weight.square().sum() + last.bias.square().sum())

    return objective


def squared_hinge(margins: Tensor, labels: Tensor) -> Tensor:
    """Mean over images of the sum over classes of max(0, 1 - t margin)^2, with t 1 for the true class and -1 else.

    One support vector machine a class against the rest (Tang 2013, equations 5 and 10).
    """
    signs = 2 * F.one_hot(labels, margins.shape[1]).to(margins.dtype) - 1
    return F.relu(1 - signs * margins).square().sum(dim=1).mean()
