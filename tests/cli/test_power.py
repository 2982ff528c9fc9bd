"""`ferlab power` on a committed report, and what it refuses."""

import json
import subprocess
import sys

import pytest

from ferlab.evaluation.power import Design, chances, smallest_gain
from ferlab.params.migration import load_published
from ferlab.report.design import measured
from ferlab.report.evidence import Evidence
from small import REPOSITORY


def power(*words: str, code: int = 0) -> str:
    command = [sys.executable, "-c", "from ferlab.cli.main import main; main()", "power", *words]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_it_takes_spread_and_plan_from_a_report_and_answers_in_points() -> None:
    folder = REPOSITORY / "reports" / "cpu"
    spread = measured(Evidence(folder, load_published(folder / "params.yaml")))
    assert spread
    assert (spread.arms, spread.blocks) == (7, 3)
    told = json.loads(power("--budget", "cpu", "--gain", "1", "--json"))
    design = Design(spread.sd, 7, 3)
    assert told["spread"] == pytest.approx(100 * spread.sd)
    assert told["smallest_gain"] == pytest.approx(100 * smallest_gain(design))
    assert told["gains"][0]["holds"] == pytest.approx(chances(design, 0.01).holds)
    shown = power("--budget", "cpu", "--blocks", "8", "--arms", "5")
    assert "design: 5 arms in 8 blocks" in shown
    assert len(shown.splitlines()) == 11


def test_a_budget_that_has_not_run_is_planned_with_a_spread() -> None:
    told = json.loads(power("--budget", "design", "--sd", "0.35", "--json"))
    assert (told["arms"], told["blocks"], told["spread"]) == (5, 8, pytest.approx(0.35))


def test_what_tells_nothing_is_refused() -> None:
    assert "name one with --sd" in power("--budget", "cpu_full", code=2)
    assert "name at least two with --arms" in power("--budget", "cpu_full", "--sd", "0.3", code=2)
