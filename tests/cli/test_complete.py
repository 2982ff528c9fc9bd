"""What the shell completes in a project, and that it is silent elsewhere."""

from pathlib import Path

import pytest

from ferlab.cli import complete
from small import REPOSITORY


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with what names come from."""
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    for path in ("budgets/demo.yaml", "budgets/design.yaml", "reports/cpu/params.yaml", "work/runs/svm-0/run.json"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    predictions = tmp_path / "reports" / "demo" / "predictions"
    predictions.mkdir(parents=True)
    for run in ("resnet50-0", "resnet50-1", "resnet50-dcgan-0"):
        (predictions / f"{run}.parquet").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("completer", "typed", "names"),
    [
        (complete.arm, "resnet50-pi", ["resnet50-picked-on-test"]),
        (complete.classifier, "vgg", ["vgg16", "vgg16-paper"]),
        (complete.budget, "de", ["demo", "design"]),
        (complete.report, "", ["cpu"]),
        (complete.run, "", ["svm-0"]),
        (complete.side, "resnet50", ["resnet50", "resnet50-dcgan", "resnet50-0", "resnet50-1", "resnet50-dcgan-0"]),
        (complete.side, "svm", []),
    ],
)
def test_names_that_begin_so(completer: complete.Complete, typed: str, names: list[str], here: Path) -> None:
    assert sorted(completer(typed)) == sorted(names)


def test_nothing_outside_a_project_or_where_it_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    completers = (complete.arm, complete.classifier, complete.budget, complete.report, complete.run, complete.side)
    monkeypatch.chdir(tmp_path)
    assert [completer("") for completer in completers] == [[]] * len(completers)


def test_a_broken_params_yaml_is_no_traceback_in_the_shell(here: Path) -> None:
    (here / "params.yaml").write_text("budget: [")
    assert [complete.arm(""), complete.classifier(""), complete.side("")] == [[], [], []]
    assert complete.budget("") == ["demo", "design"]
