"""What a question's table says of images on which people voted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ferlab.ablation.plan import place_of
from ferlab.ablation.question import ask, points
from ferlab.ablation.result import Result
from ferlab.ablation.summary import PREDICTIONS, summarise
from ferlab.cli.ablation_table import Display
from ferlab.datasets.fitting import EIGHT
from ferlab.evaluation.predictions import Predictions, write
from ferlab.params import load
from ferlab.params.data import DataSet
from ferlab.project import Project
from ferlab.records.answer import Answer
from small import REPOSITORY

PARAMS = load(REPOSITORY / "params.yaml")
PLUS = DataSet(form="ferplus", sha256="0" * 64, classes=list(EIGHT))
VOTED = PARAMS.model_copy(update={"data": PARAMS.data.model_copy(update={"sets": {"plus": PLUS}, "train": "plus"})})
QUESTION = ask(VOTED, "resnet50-paper", [0, 1], [], ["targets=majority,votes"])
VOTES = np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0], [1.0, 0.0]], np.float32)
CHOSEN = {("majority", 0): [0, 0, 1, 0], ("majority", 1): [0, 0, 1, 1], ("votes", 0): [1, 0, 1, 0]}
"""Targets and seed -> the class that each image is said to show; the fourth point has failed."""


def answered(project: Project, votes: np.ndarray | None) -> list[Result]:
    found = []
    for point in points(QUESTION):
        (targets,) = point.varied.values()
        identity = f"{targets}{point.seed}"
        if (targets, point.seed) not in CHOSEN:
            found.append(Result(point, "failed", error="killed"))
            continue
        said = np.eye(2)[CHOSEN[targets, point.seed]]
        run = Predictions(tuple("abcd"), np.array([0, 0, 1, 0]), said, identity, ("calm", "cross"), "valid", 48)
        folder = place_of(project, identity)
        folder.mkdir(parents=True)
        write(folder / PREDICTIONS, replace(run, votes=votes))
        answer = Answer.of(
            {
                "identity": identity,
                "accuracy": float(run.correct.mean()),
                "selected_epoch": 1,
                "seconds": None,
                "mlflow_run": None,
                "source": "run",
            }
        )
        found.append(Result(point, "run", answer))
    return found


def test_the_votes_judge_too_and_seeds_that_failed_are_in_no_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By hand: seed 0 of majority gets 0.75, 0.5, 1 and 1 of the votes, seed 1 the last not, and votes' 0.25 first."""
    table = summarise(Project(tmp_path), QUESTION, answered(Project(tmp_path), VOTES))
    assert table["expected_accuracy"].tolist() == [100 * (3.25 + 2.25) / 8, 100 * 2.75 / 4]
    assert table["expected_difference"].tolist()[1:] == [100 * (2.75 - 3.25) / 4]
    assert np.isnan(table["expected_difference"][0])
    Display(QUESTION, [], 1, silent=True).show(table)
    said = capsys.readouterr().out
    _, _, judged = said.partition("judged by the votes")
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in judged.splitlines() if "│" in line]
    assert cells == [["majority", "68.75", ""], ["votes", "68.75", "-12.50"]]


def test_without_votes_the_table_is_as_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = summarise(Project(tmp_path), QUESTION, answered(Project(tmp_path), None))
    assert not [name for name in map(str, table) if "expected" in name]
    Display(QUESTION, [], 1, silent=True).show(table)
    assert "judged" not in capsys.readouterr().out
