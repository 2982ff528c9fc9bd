"""A question as experiments: what each changes in params.yaml, and names that git takes."""

import subprocess

import pytest

from ferlab.ablation.experiments import experiments
from ferlab.ablation.question import ask
from ferlab.errors import UserError
from ferlab.params import Params, load
from small import REPOSITORY


@pytest.fixture(scope="module")
def params() -> Params:
    return load(REPOSITORY / "params.yaml")


def test_one_experiment_a_point_of_the_grid_with_all_its_seeds(params: Params) -> None:
    now = params.plain("classifiers.svm.C")
    found = experiments(params, ask(params, "svm", [0, 1, 7], [], [f"C={now},0.5,2"]))
    assert [title for title, _ in found] == [f"C={now:g}", "C=0.5", "C=2"]
    for (_, one), value in zip(found, (None, 0.5, 2), strict=True):
        own = {} if value is None else {"classifiers.svm.C": value}
        assert one.changes == own | {"run.seeds": [0, 1, 7]}


def test_what_params_say_already_is_no_change(params: Params) -> None:
    now = params.plain("classifiers.svm.C")
    ((_, one), _) = experiments(params, ask(params, "svm", params.run.seeds, [], [f"C={now},0.5"]))
    assert one.changes == {}


def test_the_pipeline_is_told_to_run_what_is_asked_about(params: Params) -> None:
    """An arm that isn't run, and images of a family that isn't trained."""
    run = params.run.model_copy(update={"arms": {"svm": "none"}, "families": [], "seeds": [0]})
    bare = params.model_copy(update={"run": run})
    (_, one), (_, other) = experiments(bare, ask(bare, "resnet50-dcgan", [0], [], ["synthetic=none,dcgan"]))
    assert one.changes["run.arms.resnet50-dcgan"] == "none"
    assert "run.families" not in one.changes
    assert other.changes["run.arms.resnet50-dcgan"] == "dcgan"
    assert other.changes["run.families"] == ["dcgan"]


def test_names_are_distinct_the_same_each_time_and_fit_for_git(params: Params) -> None:
    question = ask(
        params, "resnet50-dcgan", [0], ["label_smoothing=0.1"], ["lr=1e-05,0.1,0.25", "synthetic=none,dcgan"]
    )
    names = [one.name for _, one in experiments(params, question)]
    assert len(set(names)) == 6
    assert names == [one.name for _, one in experiments(params, question)]
    for name in names:
        subprocess.run(["git", "check-ref-format", f"refs/exps/{name}"], check=True)


def test_what_the_schema_refuses_is_refused_before_anything_is_queued(params: Params) -> None:
    run = params.run.model_copy(update={"seeds": [0]})
    with pytest.raises(UserError, match="width"):
        experiments(params.model_copy(update={"run": run}), ask(params, "resnet50", [0], ["width=-1"], []))
