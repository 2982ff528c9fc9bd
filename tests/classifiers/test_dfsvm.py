"""DF-SVM against torchvision's networks and scikit-learn's machine (the paper's Experiment B and details C)."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC
from torch import nn
from torchvision.models import vgg16
from torchvision.models.vgg import VGG, cfgs, make_layers

from ferlab.classifiers.architectures import build
from ferlab.classifiers.base import Fit, TrainingPlan
from ferlab.classifiers.dfsvm import Dfsvm
from ferlab.classifiers.inference import MEAN, STD
from ferlab.classifiers.members import deep_features, member_settings, redraw
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.params import DfsvmClassifier, load
from ferlab.training.checkpoint import FILE, Checkpoints, load_state
from ferlab.training.observe import ignore
from small import REPOSITORY, barred, dfsvm

LAYERS = {"vgg13": "B", "vgg16": "D", "vgg19": "E"}  # of torchvision's `cfgs`
TRAIN, VALID = barred(4), barred(2, seed=1, split="valid")
PLAIN = {"batch_norm": False, "schedule": "constant", "lr": 1e-3}


def torchvisions(network: str, folder: Path, width: float = 0.0625) -> tuple[VGG, Path]:
    """A network of torchvision's own class, narrowed, with drawn weights; and the file of its state."""
    layers = [round(c * width) if isinstance(c, int) else c for c in cfgs[LAYERS[network]]]
    model, hidden = VGG(make_layers(layers)), round(4096 * width)
    for i, sizes in ((0, (layers[-2] * 49, hidden)), (3, (hidden, hidden)), (6, (hidden, 1000))):
        model.classifier[i] = nn.Linear(*sizes)
    torch.save(model.state_dict(), folder / f"{network}.pth")
    return model.eval(), folder / f"{network}.pth"


def pretrained(path: Path, frozen: int = 0, trained: bool = True) -> dict[str, Any]:
    return {
        "network": path.stem, "weights": str(path), "weights_sha256": sha256_file(path), "trained": trained,
        "frozen": frozen,
    }  # fmt: skip


def fitted(folder: Path, settings: DfsvmClassifier) -> tuple[Dfsvm, Fit]:
    classifier = Dfsvm(settings)
    plan = TrainingPlan(0, "cpu")
    return classifier, classifier.fit(TRAIN, VALID, plan, observe=ignore, checkpoints=Checkpoints(folder / "c", 1e9))


def convolutions(state: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return [tensor for name, tensor in state.items() if name.startswith("features") and name.endswith("weight")]


def test_frozen_convolutions_keep_their_weights_and_the_rest_is_redrawn_and_trained(tmp_path: Path) -> None:
    """VGG-13 with 8 of 10 frozen, VGG-16 with all 13, VGG-19 as it is; files in torchvision's layout."""
    given = {name: torchvisions(name, tmp_path) for name in LAYERS}
    frozen = {"vgg13": 8, "vgg16": 13, "vgg19": 0}
    members = [pretrained(path, frozen[name], name != "vgg19") for name, (_, path) in given.items()]
    classifier, fit = fitted(tmp_path, dfsvm({**PLAIN, "redraw_std": 0.1, "epochs": 1}, members=members))
    for name, (model, _) in given.items():
        theirs, ours = (convolutions(m.state_dict()) for m in (model, classifier.models[name]))
        same = [
            torch.equal(a if i else a.sum(1, keepdim=True), b)
            for i, (a, b) in enumerate(zip(theirs, ours, strict=True))
        ]
        untouched = frozen[name] if name != "vgg19" else 16
        assert same == [True] * untouched + [False] * (len(same) - untouched)
        hidden = classifier.models[name].classifier[3].weight
        assert torch.equal(hidden, model.classifier[3].weight) is (name == "vgg19")
    assert 0.08 < classifier.models["vgg16"].classifier[3].weight.std() < 0.12
    assert [row["member"] for row in fit.history] == [0, 1, 3]
    assert fit.valid_accuracy == fit.history[-1]["valid_accuracy"]
    assert fit.notes["features"] == 3 * 256


def test_features_are_torchvisions(tmp_path: Path) -> None:
    """Of the last fully connected layer below the softmax layer, though our head is 49 times smaller."""
    model, path = torchvisions("vgg16", tmp_path)
    classifier, _ = fitted(tmp_path, dfsvm(PLAIN, members=[pretrained(path, trained=False)]))
    grey = (torch.from_numpy(VALID.images).float()[:, None] / 255 - MEAN) / STD
    with torch.inference_mode():
        maps = model.avgpool(model.features(grey.expand(-1, 3, -1, -1))).flatten(1)
        expected = model.classifier[:5](maps).numpy()
    found = deep_features(classifier.models["vgg16"], VALID.images, 48)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_machine_is_scikit_learns_with_default_parameters(tmp_path: Path) -> None:
    classifier, fit = fitted(tmp_path, dfsvm())

    def joined(images: Any) -> Any:
        return np.hstack([normalize(deep_features(model, images, 48)) for model in classifier.models.values()])

    reference = LinearSVC(random_state=0).fit(joined(TRAIN.images), TRAIN.labels)
    np.testing.assert_allclose(np.linalg.norm(joined(VALID.images), axis=1), 2**0.5)  # two members of length 1
    chosen = classifier.predict_proba(VALID.images).argmax(axis=1)
    np.testing.assert_array_equal(chosen, reference.predict(joined(VALID.images)))
    assert fit.valid_accuracy == (chosen == VALID.labels).mean()
    assert (fit.notes["converged"], fit.notes["scaled"]) == (True, False)


def test_features_are_scaled_where_the_machine_does_not_converge(tmp_path: Path) -> None:
    """As with features of nearly equal rows."""
    classifier, fit = fitted(tmp_path, dfsvm(max_iterations=1))
    assert (fit.notes["converged"], fit.notes["scaled"]) == (False, True)
    assert {"mean", "scale"} <= set(classifier.arrays)
    (tmp_path / "saved").mkdir()
    classifier.save(tmp_path / "saved")
    again = Dfsvm(classifier.settings).load(tmp_path / "saved")
    np.testing.assert_array_equal(again.predict_proba(VALID.images), classifier.predict_proba(VALID.images))


def test_a_member_stops_when_validation_drops(tmp_path: Path) -> None:
    """And a start after a kill at its very end trains no epoch more."""
    settings = dfsvm({"epochs": 30, "stop_at_drop": True, "lr": 0.1}, members=dfsvm().model_dump()["members"][:1])
    _, fit = fitted(tmp_path, settings)
    accuracies = [row["valid_accuracy"] for row in fit.history[:-1]]
    falls = [b < a for a, b in pairwise(accuracies)]
    assert falls == [False] * (len(falls) - 1) + [True]
    assert len(accuracies) < 30
    assert fit.notes["vgg13_valid_accuracy"] == max(accuracies)
    assert fitted(tmp_path, settings)[1] == fit


def test_members_keep_their_last_epoch_where_the_plan_says_so(tmp_path: Path) -> None:
    """Here the one after which it stopped, because validation had dropped."""
    settings = dfsvm({"epochs": 30, "stop_at_drop": True, "lr": 0.1}, members=dfsvm().model_dump()["members"][:1])
    by_validation, last = Dfsvm(settings), Dfsvm(settings)
    plan, place = TrainingPlan(0, "cpu"), Checkpoints(tmp_path, 1e9)
    picked = by_validation.fit(TRAIN, VALID, plan, observe=ignore, checkpoints=place)
    kept = last.fit(TRAIN, VALID, replace(plan, select="last"), observe=ignore, checkpoints=place)
    accuracies = [row["valid_accuracy"] for row in kept.history[:-1]]
    assert accuracies[-1] < max(accuracies)  # else the two rules would come to the same
    assert picked.notes["vgg13_valid_accuracy"] == max(accuracies)
    assert kept.notes["vgg13_valid_accuracy"] == accuracies[-1]
    members = load_state(tmp_path / "vgg13" / FILE)["network"]["module"]
    assert all(torch.equal(value, members[name]) for name, value in last.models["vgg13"].state_dict().items())


def test_layers_are_redrawn_as_the_paper_says() -> None:
    """N(0, 0.1); the head that stands for 49 places gets the sum of 49 draws."""
    settings = dfsvm({"width": 0.25, "batch_norm": False})
    model = build(member_settings(settings, settings.members[0]), 7)
    before = [m.weight.clone() for m in model.modules() if isinstance(m, nn.Conv2d)]
    torch.manual_seed(0)
    redraw(model, 8, 0.1)
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert all(torch.equal(a, m.weight) for a, m in zip(before[:8], layers, strict=False))
    for layer, std in zip(layers[8:], [0.1, 0.1, 0.7, 0.1, 0.1], strict=True):
        assert layer.weight.std().item() == pytest.approx(std, rel=0.05)
        assert layer.bias.abs().max() == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weights": "none", "frozen": 8}, "vgg13 has no pre-trained weights"),
        ({"weights": "none", "trained": False}, "vgg13 has no pre-trained weights"),
        ({"weights": "imagenet", "frozen": 11}, "vgg13 has 10 convolutions, not 11"),
        ({"weights": "imagenet", "network": "vgg19"}, "vgg19, vgg19 name a network twice"),
        ({"weights": "imagenet"}, "ImageNet's weights are for width 1, not 0.0625"),
    ],
)
def test_members_that_make_no_sense(changes: dict[str, Any], says: str) -> None:
    first, second = dfsvm().model_dump()["members"]
    with pytest.raises(ValidationError, match=says):
        dfsvm(members=[first | changes, second])


def test_absent_weights_are_told_before_anything_is_trained(tmp_path: Path) -> None:
    """Also those of the last member; never a silent random start."""
    _, path = torchvisions("vgg19", tmp_path)
    members = [dfsvm().model_dump()["members"][0], pretrained(path)]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"not the file that params\.yaml names"):
        fitted(tmp_path, dfsvm(PLAIN, members=members))
    path.unlink()
    with pytest.raises(UserError, match="no such file of weights"):
        fitted(tmp_path, dfsvm(PLAIN, members=members))
    assert not (tmp_path / "c").exists()


@pytest.mark.long  # half a gigabyte of weights
def test_a_whole_file_of_torchvisions_layout(tmp_path: Path) -> None:
    """VGG-16 at its published width; all 13 convolutions frozen, as in the paper."""
    path = tmp_path / "vgg16.pth"
    model = vgg16()
    torch.save(model.state_dict(), path)
    settings = load(REPOSITORY / "params.yaml").section("classifiers.dfsvm").model_dump()
    member = next(m for m in settings["members"] if m["network"] == "vgg16")
    settings["members"] = [member | {"weights": str(path), "weights_sha256": sha256_file(path)}]
    settings["training"] |= {"epochs": 1, "redraw_std": None, "input_size": 48}
    classifier, fit = fitted(tmp_path, DfsvmClassifier.model_validate(settings))
    theirs, ours = (convolutions(m.state_dict()) for m in (model, classifier.models["vgg16"]))
    assert all(torch.equal(a, b) for a, b in zip(theirs[1:], ours[1:], strict=True))
    assert fit.notes["features"] == 4096
