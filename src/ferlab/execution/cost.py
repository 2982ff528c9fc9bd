"""What stages will cost on this machine: by the pace of finished runs, else roughly by their size."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from ferlab.errors import UserError
from ferlab.execution.images import to_draw_from, to_train
from ferlab.execution.pace import Pace
from ferlab.execution.task import Words
from ferlab.params import Classifier, Params, with_values
from ferlab.project import Project
from ferlab.records.search import SearchRecord
from ferlab.training.identity import flatten

OTHERS = 15.0  # seconds of a stage that trains nothing
START_UP = 5.0  # seconds: a process's imports, which is all that a stage costs that finds its work done
PER_IMAGE = 0.03  # seconds an epoch of a network of full width
WITHOUT_EPOCHS = 1e-3  # seconds an image of 48 pixels a side of a method that makes no epochs


@dataclass(frozen=True)
class Cost:
    """Seconds, and whether runs like these have finished here; else they are a rough guess by size, for a CPU."""

    seconds: float
    is_measured: bool = True

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.seconds + other.seconds, self.is_measured and other.is_measured)


def costs(project: Project, params: Params) -> Callable[[Words], Cost]:
    """A function from a stage's command, `ferlab stage NAME …`, to what it will cost."""
    pace, images = Pace.read(project), to_train(project, params.data)

    def cost(words: Words) -> Cost:
        name, *arguments = words[2:]
        if name == "gan":
            return _of_gan(pace, params, arguments[0], to_draw_from(project, params.data))
        if name == "train":
            return _of_training(pace, params, _settings(project, params, arguments[0]).model_dump(mode="json"), images)
        if name == "tune":
            return _of_search(pace, params, arguments[0], images)
        return Cost(OTHERS)

    return cost


def expected(project: Project, params: Params) -> Callable[[Words], float]:
    """A function from a stage's command to the seconds that it will take."""
    cost = costs(project, params)
    return lambda words: cost(words).seconds


def of_budget(project: Project, params: Params) -> Cost:
    """All of a budget's stages, one after the other, if none has run yet.

    A budget that isn't meant for drawn faces is taken to run on real ones, whatever lies in data/.
    """
    data = params.data if params.data.allow_demo else params.data.model_copy(update={"kind": "real"})
    cost = costs(project, params.model_copy(update={"data": data}))
    return sum((cost(("ferlab", "stage", *words)) for words in stages_of(params)), Cost(0.0))


def stages_of(params: Params) -> Iterator[tuple[str, ...]]:
    """The stages that dvc.yaml makes of `run`, with their arguments."""
    run = params.run
    yield from (("prepare",), ("audit",), ("code",), ("settings",), ("quality",), ("report",))
    for family in run.families:
        yield from (("gan", family, str(draw)) for draw in run.draws)
        yield "synthesize", family
    yield from (("tune", classifier) for classifier in run.tuned)
    for arm in run.arms:
        yield "mix", arm
        for seed in map(str, run.seeds):
            yield from (("train", arm, seed), ("evaluate", arm, seed))
            yield from (("evaluate_on", arm, seed, other) for other in run.evaluate_on)
    yield from (("further", other) for other in run.evaluate_on)


def _settings(project: Project, params: Params, arm: str) -> Classifier:
    """An arm's settings, with those that a search has found, if there was one; they decide what a step costs."""
    row = params.arms[arm]
    settings = params.classifiers[row.classifier]
    found = project.reports(params.budget) / "tuning" / f"{row.classifier}.json"
    if not (row.tuned and found.is_file()):
        return settings
    try:
        return with_values(settings, SearchRecord.read(found).chosen.values)
    except (UserError, ValueError):  # of other settings; the stage tune will mend that
        return settings


def training_seconds(pace: Pace, params: Params, settings: Mapping[str, Any], images: int) -> float:
    """Of a classifier on so many images."""
    return _of_training(pace, params, settings, images).seconds


def _of_training(pace: Pace, params: Params, settings: Mapping[str, Any], images: int) -> Cost:
    flat = flatten(settings)
    steps = flat["epochs"] * ceil(images / flat["batch_size"]) if "epochs" in flat else None
    known = pace.of_training(settings, params.data.kind, params.compute.threads, steps, images)
    return Cost(_roughly(flat, images, params.data.side), is_measured=False) if known is None else Cost(known)


def _roughly(flat: Mapping[str, Any], images: int, side: int) -> float:
    """By the number of epochs and images and the width, wherever a method's settings have them, and their size."""
    sizes = {key.rpartition(".")[2]: value for key, value in flat.items()}
    if "epochs" not in sizes:
        return WITHOUT_EPOCHS * images * (side / 48) ** 2
    networks = len(sizes.get("members", [1]))
    width, side = sizes.get("width", 1), sizes.get("input_size", side)
    return float(PER_IMAGE * images * sizes["epochs"] * width * networks * (side / 48) ** 2)


def gan_seconds(pace: Pace, params: Params, family: str, images: int) -> float:
    """Of all of a family's GANs, one after the other, which see so many images."""
    return _of_gan(pace, params, family, images).seconds


def _of_gan(pace: Pace, params: Params, family: str, images: int) -> Cost:
    settings = params.gan.families[family].model_dump(mode="json")
    known = pace.of_gan(family, settings, params.compute.threads)
    size = images * settings["epochs"] * settings["base_channels"] / 64 * (params.data.side / 48) ** 2
    return Cost(sum(known.values())) if known else Cost(PER_IMAGE * size, is_measured=False)


def _of_search(pace: Pace, params: Params, classifier: str, images: int) -> Cost:
    """All trials, the reference beside them, and the best on the whole split; a pruned trial costs less."""
    tune, settings = params.tune, params.classifiers[classifier].model_dump(mode="json")
    epochs = (tune.trials + 1) * tune.epochs * tune.train_fraction + tune.transfer.best * tune.transfer.epochs
    whole = _of_training(pace, params, settings, images)
    return Cost(whole.seconds * epochs / float(settings.get("epochs", epochs)), whole.is_measured)
