"""Published reports stay: their records are read as today's, their numbers don't move, and nothing is written back."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ferlab.cli.folder import evidence_of
from ferlab.errors import UserError
from ferlab.files import canonical_json
from ferlab.params.migration import load_published, migrated_classifier
from ferlab.project import Project
from ferlab.records.audit import Audit
from ferlab.records.plan import ArmSummary
from ferlab.records.published import has_arms, read_arms, read_audit, read_quality, read_search, read_selection
from ferlab.records.seal import read_seals
from ferlab.report.check import TEXTS, faults
from ferlab.report.evidence import Evidence
from ferlab.report.render import build
from ferlab.yaml_file import read_yaml
from reports import add_rest, make_params
from small import REPOSITORY

REPORTS = sorted(path.parent for path in (REPOSITORY / "reports").glob("*/params.yaml"))


@pytest.mark.parametrize("folder", REPORTS, ids=lambda folder: folder.name)
def test_every_committed_record_is_read_whole(folder: Path) -> None:
    """What is read and would be written again is the file, byte for byte; settings keep their values."""
    for path, record in (("quality.json", read_quality(folder)), ("audit.json", read_audit(folder))):
        assert (record is None) is not (folder / path).exists()
        if record:
            assert canonical_json(record.model_dump(mode="json"), indent=1) + "\n" == (folder / path).read_text()
    for path in folder.glob("tuning/*.json"):
        search = read_search(folder, path.stem)
        assert search
        assert canonical_json(search.plain(), indent=1) + "\n" == path.read_text()
    for path in folder.glob("selection/*.json"):
        selection, tree = read_selection(path), json.loads(path.read_text())
        assert selection
        for key in ("identity", "selected_epoch", "valid_accuracy", "notes"):
            assert getattr(selection, key) == tree[key]
        assert selection.settings.model_dump(mode="json") == migrated_classifier(tree["settings"])


@pytest.mark.parametrize("folder", [one for one in REPORTS if has_arms(one)], ids=lambda folder: folder.name)
def test_arms_of_one_file_are_todays(folder: Path) -> None:
    params = load_published(folder / "params.yaml")
    arms = read_arms(folder, params.run.arms)
    assert arms.keys() <= params.run.arms.keys()
    for name, summary in arms.items():
        assert summary.arm == params.arms[name]
        assert summary.settings["method"]


def published(name: str, tmp_path: Path) -> Path:
    """A copy of a report as it was published, in a project of its own."""
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(REPOSITORY / file, tmp_path / file)
    shutil.copytree(REPOSITORY / "reports" / name, tmp_path / "reports" / name)
    return tmp_path / "reports" / name


@pytest.mark.parametrize("folder", REPORTS, ids=lambda folder: folder.name)
def test_every_number_follows_from_the_files_as_before(folder: Path) -> None:
    seal = read_seals(folder.parent).get(folder.name)
    assert list(faults(Evidence(folder, load_published(folder / "params.yaml")), seal)) == []


def test_a_report_built_anew_leaves_its_inputs_alone(tmp_path: Path) -> None:
    folder = published("trial", tmp_path)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
    evidence = evidence_of(Project(tmp_path), "trial")
    build(folder, evidence.params, draw=False)
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
    assert {str(path.relative_to(folder)) for path in after if after[path] != before.get(path)} == set(TEXTS)


def earlier_arms(tmp_path: Path) -> dict[str, Any]:
    shutil.copy(REPOSITORY / "reports" / "cpu_full" / "arms.json", tmp_path / "arms.json")
    tree: dict[str, Any] = json.loads((tmp_path / "arms.json").read_text())
    return tree


def test_todays_files_go_before_an_earlier_one(tmp_path: Path) -> None:
    earlier_arms(tmp_path)
    params = make_params([0])
    add_rest(tmp_path, params)
    assert list(read_arms(tmp_path, params.run.arms)) == ["resnet50", "resnet50-dcgan", "resnet50-steps", "svm"]
    assert read_arms(tmp_path, ["svm"])["svm"] == ArmSummary.read(tmp_path / "arms" / "svm.json")
    assert read_arms(tmp_path / "nowhere", ["svm"]) == {}


@pytest.mark.parametrize("key", ["classifier", "settings", "steps"])
def test_a_record_that_no_migration_reads_is_named_with_the_way_out(key: str, tmp_path: Path) -> None:
    tree = earlier_arms(tmp_path)
    del tree["resnet50"][key]
    (tmp_path / "arms.json").write_text(json.dumps(tree))
    with pytest.raises(UserError, match=rf"arms\.json is no ArmSummary of this version: .*{key}") as caught:
        read_arms(tmp_path, ["resnet50"])
    assert "dvc repro" in str(caught.value.next_step)


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    tree = json.loads((REPOSITORY / "reports" / "demo" / "audit.json").read_text())
    (tmp_path / "audit.json").write_text(json.dumps(tree | {"wisdom": 1}))
    with pytest.raises(UserError, match=r"audit\.json is no Audit of this version: wisdom"):
        Audit.read(tmp_path / "audit.json")


def test_published_settings_name_what_every_run_did() -> None:
    """The params.yaml of a published report, of a shape that the schema no longer takes."""
    path = REPOSITORY / "reports" / "cpu_full" / "params.yaml"
    assert isinstance(read_yaml(path)["run"]["arms"], list)
    params = load_published(path)
    assert params.run.arms == {"resnet50": "none"}
    assert params.arms["resnet50"].tests == ["test"]
    assert Evidence(path.parent, params).arms["resnet50"].arm.held_out == 0
