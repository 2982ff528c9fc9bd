"""Results from a node: laid in where all fits together, and refused, changing nothing, where anything doesn't."""

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ferlab.bundle.manifest import FILE, Manifest
from ferlab.bundle.results import bring
from ferlab.errors import UserError
from ferlab.files import content_hash
from ferlab.params import load
from ferlab.project import Project
from ferlab.report.check import TEXTS, faults
from ferlab.report.evidence import Evidence
from ferlab.yaml_file import dump_yaml, read_yaml
from reports import write_ledger
from temporary import TemporaryProject

REPORT = Path("reports", "tiny")
SVM, DCGAN = "svm-0", "resnet50-dcgan-0"


class Sent:
    """The folder that run.sh packs on a node, made of a finished project's results."""

    def __init__(self, finished: TemporaryProject, root: Path, commit: str) -> None:
        self.root, self.report = root, root / REPORT
        shutil.copytree(finished.root / REPORT, self.report)
        for name in ("params.yaml", "dvc.lock"):
            shutil.copy(finished.root / name, root)
        (root / "logs").mkdir()
        (root / "logs" / "run.log").write_text("done\n")
        Manifest(commit=commit, folder=".", budget="tiny", python="3.12", left_out=(), parts={}).write(root / FILE)

    def edit(self, name: str, edit: Callable[[Any], object]) -> None:
        """Change a JSON file in place."""
        tree = json.loads((self.root / name).read_text())
        edit(tree)
        (self.root / name).write_text(json.dumps(tree))

    def edit_line(self, edit: Callable[[Any], object], run: str = SVM) -> None:
        """Change a run's line of the ledger, and chain all anew: what someone would who knows how."""
        lines = [json.loads(line) for line in (self.report / "ledger.jsonl").read_text().splitlines()]
        (line,) = (line for line in lines if f"{line['arm']}-{line['seed']}" == run)
        edit(line)
        write_ledger(self.report / "ledger.jsonl", lines)

    def without(self, run: str) -> "Sent":
        """As it was before a run was evaluated."""
        for path in self.report.glob(f"*/{run}.*"):
            path.unlink()
        lines = [json.loads(line) for line in (self.report / "ledger.jsonl").read_text().splitlines()]
        kept = [line for line in lines if f"{line['arm']}-{line['seed']}" != run]
        write_ledger(self.report / "ledger.jsonl", kept)
        lock = read_yaml(self.root / "dvc.lock")
        del lock["stages"][f"evaluate@{run}"]
        (self.root / "dvc.lock").write_text(dump_yaml(lock))
        return self

    def pack(self) -> Path:
        with tarfile.open(self.root.with_suffix(".tgz"), "w:gz") as tar:
            tar.add(self.root, ".")
        return self.root.with_suffix(".tgz")


@pytest.fixture
def send(finished: TemporaryProject, tmp_path: Path) -> Callable[..., Sent]:
    """Makes what a node sends that ran a project's commit; by default the first, which all these projects have."""

    def make(name: str = "results", of: TemporaryProject | None = None) -> Sent:
        commit = of.run("git", "rev-parse", "HEAD").strip() if of else finished.ledger()[0]["commit"]
        return Sent(finished, tmp_path / name, commit)

    return make


def added(project: TemporaryProject, sent: Sent) -> list[str]:
    return bring(Project(project.root), sent.pack()).added


def refused(project: TemporaryProject, sent: Sent, said: str) -> UserError:
    """The error, after which the project is as it was."""
    before = project.dirt(), content_hash(project.root)
    with pytest.raises(UserError, match=said) as caught:
        bring(Project(project.root), sent.pack())
    assert (project.dirt(), content_hash(project.root)) == before
    assert [path.name for path in (project.root / "reports").glob(".*")] == []
    return caught.value


def test_they_are_laid_in_and_the_report_follows_from_them(
    send: Callable[..., Sent], fresh: TemporaryProject, finished: TemporaryProject
) -> None:
    sent = send()
    said = fresh.ferlab("bring", str(sent.pack()))
    assert f"reports/tiny/: 2 new results of commit {fresh.ledger()[0]['commit'][:10]}" in said
    assert fresh.ledger() == finished.ledger()
    laid = {path.relative_to(fresh.root / REPORT) for path in (fresh.root / REPORT).rglob("*") if path.is_file()}
    theirs = {path.relative_to(sent.report) for path in sent.report.rglob("*") if path.is_file()}
    made = {path for path in theirs if path.name in TEXTS or path.suffix == ".png"}
    assert laid == theirs - made | {Path("dvc.lock")}
    assert made
    assert (fresh.root / REPORT / "dvc.lock").read_bytes() == (finished.root / "dvc.lock").read_bytes()
    fresh.ferlab("report")
    assert "reports/tiny/: follows from its files" in fresh.ferlab("verify")
    before = content_hash(fresh.root / "reports")
    assert bring(Project(fresh.root), sent.root.with_suffix(".tgz")).known == 2
    assert content_hash(fresh.root / "reports") == before


def test_a_node_that_went_on_sends_more(send: Callable[..., Sent], fresh: TemporaryProject) -> None:
    """The first results must be committed, or a file of theirs would be lost."""
    first, second = send("first").without(SVM), send("second")
    assert added(fresh, first) == [DCGAN]
    error = refused(fresh, second, "would be replaced, and no commit holds it")
    assert "reports/tiny/dvc.lock" in error.what
    fresh.commit("First")
    assert added(fresh, second) == [SVM]
    assert (fresh.root / REPORT / "predictions" / f"{SVM}.parquet").exists()
    assert [line["arm"] for line in fresh.ledger()] == ["resnet50-dcgan", "svm"]


def test_two_nodes_make_one_table(send: Callable[..., Sent], fresh: TemporaryProject) -> None:
    """Each runs an arm of one budget: settings that differ in nothing but what is run are of both."""
    for arm, other in (("svm", DCGAN), ("resnet50-dcgan", SVM)):
        fresh.change({"run": {"arms": [arm]}})
        fresh.commit(arm)
        sent = send(arm, fresh).without(other)
        shutil.copy(fresh.root / "params.yaml", sent.root)
        assert added(fresh, sent) == [f"{arm}-0"]
        fresh.commit(f"Results of {arm}")
    params = load(fresh.root / REPORT / "params.yaml")
    assert params.run.arms == {"svm": "none", "resnet50-dcgan": "dcgan"}
    evidence = Evidence(fresh.root / REPORT, params)
    assert list(faults(evidence, results_only=True)) == []
    assert evidence.origins.keys() == {"svm", "resnet50-dcgan"}


def change_probabilities(sent: Sent) -> None:
    path = sent.report / "predictions" / f"{SVM}.parquet"
    table = pd.read_parquet(path)
    table.iloc[0, 2:9] = 1 / 7
    table.to_parquet(path, index=False)


def append_byte(name: str) -> Callable[[Sent], object]:
    return lambda sent: (sent.root / name).write_bytes((sent.root / name).read_bytes() + b"\n")


def change_params(old: str, new: str) -> Callable[[Sent], object]:
    def change(sent: Sent) -> None:
        text = (sent.root / "params.yaml").read_text()
        assert old in text
        (sent.root / "params.yaml").write_text(text.replace(old, new))

    return change


def without_chaining(sent: Sent) -> None:
    """One word of one line, as an editor does it."""
    path = sent.report / "ledger.jsonl"
    path.write_text(path.read_text().replace('"evaluated":"20', '"evaluated":"21', 1))


CHANGES: list[tuple[Callable[[Sent], object], str]] = [
    (change_probabilities, "this file is not the one that was evaluated"),
    (append_byte(f"reports/tiny/predictions/{SVM}.parquet"), "this file is not the one|not a file of predictions"),
    (
        append_byte(f"reports/tiny/valid/{SVM}.parquet"),
        rf"valid/{SVM}\.parquet: differs from what the stage evaluate@{SVM}",
    ),
    (
        append_byte(f"reports/tiny/curves/{SVM}.csv"),
        rf"curves/{SVM}\.csv: differs from what the stage evaluate@",
    ),
    (append_byte("reports/tiny/quality.json"), "quality.json: differs from what the stage quality left there"),
    (lambda sent: (sent.report / "selection" / f"{SVM}.json").unlink(), f"selection/{SVM}.json: identity is None"),
    (lambda sent: (sent.report / "predictions" / f"{SVM}.parquet").unlink(), "missing, though the ledger has a line"),
    (lambda sent: sent.edit_line(lambda line: line.update(test_accuracy=0.99)), "the ledger says 0.99"),
    (lambda sent: sent.edit_line(lambda line: line["manifest"].update(device="cuda")), "isn't the name of a training"),
    (lambda sent: sent.edit_line(lambda line: line["data"].update(kind="real")), "on other data than params.yaml"),
    (lambda sent: sent.edit_line(lambda line: line.update(commit="c0ffee" + "0" * 34)), "git knows no commit c0ffee"),
    (lambda sent: sent.edit_line(lambda line: line.update(commit="unknown")), "git knows no commit unknown"),
    (lambda sent: sent.edit_line(lambda line: line.update(commit="--all")), "git knows no commit --all"),
    (lambda sent: sent.edit_line(lambda line: line.update(uncommitted=["src"], dirty="true")), "with changes in src"),
    (without_chaining, "line 1 was changed after it was written"),
    (append_byte("reports/tiny/ledger.jsonl"), "line 3 is not a ledger's line"),
    (lambda sent: (sent.report / "ledger.jsonl").unlink(), "the ledger has no line of the training"),
    (change_params("epochs: 2", "epochs: 3"), "other settings than the budget 'tiny': .*epochs is 3, not 2"),
    (change_params("budget: tiny", "budget: demo"), "other settings than the budget 'tiny': budget is demo, not tiny"),
    (lambda sent: sent.edit(FILE, lambda tree: tree.update(commit="0" * 40)), "git knows no commit 0000"),
    (lambda sent: sent.edit(FILE, lambda tree: tree.update(commit="--help")), "no Manifest of this version: commit"),
    (lambda sent: sent.edit(FILE, lambda tree: tree.update(budget="../tiny")), "no Manifest of this version: budget"),
    (
        lambda sent: sent.edit(FILE, lambda tree: tree.update(budget="demo")),
        "tiny/.* is no result of the budget 'demo'",
    ),
    (lambda sent: (sent.root / FILE).unlink(), "MANIFEST.json can't be read"),
    (lambda sent: (sent.root / "src.py").touch(), "src.py is no result of the budget 'tiny'"),
    (lambda sent: shutil.rmtree(sent.report), "the node made no results of the budget 'tiny'"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=[said[:40] for _, said in CHANGES])
def test_what_does_not_fit_together_is_named_and_nothing_is_changed(
    change: Callable[[Sent], object], said: str, send: Callable[..., Sent], fresh: TemporaryProject
) -> None:
    sent = send()
    change(sent)
    refused(fresh, sent, said)


def test_how_often_checkpoints_are_written_is_the_nodes_own_affair(
    send: Callable[..., Sent], fresh: TemporaryProject
) -> None:
    sent = send()
    change_params("checkpoint_seconds: ", "checkpoint_seconds: 1")(sent)
    assert added(fresh, sent) == [DCGAN, SVM]


def test_a_budget_that_the_node_laid_itself(send: Callable[..., Sent], fresh: TemporaryProject) -> None:
    """The commit's params.yaml is another budget's; git has the file that was laid on it."""
    tiny = (fresh.root / "params.yaml").read_text()
    fresh.run("git", "checkout", "--quiet", "-b", "other")
    (fresh.root / "budgets" / "tiny.yaml").write_text(tiny)
    fresh.change({"budget": "demo", "classifiers": {"resnet50": {"epochs": 7}}})
    fresh.commit("Another budget")
    assert added(fresh, send(of=fresh)) == [DCGAN, SVM]
    assert (fresh.root / REPORT / "params.yaml").read_text() == tiny
    assert fresh.params.budget == "demo"


def test_other_results_of_the_same_training_are_refused(send: Callable[..., Sent], done: TemporaryProject) -> None:
    """As where a GPU doesn't repeat its bits: neither replaces the other."""
    sent = send()
    change_probabilities(sent)
    other = sent.report / "predictions" / f"{SVM}.parquet"
    sent.edit_line(lambda line: line.update(predictions=content_hash(other)))
    error = refused(done, sent, f"{SVM}: the ledger here has other results of the same training")
    assert error.where == "ledger.jsonl"


def test_a_line_that_is_here_stays_whoever_evaluated_it(send: Callable[..., Sent], done: TemporaryProject) -> None:
    before = done.ledger()
    sent = send()
    sent.edit_line(lambda line: line.update(evaluated="2030-01-01T00:00:00+00:00", mlflow_run=None))
    assert added(done, sent) == []
    assert done.ledger() == before
