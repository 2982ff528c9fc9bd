"""`ferlab compare` of two files of predictions, of images on which people voted."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ferlab.cli import main
from ferlab.evaluation.predictions import Predictions, write
from small import REPOSITORY

VOTES = np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0], [1.0, 0.0]], np.float32)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    first = Predictions(
        tuple("abcd"), np.array([0, 0, 1, 0]), np.eye(2)[[0, 0, 1, 0]], "0" * 16, ("calm", "cross"), "test", 48
    )
    second = replace(first, probabilities=np.eye(2)[[1, 0, 1, 0]])
    write(tmp_path / "voteless.parquet", second)
    write(tmp_path / "first.parquet", replace(first, votes=VOTES))
    write(tmp_path / "second.parquet", replace(second, votes=VOTES))
    return tmp_path


def compare(*words: str) -> str:
    done = CliRunner().invoke(main.app, ["compare", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_votes_judge_too(project: Path) -> None:
    """By hand: 3.25 of the four images' votes against 2.75."""
    said = compare("first.parquet", "second.parquet")
    assert "judged by the votes, untested: expected accuracy 81.25% and 68.75%, -12.50 points" in said


def test_where_one_has_no_votes_neither_is_judged_by_them(project: Path) -> None:
    for words in (("first.parquet", "voteless.parquet"), ("voteless.parquet", "first.parquet")):
        assert "judged by the votes" not in compare(*words)
        assert "expected_accuracy" not in json.loads(compare(*words, "--json"))["scores"]
