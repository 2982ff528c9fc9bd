"""Learning from votes: the loss in closed form, a training written out, labels drawn, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from ferlab.classifiers.architectures import build
from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.cnn import Cnn
from ferlab.classifiers.folds import Folds
from ferlab.classifiers.losses import loss_of
from ferlab.classifiers.targets import Targets, draw
from ferlab.data.images import ImageSet, concatenate
from ferlab.data.votes import certain
from ferlab.errors import UserError
from ferlab.params import FoldsClassifier, NetworkClassifier, TwoLevelClassifier, check
from ferlab.params.classifiers import L2svmResnet
from ferlab.training.checkpoint import FILE, Checkpoints, load_state
from ferlab.training.observe import ignore
from ferlab.yaml_file import read_yaml
from small import NETWORK, REPOSITORY, SVM, UNCHANGED, Dying, KilledError, barred, network

PLAIN, VALID = barred(3), barred(1, seed=1, split="valid")
SHARES = np.random.default_rng(0).dirichlet(np.ones(7), len(PLAIN)).astype(np.float32)
TRAIN = replace(PLAIN, votes=SHARES)
SMALL = {"network": "resnet18", "batch_size": 11, "augmentation": UNCHANGED}  # two updates an epoch
ONE = SMALL | {"epochs": 1}


def train(folder: Path, settings: NetworkClassifier, images: ImageSet, writes: int | None = None) -> dict[str, Any]:
    """The finished checkpoint; of a training killed after so many writes and gone on with, if asked."""
    if writes:
        with pytest.raises(KilledError):
            Cnn(settings).fit(images, VALID, TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Dying(folder, writes))
        torch.manual_seed(writes)  # another process has another global state
    Cnn(settings).fit(images, VALID, TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(folder, 1e9))
    return load_state(folder / FILE)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_cross_entropy_against_the_votes(smoothing: float) -> None:
    """Written out, smoothing included: each class gets smoothing / 7 of what the votes give up."""
    settings = network(targets="votes", label_smoothing=smoothing)
    logits = torch.randn(21, 7, generator=torch.Generator().manual_seed(0))
    found = loss_of(build(settings, 7), settings, 21)(logits, Targets(settings, TRAIN, 0).given)
    wanted = (1 - smoothing) * SHARES.astype(float) + smoothing / 7
    logarithms = torch.log_softmax(logits.double(), dim=1).numpy()
    assert found.item() == pytest.approx(-(wanted * logarithms).sum(axis=1).mean(), rel=1e-6)


def test_all_votes_for_the_label_teach_what_the_label_does(tmp_path: Path) -> None:
    smoothing = 0.1
    sure = replace(PLAIN, votes=certain(PLAIN.labels, 7))
    by_label = train(tmp_path / "a", network(**ONE, label_smoothing=smoothing), sure)
    by_votes = train(tmp_path / "b", network(**ONE, label_smoothing=smoothing, targets="votes"), sure)
    drawn = train(tmp_path / "c", network(**ONE, label_smoothing=smoothing, targets="drawn"), sure)
    for name, value in by_label["network"]["module"].items():
        torch.testing.assert_close(by_votes["network"]["module"][name], value, rtol=1e-4, atol=1e-5, msg=name)
        assert torch.equal(drawn["network"]["module"][name], value), name


def test_votes_are_not_looked_at_where_the_majority_teaches(tmp_path: Path) -> None:
    """To the last bit."""
    train(tmp_path / "a", network(**ONE), PLAIN)
    train(tmp_path / "b", network(**ONE), TRAIN)
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()


@pytest.mark.parametrize(("targets", "kills"), [("votes", (1,)), ("drawn", (1, 3))])
def test_interrupted_it_ends_bit_equal(tmp_path: Path, targets: str, kills: tuple[int, ...]) -> None:
    """Within either epoch; the added images have no votes. The set's own labels stay as they are."""
    images = concatenate([TRAIN, barred(1, seed=2, origin="dcgan")], "train")
    settings, labels = network(**SMALL, targets=targets), images.labels.copy()
    train(tmp_path / "straight", settings, images)
    for writes in kills:
        train(tmp_path / f"{writes}", settings, images, writes)
        assert (tmp_path / f"{writes}" / FILE).read_bytes() == (tmp_path / "straight" / FILE).read_bytes(), writes
    np.testing.assert_array_equal(images.labels, labels)


def test_drawn_labels_come_as_often_as_their_votes() -> None:
    """Three standard errors of 20,000 draws; what got no vote is never drawn; an epoch has a draw of its own."""
    shares = torch.tensor([[0.0, 0.7, 0.0, 0.3], [0.25, 0.0, 0.75, 0.0], [0.0, 0.0, 0.0, 1.0]])
    found = draw(shares.repeat(20_000, 1), torch.Generator().manual_seed(0)).reshape(-1, 3)
    counts = F.one_hot(found, 4).double().mean(dim=0)
    assert (counts - shares).abs().max() < 3 * (0.25 / 20_000) ** 0.5
    assert not counts[shares == 0].any()
    targets = Targets(network(targets="drawn"), TRAIN, 5)
    first, second = targets.of_epoch(0), targets.of_epoch(1)
    assert first is not None
    assert second is not None
    assert torch.equal(first, Targets(network(targets="drawn"), TRAIN, 5).of_epoch(0))
    assert not torch.equal(first, second)
    assert not torch.equal(first, Targets(network(targets="drawn"), TRAIN, 6).of_epoch(0))


@pytest.mark.parametrize("targets", ["votes", "drawn"])
def test_images_on_which_nobody_voted(tmp_path: Path, targets: str) -> None:
    with pytest.raises(UserError, match="the images of made have no votes") as caught:
        train(tmp_path, network(targets=targets), PLAIN)
    assert "targets" in caught.value.where
    assert "majority" in caught.value.next_step


def test_folds_tell_their_members(tmp_path: Path) -> None:
    settings = {"method": "folds", "folds": 2, "network": NETWORK | ONE | {"targets": "votes"}}
    folds, places = Folds(FoldsClassifier.model_validate(settings)), Checkpoints(tmp_path, 1e9)
    with pytest.raises(UserError, match="have no votes"):
        folds.fit(PLAIN, VALID, TrainingPlan(0, "cpu"), observe=ignore, checkpoints=places)


def test_a_cascade_refuses_votes_by_name() -> None:
    groups = [["angry", "disgust", "fear", "sad", "neutral"], ["happy", "surprise"]]
    with pytest.raises(ValidationError, match=r"network\.targets: 'votes'.*set it to majority"):
        TwoLevelClassifier.model_validate(
            {"method": "two_level", "groups": groups, "network": NETWORK | {"targets": "votes"}}
        )


def test_machines_refuse_votes_by_name() -> None:
    with pytest.raises(ValidationError, match=r"targets\n.*should be 'majority'"):
        L2svmResnet.model_validate({**NETWORK, "method": "l2svm", "C": 1.0, "targets": "votes"})
    values = json.loads(json.dumps(read_yaml(REPOSITORY / "params.yaml")))
    values["classifiers"]["svm"] = SVM | {"targets": "votes"}
    with pytest.raises(UserError, match=r"classifiers\.svm\.targets: unknown key"):
        check(values, "params.yaml")
    del values["classifiers"]["svm"]["targets"], values["classifiers"]["resnet50"]["targets"]
    with pytest.raises(UserError, match=r"classifiers\.resnet50\.targets: missing key"):
        check(values, "params.yaml")
