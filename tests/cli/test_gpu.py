"""Work that asks for a GPU, on a machine without one: refused with an estimate before anything starts."""

from collections.abc import Iterator

import pytest
import torch

from ferlab.cli.progress import duration
from ferlab.files import content_hash
from temporary import TemporaryProject

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
NONE = "no CUDA device is available"


@pytest.fixture(scope="module")
def asking(finished: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A finished project whose params.yaml asks for a GPU."""
    project = finished.copy(tmp_path_factory.mktemp("asking") / "project")
    project.change({"compute": {"device": "cuda"}})
    return project


@pytest.fixture
def untold(asking: TemporaryProject) -> Iterator[TemporaryProject]:
    """The same; nothing in it may be another after the test, and no run begun."""
    before = state(asking)
    yield asking
    assert state(asking) == before


def state(project: TemporaryProject) -> object:
    names = ("params.yaml", "dvc.lock", "reports", "work")
    return [content_hash(project.root / name) for name in names], project.query("SELECT run_uuid, status FROM runs")


@pytest.mark.parametrize(("budget", "long"), [("paper", "weeks"), ("gpu", "days")])
def test_a_budget_is_not_even_laid(untold: TemporaryProject, budget: str, long: str) -> None:
    """Not for a moment, which a kill could make last. The estimate is for real faces, though drawn ones lie here."""
    params = (untold.root / "params.yaml").stat().st_ino
    output = untold.ferlab("reproduce", "--budget", budget, code=2)
    assert NONE in output
    assert f"budgets/{budget}.yaml: compute.device" in output
    assert f" {long}\n" in output
    assert "`ferlab budget use cpu`" in output
    assert "asking DVC" not in output
    assert (untold.root / "params.yaml").stat().st_ino == params


FILE = "params.yaml: compute.device"


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("reproduce",), FILE),
        (("train", "resnet50-dcgan"), FILE),
        (("ablate", "--arm", "resnet50-dcgan", "--grid", "lr=0.1,0.2"), FILE),
        (("ablate", "--arm", "resnet50-dcgan", "--grid", "device=cpu,cuda"), "--grid compute.device=cpu,cuda"),
        (("tune", "resnet50"), FILE),
    ],
)
def test_no_training_starts(untold: TemporaryProject, words: tuple[str, ...], where: str) -> None:
    output = untold.ferlab(*words, code=2)
    assert NONE in output
    assert f"where: {where}\n" in output
    assert "runs it on the CPU" in output
    assert output.count("error: ") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ablate", "--arm", "resnet50-dcgan", "--grid", "lr=0.1,0.2", "--dry-run"), "2 to run"),
        (("train", "resnet50-dcgan", "--set", "compute.device=cpu", "--json"), '"source": "pipeline"'),
        (("budget", "show", "paper"), "compute.threads: 1 in params.yaml, 2 in paper"),
        (("verify", "--budget", "tiny"), "follows from its files"),
        (("report", "--budget", "tiny"), "reports/tiny/index.html"),
    ],
)
def test_who_only_looks_is_answered(asking: TemporaryProject, words: tuple[str, ...], said: str) -> None:
    assert said in asking.ferlab(*words)


def test_the_doctor_says_it(untold: TemporaryProject) -> None:
    assert "params.yaml asks for a GPU and none is here" in untold.ferlab("doctor", code=2)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(40, "40 s"), (720, "12 min"), (12600, "3.5 h"), (4 * 86400, "4.0 days"), (42 * 86400, "6.0 weeks")],
)
def test_lengths_of_time_are_said_in_a_unit_that_fits(seconds: float, said: str) -> None:
    assert duration(seconds) == said
