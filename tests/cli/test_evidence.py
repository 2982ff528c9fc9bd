"""compare, trace, verify and DVC's own views, on a finished project and on a clone of it."""

import json
import shutil
from pathlib import Path

import pytest

from ferlab.adapters.runs import predictions_of
from ferlab.cli.folder import budget_of
from ferlab.cli.verify import _must_have_room
from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.project import Project
from reports import write_ledger
from temporary import TemporaryProject

BLOCK = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "mlflow", "optuna", "dvc"):
            raise ImportError(f"{name} is absent here")

sys.meta_path.insert(0, Blocker())
from ferlab.cli.main import main
sys.argv = ["ferlab", *sys.argv[1:]]
main()
"""


def test_a_bare_clone_rebuilds_and_verifies_every_byte(done: TemporaryProject, tmp_path: Path) -> None:
    """No data, no checkpoints, no torch, no MLflow: figures, tables and page are equal."""
    done.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = TemporaryProject(tmp_path / "clone")
    folder = clone.root / "reports" / "tiny"
    made = [
        *folder.glob("*.png"),
        *folder.glob("table1.*"),
        folder / "numbers.json",
        folder / "summary.json",
        folder / "index.html",
    ]
    before = {path: path.read_bytes() for path in made}
    assert "reports/tiny/: follows from its files" in clone.python(BLOCK, "verify", "--figures")
    for path in made:
        path.unlink()
    clone.python(BLOCK, "report")
    assert {path for path in made if path.read_bytes() != before[path]} == set()
    assert clone.dirt() == ""
    table = folder / "table1.csv"
    table.write_text(table.read_text().replace("71.75", "71.76"))
    assert "table1.csv, line 7" in clone.python(BLOCK, "verify", code=2)


def test_a_scratch_folder_that_is_full_is_no_fault_of_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project itself may lie in one."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    project = Project(tmp_path / "project")
    _must_have_room(project, [f"{project.root}/reports/tiny/table1.csv, line 7: says a: b"])
    with pytest.raises(UserError, match="no space left to write") as caught:
        _must_have_room(project, [f"{tmp_path}/tmp1: no space left to write numbers.json: No space left on device"])
    assert caught.value.where == str(tmp_path)


def test_compare_by_arm_by_file_and_by_mlflow_run(finished: TemporaryProject) -> None:
    """Four names of one run give one answer, that of MLflow's run without MLflow."""
    here = finished.root / "reports" / "tiny" / "predictions"
    run = {line["arm"]: line["mlflow_run"] for line in finished.ledger()}
    names = ("resnet50-dcgan", "resnet50-dcgan-0", str(here / "resnet50-dcgan-0.parquet"))
    told = [json.loads(finished.ferlab("compare", "svm", other, "--json")) for other in names]
    told.append(json.loads(finished.python(BLOCK, "compare", "svm", run["resnet50-dcgan"], "--json")))
    for one in told:
        one.pop("second")
    assert told[1:] == told[:1] * 3
    first, second = (predictions.read(here / f"{name}-0.parquet") for name in ("svm", "resnet50-dcgan"))
    (pair,) = told[0]["pairs"]
    assert pair["lost"] == int((first.correct & ~second.correct).sum())
    assert pair["won"] == int((~first.correct & second.correct).sum())
    assert pair["second"]["accuracy"] == second.correct.mean()
    assert len(told[0]["images"]) == pair["lost"] + pair["won"]
    assert told[0]["difference"] is None
    assert "Not decided" in finished.ferlab("compare", "svm", "resnet50-dcgan")


def test_a_server_is_asked_for_the_same_predictions(
    finished: TemporaryProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(finished.root)
    (run,) = (line["mlflow_run"] for line in finished.ledger() if line["arm"] == "svm")
    beside = predictions_of(project, run, tmp_path)
    monkeypatch.setattr(Project, "tracking_file", None)  # as of a server: the store is no file
    fetched = predictions_of(project, run, tmp_path)
    assert fetched.is_relative_to(tmp_path)
    assert not beside.is_relative_to(tmp_path)
    assert fetched.read_bytes() == beside.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "svm", "nobody"), "there are resnet50-dcgan, svm"),
        (("compare", "svm", "no.parquet"), "not a file of predictions"),
        (("compare", "svm", "0" * 32), "MLflow knows no run"),
        (("trace", "nobody"), "no arm is called 'nobody'"),
        (("trace", "resnet50"), "resnet50 has not been run"),
        (("verify", "--budget", "huge"), "there is no budget 'huge'"),
        (("verify", "--budget", "paper"), "there are no results of the budget 'paper' yet"),
    ],
)
def test_names_of_nothing(words: tuple[str, ...], said: str, finished: TemporaryProject) -> None:
    output = finished.ferlab(*words, code=2)
    assert said in output
    assert "Traceback" not in output


def test_trace_follows_a_number_to_its_commit_gan_and_run(finished: TemporaryProject) -> None:
    told = json.loads(finished.ferlab("trace", "resnet50-dcgan", "--json"))
    (run,) = told["runs"]
    assert run["ledger"]["commit"] == finished.run("git", "rev-list", "--max-parents=0", "HEAD").strip()
    assert run["ledger"]["gan"] == json.loads((finished.root / "work/gan/dcgan/0/gan.json").read_text())["identity"]
    (other,) = json.loads(finished.ferlab("trace", "svm", "--json"))["runs"]
    assert other["ledger"]["gan"] is None
    shown = finished.ferlab("trace", "resnet50-dcgan", "--all")
    assert run["ledger"]["mlflow_run"] in shown
    assert f"code: commit {run['ledger']['commit']}, no uncommitted code or settings" in shown
    assert f"torch: {run['ledger']['libraries']['torch']}" in shown
    assert "asked: avx2" in shown
    assert "gpu: none" in shown
    for name, (locked, here) in run["ledger"]["libraries"]["differences"].items():
        assert f"{name}: {here or 'absent'}, locked {locked}" in shown


def test_trace_takes_the_budget_of_params_yaml_and_asks_between_others(done: TemporaryProject) -> None:
    reports = done.root / "reports"
    for other in ("cpu", "gpu"):
        shutil.copytree(reports / "tiny", reports / other)
    assert "svm, tiny budget: " in done.ferlab("trace", "svm")
    shutil.rmtree(reports / "gpu")
    (reports / "tiny" / "predictions" / "svm-0.parquet").rename(done.beside("svm-0.parquet"))
    assert budget_of(Project(done.root), "svm") == "cpu"
    shutil.copytree(reports / "cpu", reports / "gpu")
    with pytest.raises(UserError, match="svm has run in the budgets cpu, gpu") as caught:
        budget_of(Project(done.root), "svm")
    assert "--budget cpu" in str(caught.value.next_step)


def test_a_seal_sees_a_rewrite_that_all_else_fits(done: TemporaryProject) -> None:
    """One ledger's word changed, and every hash after it: only what was kept elsewhere shows it."""
    folder = done.root / "reports" / "tiny"
    seals = [done.ferlab("seal", *words).splitlines()[-2:] for words in ((), ("--budget", "tiny"))]
    whole, tiny = (next(line for line in lines if len(line) == 64) for lines in seals)
    assert "reports/: matches the seal" in done.ferlab("verify", "--seal", whole)
    assert "reports/tiny/: matches the seal" in done.ferlab("verify", "--budget", "tiny", "--seal", tiny)
    lines = done.ledger()
    lines[0]["machine"]["cores"] = 64
    before = (folder / "ledger.jsonl").read_bytes()
    (folder / "ledger.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "ledger.jsonl, line 1: was changed after it was written" in done.ferlab("verify", code=2)
    assert "isn't sealed" in done.ferlab("seal", code=2)
    write_ledger(folder / "ledger.jsonl", lines)
    assert "doesn't begin with the 2 lines that seals.json holds" in done.ferlab("verify", code=2)
    (done.root / "reports" / "seals.json").unlink()
    done.ferlab("report")
    assert "follows from its files" in done.ferlab("verify")
    assert "reports/tiny/: doesn't match the seal" in done.ferlab("verify", "--budget", "tiny", "--seal", tiny, code=2)
    (folder / "ledger.jsonl").write_bytes(before)
    assert "'abc' is no seal" in done.ferlab("verify", "--seal", "abc", code=2)


def test_dvc_sees_numbers_and_figures(finished: TemporaryProject, tmp_path: Path) -> None:
    shown = json.loads(finished.run("dvc", "metrics", "show", "--json"))
    files = {name: one["data"] for name, one in shown[""]["data"].items()}
    assert set(files) == {"reports/tiny/summary.json"}  # `dvc exp show` has a column for each of its numbers
    summary = files["reports/tiny/summary.json"]
    assert summary["accuracy"]["resnet50-dcgan"] > 0
    assert set(summary["accuracy"]) == set(summary["macro_f1"]) == {"resnet50-dcgan", "svm"}
    assert summary["claims"]["dcgan_lifts_resnet50"] == "not decided"
    finished.run("dvc", "plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots" / "index.html").read_text()
    assert "accuracy.png" in page
    assert "valid_accuracy" in page
