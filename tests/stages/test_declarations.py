"""dvc.yaml, the stages' own declarations, and what their code imports say the same.

Else an edited helper module would leave a stage's result as it was.
"""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.stage import PipelineStage

from ferlab.execution.cost import stages_of
from ferlab.params import Params, load
from ferlab.stages.context import Context, Stage
from ferlab.stages.table import NAMES, find
from temporary import REPOSITORY, TemporaryProject

CLOSURE = REPOSITORY / "tests" / "support" / "closure.py"


@pytest.fixture(scope="module")
def params(untouched: TemporaryProject) -> Params:
    return load(untouched.root / "params.yaml")


@pytest.fixture(scope="module")
def resolved(untouched: TemporaryProject) -> dict[str, PipelineStage]:
    """dvc.yaml's stages by name, matrices and variables filled in by DVC."""
    with Repo(str(untouched.root)) as repo:
        return {stage.name: stage for stage in repo.index.stages if isinstance(stage, PipelineStage)}


def calls(stage: Stage, params: Params) -> list[dict[str, str]]:
    """Every set of arguments that params.yaml's `run` asks of a stage."""
    values = {
        "family": params.run.families,
        "draw": [str(draw) for draw in params.run.draws],
        "classifier": params.run.tuned,
        "arm": list(params.run.arms),
        "seed": [str(seed) for seed in params.run.seeds],
        "set": params.run.evaluate_on,
    }
    return [
        dict(zip(stage.arguments, chosen, strict=True)) for chosen in product(*(values[a] for a in stage.arguments))
    ]


def test_dvc_yaml_has_just_the_stages_and_matrix_entries_of_the_table(
    resolved: dict[str, PipelineStage], params: Params
) -> None:
    wanted = set()
    for name in NAMES:
        entries = calls(find(name), params)
        wanted |= {f"{name}@{'-'.join(e.values())}" if e else name for e in entries}
    assert set(resolved) == wanted


def test_what_a_budget_costs_is_that_of_all_its_stages(resolved: dict[str, PipelineStage], params: Params) -> None:
    counted = sorted(" ".join(("ferlab", "stage", *words)) for words in stages_of(params))
    assert counted == sorted(stage.cmd for stage in resolved.values())


@pytest.mark.parametrize("name", NAMES)
def test_dvc_yaml_says_what_the_stage_declares(
    name: str, resolved: dict[str, PipelineStage], params: Params, untouched: TemporaryProject
) -> None:
    stage = find(name)
    assert stage.name == name
    for arguments in calls(stage, params):
        told = resolved[f"{name}@{'-'.join(arguments.values())}" if arguments else name]
        here = {"budget": params.budget, "source": params.run.arms.get(arguments.get("arm", "")), **arguments}
        assert told.cmd == " ".join(("ferlab", "stage", name, *arguments.values()))
        keys = [key for dep in told.deps if hasattr(dep, "params") for key in dep.params]
        assert sorted(keys) == sorted(key.format(**here) for key in stage.keys)
        deps = [dep.def_path for dep in told.deps if not hasattr(dep, "params")]
        rooms = [f"src/ferlab/{room}" for room in (f"stages/{name}.py", *stage.rooms)]
        assert sorted(deps) == sorted([*(path.format(**here) for path in stage.inputs.values()), *rooms])
        assert sorted(out.def_path for out in told.outs) == sorted(path.format(**here) for path in stage.outs.values())
        for path in (*stage.outs.values(), *stage.inputs.values()):
            assert path.format(**here).startswith(("work/", "reports/", "data", "params.yaml"))


@pytest.mark.parametrize("name", [name for name in NAMES if find(name).told_keys])
def test_keys_that_a_stage_is_told_are_declared_by_a_stage_whose_out_it_reads(name: str) -> None:
    """Else DVC would not run it again after a change of one of them."""
    stage = find(name)
    makers = [maker for maker in map(find, NAMES) if set(maker.outs.values()) & set(stage.inputs.values())]
    assert set(stage.told_keys) <= {key for maker in makers for key in maker.keys}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_stage_makes_for_people_is_kept_by_git_and_the_rest_by_dvc(
    name: str, resolved: dict[str, PipelineStage]
) -> None:
    for told in (s for key, s in resolved.items() if key.split("@")[0] == name):
        for out in told.outs:
            assert out.use_cache == out.def_path.startswith("work/")
            # of a stage with any other uncached out DVC keeps no run cache: going back to a budget would run it again
            assert out.use_cache or out.is_metric or out.is_plot
            assert not out.persist  # DVC would keep stale checkpoints and skip the run cache


def test_a_stage_sees_no_key_that_it_does_not_declare(untouched: TemporaryProject, params: Params) -> None:
    from ferlab.project import Project

    context = Context(Project(untouched.root), find("audit"), {}, params)
    assert context.section("audit") == params.audit
    with pytest.raises(AssertionError, match="audit doesn't declare compute"):
        context.section("compute")


def undeclared(src: Path) -> dict[str, list[str]]:
    env = os.environ | {"PYTHONPATH": str(src)}
    words = [sys.executable, "-W", "ignore", str(CLOSURE)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    assert set(found) == set(NAMES)
    return found


def test_every_import_of_a_stage_lies_in_a_room_that_it_declares() -> None:
    assert {name: modules for name, modules in undeclared(REPOSITORY / "src").items() if modules} == {}


def test_a_late_import_out_of_an_undeclared_room_is_found(fresh: TemporaryProject) -> None:
    """The check itself can fail: also for an import inside a function, two modules away from the stage."""
    path = fresh.root / "src" / "ferlab" / "evaluation" / "intervals.py"
    path.write_text(path.read_text() + "\n\ndef late() -> None:\n    from ferlab.gan import objectives  # noqa: F401\n")
    found = undeclared(fresh.root / "src")
    assert "ferlab.gan.objectives" in found["evaluate"] + found["report"]
    assert "ferlab.gan.objectives" not in found["prepare"] + found["gan"] + found["train"]
