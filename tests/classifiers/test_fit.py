"""The networks' training loop: against a loop written out, interrupted anywhere, stopped when it diverges."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import CrossEntropyLoss
from torch.optim.lr_scheduler import OneCycleLR

from ferlab.classifiers.architectures import build
from ferlab.classifiers.base import Fit, TrainingPlan
from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.inference import to_input
from ferlab.classifiers.schedule import learning_rate
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.params import NetworkClassifier
from ferlab.training.checkpoint import FILE, Checkpoints, load_state, save_state
from ferlab.training.observe import Observer, ignore
from ferlab.training.seeding import derive, permutation, seeded
from small import UNCHANGED, Dying, KilledError, Record, barred, network, vgg

TRAIN, VALID = barred(3), barred(1, seed=1, split="valid")
BATCHES = 3  # an epoch of 21 images in eights; the last has five


def train(
    folder: Path,
    settings: NetworkClassifier,
    steps: int | None = None,
    observe: Observer = ignore,
    checkpoints: Checkpoints | None = None,
    sets: tuple[ImageSet, ImageSet] = (TRAIN, VALID),
) -> tuple[Fit, dict[str, Any]]:
    classifier = Cnn(settings)
    places = checkpoints or Checkpoints(folder, 1e9)
    fit = classifier.fit(*sets, TrainingPlan(0, "cpu", steps), observe=observe, checkpoints=places)
    return fit, classifier.model.state_dict()


def plain_loop(settings: NetworkClassifier) -> list[tuple[dict[str, Any], list[float]]]:
    """The same training written out, with torch's own scheduler: weights and losses after each epoch."""
    with seeded(derive(0, "weights")):
        model = build(settings, 7).to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(model.parameters(), 1.0, momentum=settings.momentum, weight_decay=settings.weight_decay)
    total = settings.epochs * BATCHES
    scheduler = OneCycleLR(sgd, settings.lr, total, cycle_momentum=False)
    images, labels = to_input(torch.from_numpy(TRAIN.images), 48), torch.from_numpy(TRAIN.labels)
    loss, epochs, step = CrossEntropyLoss(label_smoothing=settings.label_smoothing), [], 0
    for epoch in range(settings.epochs):
        losses = []
        model.train()
        for chosen in permutation(len(TRAIN), 0, "order", epoch).split(settings.batch_size):
            found = loss(model(images[chosen]), labels[chosen])
            sgd.zero_grad()
            found.backward()
            sgd.step()
            losses.append(found.item())
            step += 1
            if step < total:
                scheduler.step()
        epochs.append(({name: value.clone() for name, value in model.state_dict().items()}, losses))
    return epochs


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_against_a_loop_written_out(tmp_path: Path, smoothing: float) -> None:
    """torch's scheduler, stepped every batch, gives the same weights."""
    settings = network(augmentation=UNCHANGED, weight_decay=0.01, label_smoothing=smoothing)
    fit, weights = train(tmp_path, settings)
    epochs = plain_loop(settings)
    kept, _ = epochs[fit.selected_epoch - 1]
    for name, value in weights.items():
        torch.testing.assert_close(value, kept[name], rtol=1e-3, atol=1e-4, msg=name)
    for row, (_, losses) in zip(fit.history, epochs, strict=True):
        assert row["train_loss"] == pytest.approx(np.mean(losses), rel=1e-4)


def test_history_tells_step_rate_and_scores(tmp_path: Path) -> None:
    fit, weights = train(tmp_path, network())
    assert [row["epoch"] for row in fit.history] == [1, 2]
    assert [row["step"] for row in fit.history] == [BATCHES, 2 * BATCHES]
    rates = [learning_rate("one_cycle", 0.05, int(row["step"]) - 1, 2 * BATCHES) for row in fit.history]
    assert [row["lr"] for row in fit.history] == rates
    classifier = Cnn(network())
    classifier.model.load_state_dict(weights)
    found, kept = classifier.predict_proba(VALID.images), fit.history[fit.selected_epoch - 1]
    assert kept["valid_accuracy"] == fit.valid_accuracy == np.mean(found.argmax(axis=1) == VALID.labels)
    assert kept["valid_loss"] == pytest.approx(-np.log(found[np.arange(7), VALID.labels]).mean(), rel=1e-9)


ALIKE = replace(VALID, images=np.full_like(VALID.images, 128))  # one guess for all seven classes: always 1/7


@pytest.mark.parametrize(("valid", "tied"), [(VALID, False), (ALIKE, True)])
def test_validation_picks_the_first_best_epoch(tmp_path: Path, valid: ImageSet, tied: bool) -> None:
    """The weights kept are those of a training that ended there."""
    settings = network(epochs=4, schedule="constant", augmentation=UNCHANGED)
    fit, weights = train(tmp_path / "all", settings, sets=(TRAIN, valid))
    accuracies = [row["valid_accuracy"] for row in fit.history]
    assert (len(set(accuracies)) == 1) == tied
    assert fit.selected_epoch == 1 + int(np.argmax(accuracies))
    short = settings.model_copy(update={"epochs": fit.selected_epoch})
    train(tmp_path / "short", short, sets=(TRAIN, valid))
    expected = load_state(tmp_path / "short" / FILE)["network"]["module"]
    for name, value in weights.items():
        assert torch.equal(value, expected[name]), name


def test_the_last_epoch_is_kept_where_the_plan_says_so(tmp_path: Path) -> None:
    """Though validation would pick an earlier one; what is told of it is told truly."""
    settings = network(epochs=4, schedule="constant", augmentation=UNCHANGED)
    by_validation, _ = train(tmp_path, settings, sets=(TRAIN, ALIKE))
    assert by_validation.selected_epoch == 1
    classifier, plan = Cnn(settings), TrainingPlan(0, "cpu", select="last")
    fit = classifier.fit(TRAIN, ALIKE, plan, observe=ignore, checkpoints=Checkpoints(tmp_path / "last", 1e9))
    assert (fit.selected_epoch, fit.valid_accuracy) == (4, fit.history[-1]["valid_accuracy"])
    expected = load_state(tmp_path / FILE)["network"]["module"]
    assert all(torch.equal(value, expected[name]) for name, value in classifier.model.state_dict().items())


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int | None], tuple[Path, Fit, Record]]:
    """Trainings that nothing interrupts, by number of steps."""

    @cache
    def run(steps: int | None) -> tuple[Path, Fit, Record]:
        folder, record = tmp_path_factory.mktemp("straight"), Record()
        return folder / FILE, train(folder, network(), steps, record)[0], record

    return run


@pytest.mark.parametrize(
    ("steps", "writes"),  # one write a step and one at the end
    [(None, 1), (None, 3), (None, 5), (None, 6), (None, 7), (5, 4), (5, 5), (5, 6), (8, 1), (8, 7), (8, 9)],
)
def test_interrupted_anywhere_it_ends_bit_equal(
    tmp_path: Path, steps: int | None, writes: int, straight: Callable[[int | None], tuple[Path, Fit, Record]]
) -> None:
    """Within an epoch, at its end, after the last step; epochs whole or cut short by `steps`."""
    file, fit, straight_record = straight(steps)
    with pytest.raises(KilledError):
        train(tmp_path, network(), steps, checkpoints=Dying(tmp_path, writes))
    torch.manual_seed(writes)  # another process has another global state
    record = Record()
    resumed, weights = train(tmp_path, network(), steps, record)
    assert (tmp_path / FILE).read_bytes() == file.read_bytes()
    assert resumed == fit
    assert record.rows == straight_record.rows  # one value an epoch, earlier ones too
    kept = load_state(file)["best"]["module"]
    assert all(torch.equal(value, kept[name]) for name, value in weights.items())


def vgg_state(folder: Path, writes: int | None = None) -> bytes:
    """The last checkpoint of a small VGG, whose training is killed after so many writes and then gone on with."""
    plan = TrainingPlan(0, "cpu")
    if writes:
        with pytest.raises(KilledError):
            Cnn(vgg()).fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Dying(folder, writes))
        torch.manual_seed(writes)  # another process has another global state
    Cnn(vgg()).fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Checkpoints(folder, 1e9))
    return (folder / FILE).read_bytes()


def test_dropout_goes_on_where_it_was_after_every_step(tmp_path: Path) -> None:
    """A VGG whose dropout drew anew after a resume would end with other weights."""
    expected = vgg_state(tmp_path / "straight")
    for writes in range(1, 2 * BATCHES + 2):
        assert vgg_state(tmp_path / f"{writes}", writes) == expected, writes


def test_two_trainings_in_one_process_leave_each_other_alone(tmp_path: Path) -> None:
    """One trains whole between two steps of the other."""
    expected = vgg_state(tmp_path / "alone")
    inner: list[bytes] = []

    class Between(Checkpoints):
        def offer(self, make_state: Callable[[], Any]) -> bool:
            if not inner:
                inner.append(vgg_state(tmp_path / "inner"))
            return super().offer(make_state)

    plan = TrainingPlan(0, "cpu")
    Cnn(vgg()).fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Between(tmp_path / "outer", 1e9))
    assert inner == [expected]
    assert (tmp_path / "outer" / FILE).read_bytes() == expected


def test_trainings_side_by_side_end_as_alone(tmp_path: Path) -> None:
    """On threads of one process."""
    names = [f"{i}" for i in range(3)]

    def train_one(name: str) -> bytes:
        plan = TrainingPlan(int(name), "cpu")
        Cnn(vgg()).fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Checkpoints(tmp_path / name, 1e9))
        return (tmp_path / name / FILE).read_bytes()

    alone = [train_one(name) for name in names]
    for name in names:
        (tmp_path / name / FILE).unlink()
    with ThreadPoolExecutor(len(names)) as threads:
        assert list(threads.map(train_one, names)) == alone


@pytest.mark.parametrize("broken", ["dropout absent", "dropout of another device"])
def test_a_state_that_cannot_be_restored_is_an_error(tmp_path: Path, broken: str) -> None:
    train(tmp_path, network())
    state = load_state(tmp_path / FILE)
    if broken == "dropout absent":
        del state["dropout"]
    else:
        state["dropout"] = state["dropout"][:16]  # as long as a GPU's
    save_state(state, tmp_path / FILE)
    with pytest.raises(UserError, match="checkpoint"):
        train(tmp_path, network(epochs=3))


@pytest.mark.parametrize("epoch", [1, 2])
def test_an_observer_that_fails_costs_no_step(
    tmp_path: Path, epoch: int, straight: Callable[[int | None], tuple[Path, Fit, Record]]
) -> None:
    with pytest.raises(KilledError):
        train(tmp_path, network(), observe=Record(dies_at=epoch), checkpoints=Checkpoints(tmp_path, 0))
    record = Record()
    train(tmp_path, network(), observe=record)
    assert record.steps == [1, 2]
    assert (tmp_path / FILE).read_bytes() == straight(None)[0].read_bytes()


@pytest.mark.parametrize("writes", [None, 1, 4])
def test_the_pace_is_told_once_an_epoch(tmp_path: Path, writes: int | None) -> None:
    """Of those that this process has trained, be it a part of them."""
    record = Record()
    if writes:
        with pytest.raises(KilledError):
            train(tmp_path, network(), checkpoints=Dying(tmp_path, writes))
    plan = TrainingPlan(0, "cpu", observe_pace=record)
    Cnn(network()).fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Checkpoints(tmp_path, 1e9))
    assert record.steps == {None: [1, 2], 1: [1, 2], 4: [2]}[writes]
    assert min(values["images_per_second"] for _, values in record.rows) > 0


@pytest.mark.parametrize("writes", [None, 1, 5])
def test_every_epoch_can_be_kept(tmp_path: Path, writes: int | None) -> None:
    """Each is a classifier that `load` takes; the selected one is among them, also after a kill."""
    plan = TrainingPlan(0, "cpu", every_epoch=tmp_path / "epochs")
    classifier = Cnn(network())
    if writes:
        with pytest.raises(KilledError):
            classifier.fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Dying(tmp_path, writes))
    fit = classifier.fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Checkpoints(tmp_path, 1e9))
    kept = sorted((tmp_path / "epochs").iterdir())
    assert [int(folder.name) for folder in kept] == [1, 2]
    for folder, row in zip(kept, fit.history, strict=True):
        found = Cnn(network()).load(folder).predict_proba(VALID.images)
        assert (found.argmax(axis=1) == VALID.labels).mean() == row["valid_accuracy"]
    selected = Cnn(network()).load(kept[fit.selected_epoch - 1]).predict_proba(VALID.images)
    np.testing.assert_array_equal(selected, classifier.predict_proba(VALID.images))


@pytest.mark.long  # compiling takes half a minute and more
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # which torch hides itself
def test_compiled_it_learns_the_same(tmp_path: Path) -> None:
    """To rounding, with the same numbers dropped."""
    settings = vgg(epochs=1)
    eager, _ = train(tmp_path / "eager", settings)
    compiled, _ = train(tmp_path / "compiled", settings.model_copy(update={"compile": "default"}))
    assert compiled.history[0]["train_loss"] == pytest.approx(eager.history[0]["train_loss"], rel=1e-3)


def test_at_224_pixels_it_trains(tmp_path: Path) -> None:
    fit, _ = train(tmp_path, network(input_size=224, epochs=1))
    assert np.isfinite(fit.history[0]["train_loss"])


@pytest.mark.parametrize("steps", [1, 4, 6, 7])
def test_as_many_steps_as_asked_for(tmp_path: Path, steps: int) -> None:
    """A control trains as long as another arm, also where that is no whole number of its epochs."""
    fit, _ = train(tmp_path, network(augmentation=UNCHANGED), steps)
    assert [row["step"] for row in fit.history] == [*range(BATCHES, steps, BATCHES), steps]
    optimizer = load_state(tmp_path / FILE)["network"]["optimizer"]
    assert optimizer["param_groups"][0]["lr"] == learning_rate("one_cycle", 0.05, steps - 1, steps)


def test_a_last_batch_of_one_is_left_out(tmp_path: Path) -> None:
    settings = network(batch_size=10)
    fit, _ = train(tmp_path, settings)
    assert [row["step"] for row in fit.history] == [2, 4]


@pytest.mark.parametrize(
    "settings",
    [
        {"lr": 10.0, "schedule": "constant", "epochs": 20},
        {"lr": 10.0, "schedule": "constant", "epochs": 20, "weight_decay": 1.0},
        {"lr": 10.0, "schedule": "one_cycle", "epochs": 30, "weight_decay": 1.0},
    ],
)
def test_a_loss_that_is_not_finite_stops_it(tmp_path: Path, settings: dict[str, Any]) -> None:
    """In training or in validation, whichever is first; the last finite checkpoint can be read."""
    record = Record()
    with pytest.raises(UserError, match="no longer finite") as caught:
        train(tmp_path, network(**settings), observe=record, checkpoints=Checkpoints(tmp_path, 0))
    assert str(tmp_path) in caught.value.where
    state = load_state(tmp_path / FILE)
    assert state["step"] > 0
    assert all(value.isfinite().all() for value in state["network"]["module"].values())
    assert all(np.isfinite(list(row.values())).all() for _, row in record.rows)
