"""What an interrupted run has not made yet is told apart from what was edited; and whose each number is."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ferlab.cli import verify
from ferlab.cli.main import app
from ferlab.errors import UserError
from ferlab.project import Project
from ferlab.records.ledger import LedgerLine, note_of, read_ledger
from ferlab.report.evidence import Evidence
from ferlab.report.render import build
from ferlab.report.whose import Whose, is_in_store
from reports import ROOT, add_ledger, add_rest, add_run, make_params, write_ledger

PARAMS = make_params([0, 1, 2], "trial", "real")
CONTEXT = typer.Context(typer.main.get_command(app), obj={"quiet": True})


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that holds one committed report. Read-only."""
    root = tmp_path_factory.mktemp("committed") / "project"
    folder = root / "reports" / "trial"
    for arm, right in {"resnet50": 40, "resnet50-dcgan": 46}.items():
        for seed in range(3):
            add_run(folder, arm, seed, right + seed * (1 if arm == "resnet50" else 2))
    add_rest(folder, PARAMS)
    (folder / "valid").mkdir()
    for path in (folder / "predictions").iterdir():
        shutil.copyfile(path, folder / "valid" / path.name)
    add_ledger(folder)
    shutil.copyfile(ROOT / "params.yaml", root / "params.yaml")
    (root / "dvc.yaml").touch()
    build(folder, PARAMS, draw=False)
    (folder / "params.yaml").write_text(PARAMS.model_dump_json())
    for words in (("init", "-q"), ("add", "-A"), ("-c", "user.name=t", "-c", "user.email=t@e", "commit", "-qm", "all")):
        subprocess.run(("git", *words), cwd=root, check=True)
    return root


@pytest.fixture
def project(committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    shutil.copytree(committed, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Project(tmp_path / "project")


def told() -> UserError:
    with pytest.raises(UserError) as caught:
        verify.verify(CONTEXT, name=None, figures=False, seal=None)
    return caught.value


def test_a_whole_report_has_no_fault(project: Project) -> None:
    verify.verify(CONTEXT, name=None, figures=False, seal=None)


@pytest.mark.parametrize(
    "name",
    ["predictions/resnet50-0.parquet", "curves/resnet50-dcgan-2.csv", "arms/resnet50.json", "params.yaml", "trials"],
)
def test_what_is_missing_is_no_edit(name: str, project: Project) -> None:
    path = project.reports("trial") / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    error = told()
    assert all(line.startswith(f"reports/trial/{name}") for line in error.what.splitlines())
    assert all(line.endswith(": missing") for line in error.what.splitlines())
    assert "`ferlab reproduce --budget NAME` continues" in error.next_step
    assert "git diff" not in error.next_step
    assert "ferlab report" not in error.next_step


def test_each_kind_of_fault_has_its_own_way_out(project: Project) -> None:
    folder = project.reports("trial")
    (folder / "table1.csv").write_text((folder / "table1.csv").read_text().replace("71.75", "71.76"))
    assert "`ferlab report --budget NAME` rebuilds" in told().next_step
    assert "git diff" not in told().next_step
    (folder / "index.html").unlink()
    assert "index.html: missing" in told().what
    assert "`ferlab report --budget NAME` rebuilds" in told().next_step
    path = folder / "predictions" / "resnet50-0.parquet"
    path.write_bytes((folder / "predictions" / "resnet50-1.parquet").read_bytes())
    assert "git diff" in told().next_step
    assert "continues" not in told().next_step
    (folder / "ledger.jsonl").unlink()
    assert "reports/trial/ledger.jsonl: missing" in told().what
    assert "no command can remake a ledger.jsonl" in told().next_step


def test_a_run_without_its_line_is_entered_again(project: Project) -> None:
    """As after `git checkout` of reports/: the results then come out of DVC's cache, and the line doesn't."""
    ledger = project.reports("trial") / "ledger.jsonl"
    write_ledger(ledger, [json.loads(line) for line in ledger.read_text().splitlines()][:-1])
    assert "the ledger has no line of the training" in told().what
    assert "`dvc repro --force --single-item evaluate@ARM-SEED`" in told().next_step


def test_a_damaged_lock_beside_a_report_is_a_fault_and_no_traceback(project: Project) -> None:
    for text in ("3\n", "stages: 3\n", "stages: {a: {outs: [1]}}\n", "<<<<<<< HEAD\nstages: {}\n"):
        (project.reports("trial") / "dvc.lock").write_text(text)
        assert "dvc.lock" in str(told())


def test_each_number_says_whose_it_is(project: Project) -> None:
    folder = project.reports("trial")
    line, *_ = read_ledger(folder / "ledger.jsonl")
    whose = Whose(project, folder)
    assert whose.of(line.identity, line) == f"committed, from commit {line.commit[:10]}"
    fresh = line.model_copy(update={"predictions": "0" * 64})
    assert whose.of(line.identity, fresh) == f"not run here, from commit {line.commit[:10]}"
    assert whose.of("another", None) == "not run here, and not in the ledger"
    note = note_of(project.state, line.identity)
    note.parent.mkdir(parents=True)
    note.touch()
    assert whose.of(line.identity, line) == "run here"
    said = whose.of_all([(line.identity, line), ("another", None)])
    assert said == "run here (1 of 2); not run here, and not in the ledger (1 of 2)"
    assert is_in_store(project, "0" * 32) is False


def test_a_page_of_an_unfinished_run_says_whose_its_runs_are_and_still_follows(project: Project) -> None:
    folder = project.reports("trial")
    evidence = Evidence(folder, PARAMS)
    here = evidence.origins["resnet50"][0].identity

    def whose(identity: str, line: LedgerLine | None) -> str:
        return "run here" if identity == here else "committed, from commit c0ffee"

    build(folder, PARAMS, draw=False, whose=whose)
    page = (folder / "index.html").read_text()
    assert "Its runs: 5 committed, from commit c0ffee; 1 run here." in page
    assert page.count(">, committed, from commit c0ffee<") == 5
    verify.verify(CONTEXT, name=None, figures=False, seal=None)


def test_compare_and_trace_agree_with_the_page(project: Project) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["compare", "resnet50", "resnet50-dcgan", "--budget", "trial"]).output
    assert shown.count(": committed, from commit c0ffeec0ff") == 2
    assert "the 95% interval of the report's page, uncorrected" in shown
    traced = runner.invoke(app, ["trace", "resnet50-dcgan-1", "--budget", "trial"]).output
    assert len(traced.splitlines()) < 12
    assert "seed 1: " in traced
    assert "seed 0" not in traced
    assert "committed, from commit c0ffeec0ff" in traced
    assert len(runner.invoke(app, ["trace", "resnet50-dcgan", "--budget", "trial", "--all"]).output.splitlines()) > 40


def test_on_drawn_faces_no_gain_is_split(project: Project) -> None:
    drawn = PARAMS.model_copy(update={"data": PARAMS.data.model_copy(update={"kind": "demo"})})
    folder = project.reports("trial")
    text = (folder / "audit.json").read_text()
    assert text.count('"real"') == 1
    (folder / "audit.json").write_text(text.replace('"real"', '"demo"'))
    build(folder, drawn, draw=False)
    page = (folder / "index.html").read_text()
    assert "With drawn faces no gain is split into parts" in page
    assert "what is added" not in page
