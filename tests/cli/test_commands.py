"""The command line: quick, readable by programs, and careful with what people have."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ferlab.cli.main import main
from temporary import REPOSITORY, TemporaryProject

HEAVY = ("torch", "torchvision", "mlflow", "optuna", "pandas", "dvc", "sklearn", "scipy", "matplotlib", "pyarrow")

HELP = """
import sys
from ferlab.cli import main
sys.argv = ["ferlab", *sys.argv[1:]]
try:
    main.main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(
    "words", [["--help"], ["data", "--help"], ["budget", "use", "--help"], ["doctor", "--help"], ["tune", "--help"]]
)
def test_help_answers_without_loading_anything_heavy(words: list[str], untouched: TemporaryProject) -> None:
    output = untouched.python(HELP, *words)
    assert "Usage: ferlab" in output
    loaded = set(output.split("LOADED")[1].split())
    assert "typer" in loaded
    assert not loaded & set(HEAVY)


def test_help_names_every_command_and_not_the_inner_one(untouched: TemporaryProject) -> None:
    output = untouched.ferlab("--help")
    for name in ("data", "budget", "report", "doctor", "tune", "ui"):
        assert f" {name} " in output
    assert " stage " not in output


@pytest.mark.parametrize("words", [["data", "add", ""], ["verify", "--seal", ""], ["predict", "--run", "svm-0", ""]])
def test_an_empty_word_is_refused(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell's variable that isn't set: as a path it would mean the working directory, as a seal none."""
    monkeypatch.setattr("sys.argv", ["ferlab", *words])
    monkeypatch.setattr("ferlab.execution.lifeline.follow", lambda: None)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "a word of this command is empty" in capsys.readouterr().err


def as_json(project: TemporaryProject, *words: str, code: int = 0) -> Any:
    """What a command prints to stdout, as JSON and nothing else."""
    done = subprocess.run(["ferlab", *words], cwd=project.root, env=project.env, capture_output=True, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_data_show_tells_programs_what_is_there(finished: TemporaryProject) -> None:
    facts = as_json(finished, "data", "show", "--json")
    assert facts["kind"] == "demo"
    for name in ("fer2013", "ckplus"):
        assert facts[name]["as_named"]
        assert facts[name]["sha256"] == facts[name]["named"] == getattr(finished.params.data, name)
        assert facts[name]["bytes"] == (finished.root / "data" / f"{name}.zip").stat().st_size
    assert "as params.yaml names it" in finished.ferlab("data", "show")


def test_data_show_tells_missing_and_swapped_archives(fresh: TemporaryProject) -> None:
    (fresh.root / "data" / "fer2013.zip").unlink()
    swapped = fresh.root / "data" / "ckplus.zip"
    swapped.unlink()
    swapped.write_bytes(b"another")
    facts = as_json(fresh, "data", "show", "--json", code=1)
    assert facts["fer2013"]["sha256"] is None
    assert not facts["ckplus"]["as_named"]
    text = fresh.ferlab("data", "show", code=1)
    assert "data/fer2013.zip: missing" in text
    assert "NOT the file that params.yaml names" in text
    fresh.run("dvc", "checkout", "--force", "data.dvc")  # as it says
    assert "as params.yaml names it" in fresh.ferlab("data", "show")


def test_data_audit_prints_what_the_pipeline_found(finished: TemporaryProject, fresh: TemporaryProject) -> None:
    facts = as_json(finished, "data", "audit", "--json")
    assert facts == json.loads((finished.root / "reports/tiny/audit.json").read_text())
    assert sum(facts["fer2013"]["images"]["train"].values()) == 42
    assert "train: 42 images" in finished.ferlab("data", "audit")
    assert "dvc repro audit" in fresh.ferlab("data", "audit", code=2)


def test_budget_show_lists_the_differences(fresh: TemporaryProject) -> None:
    facts = as_json(fresh, "budget", "show", "demo", "--json")
    assert facts["budget"] == "demo"
    assert "run.seeds" not in facts["differences"]
    assert facts["differences"]["classifiers.resnet50.width"] == {"params.yaml": 0.0625, "demo": 0.125}
    assert "runtime.checkpoint_seconds" not in facts["differences"]  # no budget names it
    fresh.ferlab("budget", "use", "demo")
    again = as_json(fresh, "budget", "show", "--json")
    assert (again["budget"], again["differences"]) == ("demo", {})
    assert again["cost"]["seconds"] > 0
    assert "exactly the demo budget" in fresh.ferlab("budget", "show")


def test_doctor_tells_programs_what_it_found(done: TemporaryProject) -> None:
    found = as_json(done, "doctor", "--json")
    assert found["problems"] == []
    assert found["facts"]["project"] == str(done.root)
    assert found["facts"]["experiments"] == "Default, classifiers, gans, tuning"
    assert found["facts"]["data"] == "demo"
    done.change({"compute": {"threads": 1000}})
    (done.root / "data" / "fer2013.zip").unlink()
    (done.root / "mlruns" / "0").mkdir()
    (done.root / "mlruns" / "0" / "meta.yaml").touch()
    problems = "\n".join(as_json(done, "doctor", "--json", code=2)["problems"])
    for part in ("compute.threads is 1000", "data/fer2013.zip is missing", "mlflow migrate-filestore"):
        assert part in problems


def test_doctor_brings_a_moved_projects_artifacts_along_and_says_so(finished: TemporaryProject, tmp_path: Path) -> None:
    shutil.copytree(finished.root, tmp_path / "moved", ignore=shutil.ignore_patterns("rwlock*"))
    moved = TemporaryProject(tmp_path / "moved")
    told = moved.ferlab("doctor")
    assert "asking DVC and its remotes" in told  # for whoever waits
    assert f"artifacts were kept in {finished.root / 'mlruns'}" in told
    assert "all is well" in told
    places = moved.query("SELECT artifact_location FROM experiments UNION SELECT artifact_uri FROM runs")
    assert [place for (place,) in places if str(finished.root) in place] == []


@pytest.mark.parametrize("name", sorted(path.stem for path in (REPOSITORY / "budgets").glob("*.yaml")))
def test_budget_use_keeps_comments_and_can_be_taken_back(name: str, fresh: TemporaryProject) -> None:
    """Another budget and back gives the same text."""
    fresh.ferlab("budget", "use", "demo")
    before = (fresh.root / "params.yaml").read_text()
    fresh.ferlab("budget", "use", name)
    after = (fresh.root / "params.yaml").read_text()
    assert fresh.params.budget == name
    comments = [line.split("#", 1)[1] for line in before.splitlines() if "#" in line]
    assert [line.split("#", 1)[1] for line in after.splitlines() if "#" in line] == comments
    assert len(comments) > 20
    fresh.ferlab("budget", "use", "demo")
    assert (fresh.root / "params.yaml").read_text() == before


def test_budget_use_stays_yaml_where_people_wrote_lists_over_several_lines(fresh: TemporaryProject) -> None:
    path = fresh.root / "params.yaml"
    lines = "  seeds: # which\n    - 0\n    # the second\n    - 1 # one\n  evaluate_on: []\n\ndata: #"
    text = path.read_text()
    path.write_text(text[: text.index("  seeds:")] + lines + text[text.index("data: #") + len("data: #") :])
    assert fresh.params.run.seeds == [0, 1]
    for name in ("demo", "paper", "demo"):
        fresh.ferlab("budget", "use", name)
        assert fresh.params.budget == name
    assert "# which" in path.read_text()
    assert as_json(fresh, "budget", "show", "--json")["differences"] == {}


def test_report_is_rebuilt_from_committed_files_alone(done: TemporaryProject, tmp_path: Path) -> None:
    """A clone without data, work/, checkpoints or MLflow's store; without torch too."""
    done.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = TemporaryProject(tmp_path / "clone")
    folder = clone.root / "reports" / "tiny"
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".html", ".md", ".csv")}
    del before["test_images.csv"]  # the audit's, not the report's
    for name in before:
        (folder / name).unlink()
    (clone.beside("hidden") / "torch").mkdir(parents=True)
    (clone.beside("hidden") / "torch" / "__init__.py").write_text("raise ImportError('torch is absent here')")
    clone.env["PYTHONPATH"] = f"{clone.root / 'src'}:{clone.beside('hidden')}"
    assert clone.ferlab("report").strip().endswith("reports/tiny/index.html")
    words = {"cwd": clone.root / "src", "env": clone.env, "capture_output": True, "text": True, "check": True}
    assert subprocess.run(["ferlab", "report"], **words).stdout == "../reports/tiny/index.html\n"
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in before} == before
    assert clone.dirt() == ""
