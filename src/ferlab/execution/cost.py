"""What a stage will cost, for deciding what to start first: by measured pace, else roughly by its size."""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from ferlab.execution.pace import Pace
from ferlab.params import Params
from ferlab.project import Project
from ferlab.training.identity import flatten

TRAIN = {"demo": 700, "real": 28_709}  # images of the training split
CKPLUS = {"demo": 210, "real": 981}  # images that a family's GANs see
OTHERS = 15.0  # seconds of a stage that trains nothing
START_UP = 5.0  # seconds: a process's imports, which is all that a stage costs that finds its work done
PER_IMAGE = 0.03  # seconds an epoch of a network of full width
WITHOUT_EPOCHS = 1e-3  # seconds an image of a method that makes no epochs


def expected(project: Project, params: Params) -> Callable[[tuple[str, ...]], float]:
    """A function from a stage's command, `ferlab stage NAME …`, to the seconds that it will take."""
    pace = Pace.read(project)

    def seconds(words: tuple[str, ...]) -> float:
        name, *arguments = words[2:]
        if name == "gan":
            return gan_seconds(pace, params, arguments[0])
        if name == "train":
            settings = params.classifiers[params.arms[arguments[0]].classifier].model_dump(mode="json")
            return training_seconds(pace, params, settings)
        if name == "tune":
            return _of_search(pace, params, arguments[0])
        return OTHERS

    return seconds


def training_seconds(pace: Pace, params: Params, settings: Mapping[str, Any]) -> float:
    """Of a classifier on the whole training split."""
    flat, images = flatten(settings), TRAIN[params.data.kind]
    steps = flat["epochs"] * ceil(images / flat["batch_size"]) if "epochs" in flat else None
    known = pace.of_training(settings, params.data.kind, params.compute.threads, steps)
    return _roughly(flat, images) if known is None else known


def _roughly(flat: Mapping[str, Any], images: int) -> float:
    """By the number of epochs and images and the width, wherever a method's settings have them."""
    sizes = {key.rpartition(".")[2]: value for key, value in flat.items()}
    if "epochs" not in sizes:
        return WITHOUT_EPOCHS * images
    networks = len(sizes.get("members", [1]))
    return float(PER_IMAGE * images * sizes["epochs"] * sizes["width"] * networks * (sizes["input_size"] / 48) ** 2)


def gan_seconds(pace: Pace, params: Params, family: str) -> float:
    """Of all of a family's GANs, one after the other."""
    settings = params.gan.families[family].model_dump(mode="json")
    known = pace.of_gan(family, settings, params.compute.threads)
    rough = PER_IMAGE * CKPLUS[params.data.kind] * settings["epochs"] * settings["base_channels"] / 64
    return sum(known.values()) if known else rough


def _of_search(pace: Pace, params: Params, classifier: str) -> float:
    """All trials, the reference beside them, and the best on the whole split; a pruned trial costs less."""
    tune, settings = params.tune, params.classifiers[classifier].model_dump(mode="json")
    epochs = (tune.trials + 1) * tune.epochs * tune.train_fraction + tune.transfer.best * tune.transfer.epochs
    return training_seconds(pace, params, settings) * epochs / float(settings.get("epochs", epochs))
