"""Each arm that params.yaml defines goes through mix, train and evaluate: the real stages, on tiny faces."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.errors import UserError
from ferlab.evaluation.predictions import read
from ferlab.params import load
from ferlab.project import Project
from ferlab.stages.context import Context, call
from ferlab.stages.table import find
from small import REPOSITORY, barred
from temporary import TemporaryProject

pytestmark = pytest.mark.long

ARMS = [arm for arm in load(REPOSITORY / "params.yaml").arms if arm != "dfsvm"]
FAMILIES = ("dcgan", "wgan_gp", "cgan")
NETWORKS = ("resnet50", "vgg16", "resnet50-paper", "vgg16-paper")
TINY = {"width": 0.0625, "epochs": 1, "batch_size": 16}
BAG = {"features": {"words": 30, "vocabulary_images": 10}}
SMALL: dict[str, Any] = {
    "run": {"arms": ARMS, "families": list(FAMILIES)},
    "arms": {"resnet50": {"tuned": False}},
    "classifiers": dict.fromkeys(NETWORKS, TINY)
    | {"dfsvm-scratch": {"training": TINY}}
    | {f"svm{features}": {"max_iterations": 300} for features in ("", "-hog", "-lbp", "-sift")}
    | {"bovw": BAG, "bovw-local": BAG | {"neighbours": 20}}
    | {"local_learning": BAG | {"neighbours": 20, "networks": {"resnet50": TINY, "vgg16": TINY}}}
    | {"mapped_lbp": {"network": TINY}, "l2svm-folds": {"folds": 2, "network": TINY}},
}


def run(project: TemporaryProject, name: str, *arguments: str) -> None:
    stage = find(name)
    named = dict(zip(stage.arguments, arguments, strict=True))
    home = Project(project.root)
    call(Context(home, stage, named, load(home.params), quiet=True))


@pytest.fixture(scope="module")
def mixed(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    project = untouched.copy(tmp_path_factory.mktemp("every-arm") / "project")
    project.change(SMALL)
    for name in ("prepare", "audit"):
        run(project, name)
    for i, family in enumerate(FAMILIES):
        faces = barred(4, seed=i, split="synthetic", classes=CKPLUS_CLASSES, origin=family)
        faces.save(project.root / "work" / "sources" / family / "0")
    run(project, "code")
    run(project, "settings")
    for arm in ARMS:
        run(project, "mix", arm)
    return project


@pytest.mark.filterwarnings("default")  # what MLflow warns of while it logs a model is not this test's matter
@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_runs(arm: str, mixed: TemporaryProject) -> None:
    run(mixed, "train", arm, "0")
    run(mixed, "evaluate", arm, "0")
    found = read(mixed.root / "reports" / "tiny" / "predictions" / f"{arm}-0.parquet")
    assert found.probabilities.shape == (28, 7)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert len(np.unique(found.probabilities, axis=0)) > 1, "it says the same of every face"


def test_dfsvm_without_weights_says_what_it_needs(
    mixed: TemporaryProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Never a silent random start."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    mixed.change({"run": {"arms": [*ARMS, "dfsvm"]}})
    run(mixed, "mix", "dfsvm")
    with pytest.raises(UserError, match="ImageNet"):
        run(mixed, "train", "dfsvm", "0")
