"""`ferlab crate`: the archive says of each file and run what is so, and no photograph and no unsound report gets in."""

import hashlib
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from rocrate.rocrate import ROCrate
from typer.testing import CliRunner

from ferlab.cli import main
from ferlab.crate.croissant import VERSION
from ferlab.crate.metadata import FILE, PROFILES
from ferlab.crate.pack import must_be_free, must_be_possible, must_be_sound, pack
from ferlab.errors import UserError
from ferlab.params.migration import load_published
from ferlab.project import Project
from ferlab.records.ledger import read_ledger
from ferlab.report.evidence import Evidence
from ferlab.report.render import build
from reports import ROOT, add_ledger, add_rest, add_run, make_params, write_ledger

PARAMS = make_params([0], "trial", "real")
ARMS = ("resnet50", "resnet50-dcgan")
KEPT = ("dvc.yaml", "CITATION.cff", "LICENSE", "requirements.lock", "params.yaml")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a report of two runs, one of which names all that today's ledger lines do."""
    root = tmp_path_factory.mktemp("original")
    folder = root / "reports" / "trial"
    for name in KEPT:
        shutil.copy(ROOT / name, root / name)
    for arm, right in zip(ARMS, (40, 46), strict=True):
        add_run(folder, arm, 0, right)
    add_rest(folder, PARAMS)
    add_ledger(folder)
    lines = [line.plain() for line in read_ledger(folder / "ledger.jsonl")]
    lines[0] |= {
        "instructions": {"asked": "avx2", "torch": "AVX2", "blas": [], "variables": {"MKL_CBWR": "AVX2"}},
        "trained": ["2026-01-01T10:00:00+00:00", "2026-01-01T11:00:00+00:00"],
        "evaluated": "2026-01-01T12:00:00+00:00",
    }
    write_ledger(folder / "ledger.jsonl", lines)
    (folder / "params.yaml").write_text(json.dumps(PARAMS.model_dump(mode="json")))
    build(folder, PARAMS, draw=False)
    return root


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Project:
    """A copy, to be changed."""
    return Project(Path(shutil.copytree(original, tmp_path / "project")))


def evidence_of(project: Project) -> Evidence:
    return Evidence(project.reports("trial"), PARAMS)


@pytest.fixture(scope="module")
def archive(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project(original)
    pack(project, evidence_of(project), file := tmp_path_factory.mktemp("archive") / "results.zip")
    return file


@pytest.fixture(scope="module")
def graph(archive: Path) -> dict[str, dict[str, Any]]:
    """Entities of the metadata by `@id`, as rocrate reads them."""
    return {entity.id: entity.as_jsonld() for entity in ROCrate(archive).get_entities()}


def listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def references(value: Any) -> Iterator[str]:
    """Every `@id` that a property's value refers to."""
    for one in listed(value):
        if isinstance(one, dict):
            yield one["@id"]


def test_every_file_is_described_and_is_what_its_hash_says(archive: Path, graph: dict[str, dict[str, Any]]) -> None:
    with zipfile.ZipFile(archive) as held:
        names = set(held.namelist()) - {FILE}
        described = {unquote(name): one for name, one in graph.items() if "File" in listed(one["@type"])}
        assert set(described) == names == {unquote(name) for name in references(graph["./"]["hasPart"])}
        for name, one in described.items():
            content = held.read(name)
            assert one["sha256"] == hashlib.sha256(content).hexdigest(), name
            assert one["contentSize"] == str(len(content))
    wanted = {"reports/trial/index.html", "reports/trial/ledger.jsonl", "reports/trial/predictions/resnet50-0.parquet"}
    assert wanted | {"README.md", "data/fer2013/croissant.json", "data/ckplus/croissant.json"} | set(KEPT) <= names


def test_what_the_profiles_require_is_there(graph: dict[str, dict[str, Any]]) -> None:
    """The MUSTs of Workflow Run Crate and Process Run Crate 0.5 and Workflow RO-Crate 1.0."""
    root, descriptor = graph["./"], graph[FILE]
    assert set(PROFILES) == set(references(root["conformsTo"]))
    assert {graph[name]["@type"] for name in PROFILES} == {"CreativeWork"}
    assert "https://w3id.org/ro/crate/1.1" in set(references(descriptor["conformsTo"]))
    assert all(root[key] for key in ("name", "description", "datePublished", "license"))
    workflow = graph[root["mainEntity"]["@id"]]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert graph[workflow["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    actions = {name for name, one in graph.items() if one["@type"] == "CreateAction"}
    assert actions == set(references(root["mentions"]))
    for name in actions:
        assert graph[name]["instrument"] == root["mainEntity"]
        assert datetime.fromisoformat(graph[name]["endTime"])
    used = {name for one in graph.values() for value in one.values() for name in references(value)}
    assert used - set(graph) == {"https://w3id.org/ro/crate/1.1", VERSION}


def test_an_action_says_what_the_ledger_says(original: Path, graph: dict[str, dict[str, Any]]) -> None:
    lines = read_ledger(original / "reports" / "trial" / "ledger.jsonl")
    assert len(lines) == len(ARMS)
    for line in lines:
        action = graph[f"#run-{line.identity}"]
        facts = {graph[name]["name"]: graph[name]["value"] for name in references(action["additionalProperty"])}
        assert action["endTime"] == line.evaluated
        assert (facts["commit"], facts["arm"], facts["seed"]) == (line.commit, line.arm, line.seed)
        assert (facts["accuracy on test"], facts["SHA-256 of the checkpoint"]) == (line.test_accuracy, line.checkpoint)
        assert "2 cores, 8 GiB, Linux, Python 3.11.7" in facts["machine"]
        made = f"reports/trial/predictions/{line.arm}-{line.seed}.parquet"
        assert made in set(references(action["result"]))
        assert graph[made]["sha256"] == line.predictions
        inputs = {graph[name]["sha256"] for name in references(action["object"])}
        assert {PARAMS.data.fer2013, PARAMS.data.ckplus} < inputs
    whole, early = (graph[f"#run-{line.identity}"] for line in lines)
    assert whole["startTime"] == "2026-01-01T10:00:00+00:00"
    assert graph[whole["environment"]["@id"]]["value"] == "AVX2"
    assert not {"startTime", "environment"} & set(early)


def test_inputs_are_named_by_their_hashes(project: Project) -> None:
    """A manifest names what a training read."""
    path = project.reports("trial") / "ledger.jsonl"
    line = read_ledger(path)[0].plain()
    hashes = {"work/prepared/train": "12" * 32, "work/arms/resnet50": "34" * 32}
    write_ledger(path, [line | {"manifest": line["manifest"] | {"inputs": hashes}}])
    pack(project, evidence_of(project), file := project.root / "results.zip")
    found = {entity.id: entity for entity in ROCrate(file).get_entities()}
    (action,) = (one for one in found.values() if one.type == "CreateAction")
    said = {one["name"]: one["sha256"] for one in action["object"] if one.type == "CreativeWork"}
    assert hashes.items() <= said.items()


def test_equal_inputs_give_equal_bytes(project: Project, archive: Path) -> None:
    for path in project.root.rglob("*"):
        os.utime(path, (1e9, 1e9))
    pack(project, evidence_of(project), file := project.root / "again.zip")
    assert file.read_bytes() == archive.read_bytes()
    assert [path.name for path in project.root.glob("*again*")] == ["again.zip"]


def test_what_no_stage_makes_stays_out(project: Project) -> None:
    """A photograph that somebody left in a report's folder, under whatever name."""
    folder = project.reports("trial")
    stray = ["face.png", "predictions/face.png", "samples/ckplus.npy", "samples/face.jpg", "notes/me.jpg", "a.parquet"]
    for name in stray:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"a face")
    packed = pack(project, evidence_of(project), file := project.root / "results.zip")
    assert packed.left_out == sorted(stray, key=Path)
    with zipfile.ZipFile(file) as held:
        assert not {f"reports/trial/{name}" for name in stray} & set(held.namelist())
        assert "reports/trial/samples/dcgan.npy" in held.namelist()
        assert not any(held.read(name) == b"a face" for name in held.namelist())


def test_an_unpacked_archive_verifies(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as held:
        held.extractall(tmp_path)
    folder = tmp_path / "reports" / "trial"
    must_be_sound(Project(tmp_path), Evidence(folder, load_published(folder / "params.yaml")))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def tamper(project: Project) -> None:
    edit(project.reports("trial") / "table1.csv", "64.28", "64.29")


UNSOUND = {
    "table1.csv, line": tamper,
    "resnet50-0.parquet: missing": lambda one: (one.reports("trial") / "predictions" / "resnet50-0.parquet").unlink(),
    "has no ledger": lambda one: (one.reports("trial") / "ledger.jsonl").unlink(),
}


@pytest.mark.parametrize("said", UNSOUND)
def test_an_unsound_report_is_refused(said: str, project: Project) -> None:
    UNSOUND[said](project)
    with pytest.raises(UserError, match=said) as caught:
        must_be_sound(project, evidence_of(project))
    assert caught.value.next_step


LACKING = {
    "there is no CITATION.cff": lambda one: (one.root / "CITATION.cff").unlink(),
    "CITATION.cff doesn't say what an archive must know": lambda one: edit(one.root / "CITATION.cff", "license:", "x:"),
    "dvc.yaml is missing": lambda one: (one.root / "dvc.yaml").unlink(),
    "the report has no audit": lambda one: (one.reports("trial") / "audit.json").unlink(),
    "no run is published": lambda one: shutil.rmtree(one.reports("trial") / "predictions"),
    "pip install": None,
}
AT_ONCE = ("there is no CITATION.cff", "CITATION.cff doesn't say what an archive must know", "pip install")
"""What is told before the report is verified, which takes a while."""


@pytest.mark.parametrize("said", LACKING)
def test_what_is_lacking_is_named_and_nothing_is_written(
    said: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lose := LACKING[said]:
        lose(project)
    else:
        monkeypatch.setitem(sys.modules, "rocrate.rocrate", None)
    target = project.root / "results.zip"
    with pytest.raises(UserError) as caught:
        pack(project, evidence_of(project), target)
    assert said in f"{caught.value.what} {caught.value.next_step}"
    if said in AT_ONCE:
        with pytest.raises(UserError, match=re.escape(caught.value.what)):
            must_be_possible(project, target)
    assert not list(project.root.glob("*results*"))


def test_a_name_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "there.zip").touch()
    for name, said in (("there.zip", "is there already"), ("a.tar", "end with .zip"), ("no/a.zip", "no such folder")):
        with pytest.raises(UserError, match=said):
            must_be_free(tmp_path / name)


def test_the_command_tells_what_it_packed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.reports("trial") / "face.png").touch()
    monkeypatch.chdir(project.root)
    done = CliRunner().invoke(main.app, ["crate", "results.zip", "--budget", "trial"])
    assert done.exit_code == 0, done.exception
    assert "left out, because no stage makes them: face.png" in done.output
    assert "results.zip: 2 runs, " in done.output
