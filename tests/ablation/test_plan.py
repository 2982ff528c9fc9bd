"""Plans: what would be run, found out without starting or writing anything."""

import json
import os
import re
from pathlib import Path

import pytest

from ferlab.ablation.plan import Planner, to_make
from ferlab.ablation.question import Question, ask, points
from ferlab.project import Project
from temporary import TemporaryProject

ARM = "resnet50-dcgan"


def everything(root: Path) -> dict[str, tuple[int, int]]:
    """Every file of a project with its size and the time of its last change, and every folder; bytecode apart."""
    found = {}
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if name != "__pycache__"]
        found |= {str(Path(folder, name)): (0, 0) for name in below}
        for path in (Path(folder, name) for name in files):
            found[str(path)] = (path.lstat().st_size, path.lstat().st_mtime_ns)
    return found


def question(project: TemporaryProject, *grid: str, settings: tuple[str, ...] = (), seeds: int = 1) -> Question:
    return ask(project.params, ARM, range(seeds), settings, grid)


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ("lr=0.1,0.2,0.3", r"3 runs, 0 known already, 3 to run"),
        ("synthetic=dcgan,none", r"2 runs, 1 known already, 1 to run"),
        (
            "gan.families.dcgan.lr=1e-4,2e-4,3e-4",
            r"first 3 GAN families . 7 labels, 3 synthetic sets \(dcgan\); then",
        ),
        ("synthesis.per_class=2,3", r"first 2 synthetic sets \(dcgan\); then"),
        ("threads=1,2", r"2 runs, 1 known already, 1 to run"),
    ],
)
def test_a_dry_run_says_what_would_be_trained_and_writes_nothing(
    grid: str, told: str, finished: TemporaryProject
) -> None:
    before = everything(finished.root)
    output = finished.ferlab("ablate", "--arm", ARM, "--grid", grid, "--dry-run")
    assert re.search(told, output), output
    assert everything(finished.root) == before


def test_a_dry_run_leaves_an_empty_checkout_as_it_is_and_says_what_is_missing(untouched: TemporaryProject) -> None:
    before = everything(untouched.root)
    output = untouched.run("ferlab", "ablate", "--arm", "svm", "--grid", "C=0.1,0.2", "--dry-run", code=2)
    assert "work/sources/none is missing" in output
    assert "`dvc repro audit` makes it" in output
    assert everything(untouched.root) == before


def test_the_pipelines_own_run_is_recognised_by_its_identity(finished: TemporaryProject) -> None:
    planner = Planner(Project(finished.root))
    (own,) = planner.plan(question(finished))
    record = json.loads((finished.root / "work" / "runs" / f"{ARM}-0" / "run.json").read_text())
    assert (own.state, own.identity) == ("pipeline", record["identity"])


def test_where_a_fit_draws_nothing_another_seeds_run_is_taken(done: TemporaryProject) -> None:
    """Scikit-learn's primal and kernel solvers draw nothing; its dual one, of more features than images, does."""
    run = done.root / "work" / "runs" / "svm-0" / "run.json"
    record = json.loads(run.read_text())
    images = sum(record["manifest"]["params"]["plan"][f"{kind}_images"] for kind in ("real", "added"))
    for features, taken in ((images, True), (images + 1, False)):
        record["notes"]["features"] = features
        run.write_text(json.dumps(record))
        (one,) = Planner(Project(done.root)).plan(ask(done.params, "svm", [5]))
        assert (one.state == "pipeline", one.plan.seed == 0) == (taken, taken)
        assert (one.identity == record["identity"]) is taken
    (other,) = Planner(Project(done.root)).plan(ask(done.params, "svm", [5], ["C=0.5"]))
    (network,) = Planner(Project(done.root)).plan(ask(done.params, ARM, [5]))
    assert (other.state, other.plan.seed, network.state, network.plan.seed) == ("to run", 5, "to run", 5)


def test_seeds_that_may_be_one_training_share_a_name(finished: TemporaryProject) -> None:
    """Then one of them trains, and the others wait for it."""
    planner = Planner(Project(finished.root))
    svms, others, networks = (
        {planner.of_all_seeds(one) for one in planner.plan(ask(finished.params, arm, [0, 1, 5], settings))}
        for arm, settings in (("svm", []), ("svm", ["C=0.5"]), (ARM, []))
    )
    assert (len(svms), len(others), networks) == (1, 1, {None})
    assert None not in svms
    assert svms != others


def test_each_setting_that_counts_is_another_training_and_none_else(finished: TemporaryProject) -> None:
    planner = Planner(Project(finished.root))
    asked = question(finished, "lr=0.1,0.2", "labels=drop_contempt,contempt_as_neutral", seeds=2)
    assert len({one.identity for one in planner.plan(asked)}) == 8
    same = question(finished, "gan.families.cgan.lr=0.1,0.2")  # of a family that the arm doesn't use
    assert len({one.identity for one in planner.plan(same)}) == 1


def test_each_seed_shuffles_what_it_adds(finished: TemporaryProject) -> None:
    """As the stage `mix` does; unshuffled, all seeds of one draw add the same."""
    planned = Planner(Project(finished.root)).plan(question(finished, "shuffled=none,labels", seeds=3))
    digests = [one.plan.added for one in planned]
    assert [len(set(digests[i : i + 3])) for i in (0, 3)] == [1, 3]
    assert len(set(digests)) == 4


def test_points_share_what_they_wait_for(finished: TemporaryProject) -> None:
    """Two learning rates of the GANs, three of the classifier and two seeds of one draw: two families of GANs."""
    asked = question(finished, "gan.families.dcgan.lr=2e-3,3e-3", "classifiers.resnet50.lr=0.1,0.2,0.3", seeds=2)
    planned = Planner(Project(finished.root)).plan(asked)
    assert [one.point for one in planned] == points(asked)
    assert [variant.stage for variant in to_make(planned)] == ["gan", "synthesize"] * 2
    assert {one.identity for one in planned} == {None}
    assert len({one.waits_for[1].identity for one in planned[:6]}) == 1
    assert all(one.plan.steps for one in planned)


def test_what_names_a_variant_is_what_it_is_made_of(finished: TemporaryProject) -> None:
    def gans(*settings: str) -> str:
        (one,) = Planner(Project(finished.root)).plan(question(finished, settings=settings))
        gan, _ = one.waits_for
        return gan.identity

    base = gans("gan.families.dcgan.lr=2e-3")
    assert gans("gan.families.dcgan.lr=2e-3", "classifiers.resnet50.lr=0.3") == base
    assert gans("gan.families.dcgan.lr=2e-3", "synthesis.per_class=3") == base
    assert gans("gan.families.dcgan.lr=3e-3") != base
    assert gans("gan.families.dcgan.lr=2e-3", "gan.seed=1") != base
    assert gans("gan.families.dcgan.lr=2e-3", "threads=2") != base
