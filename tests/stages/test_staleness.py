"""What an edit of the code ages: edits in one copy of a finished project, one after the other, each taken back."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from temporary import TemporaryProject, stages_run

EVALUATES = {"evaluate@resnet50-dcgan-0", "evaluate@svm-0"}
TRAINS = {"train@resnet50-dcgan-0", "train@svm-0"}
OF_NETWORKS = {"tune@resnet50", "train@resnet50-dcgan-0"}
GANS = {"gan@dcgan-0", "synthesize@dcgan"}
EVERY = {"prepare", "audit", "quality", "report", *GANS, *OF_NETWORKS, *TRAINS, *EVALUATES}

EDITS = {
    "data/images.py": EVERY,  # the core that all numbers hang on
    "datasets/archive.py": {"prepare", "audit"},  # how sets come in: nothing is trained again
    "datasets/fer2013.py": {"prepare", "audit"},
    "datasets/demo.py": {"prepare", "audit"},
    "datasets/audit.py": {"prepare", "audit"},
    "training/seeding.py": {*GANS, *OF_NETWORKS, *TRAINS, *EVALUATES},
    "gan/fit.py": GANS,
    "gan/objectives.py": GANS,
    "stages/gan.py": {"gan@dcgan-0"},
    "synthesis/mix.py": {"synthesize@dcgan"},
    "quality/pixels.py": {"quality"},
    "classifiers/svm.py": {"train@svm-0"},  # no network
    "classifiers/features.py": {"train@svm-0"},
    "classifiers/resnet.py": OF_NETWORKS,  # no support vector machine
    "classifiers/augment.py": OF_NETWORKS,
    "classifiers/base.py": {*OF_NETWORKS, *TRAINS},
    "classifiers/catalogue.py": set(),
    "stages/tune.py": {"tune@resnet50"},
    "stages/train.py": TRAINS,
    "evaluation/metrics.py": {*EVALUATES, "report"},
    "report/drawing.py": {"report"},
    "stages/ledger.py": set(),
    "stages/context.py": set(),
    "adapters/tracking.py": set(),
    "params/schema.py": set(),
    "records/run.py": set(),
    "code/commit.py": set(),
    "code/closure.py": set(),  # what it finds is the same
    "cli/progress.py": set(),
}
"""File below src/ferlab -> the stages that are due after a comment in it, but for the cheap ones that decide it."""

ONE_OF_A_KIND = [
    "data/images.py",
    "datasets/fer2013.py",
    "gan/fit.py",
    "classifiers/svm.py",
    "classifiers/resnet.py",
    "report/drawing.py",
    "stages/context.py",
]


def settled(project: TemporaryProject) -> set[str]:
    """The stages that are due once `code` and `mix` have said what an edit reaches."""
    cheap, found = {"code", "settings"}, project.due()
    while now := found & cheap:
        project.repro("--single-item", *sorted(now))
        found = project.due()
        cheap = {name for name in found if name.startswith("mix@")} - now
    return {name for name in found if name != "code" and not name.startswith("mix@")}


@pytest.mark.parametrize("modules", [ONE_OF_A_KIND, pytest.param(list(EDITS), marks=pytest.mark.long)], ids=len)
def test_an_edit_ages_what_it_can_change_and_no_more(modules: list[str], done: TemporaryProject) -> None:
    kept = done.root.parent / "kept"
    made = ("work/code", "work/arms", "reports/tiny/arms")
    for name in made:
        shutil.copytree(done.root / name, kept / name)
    shutil.copyfile(done.root / "dvc.lock", kept / "dvc.lock")
    found = {}
    for module in modules:
        path = done.root / "src" / "ferlab" / module
        before = path.read_text()
        path.write_text(before + "\n# changed\n")
        found[module] = settled(done)
        path.write_text(before)
        for name in made:
            shutil.rmtree(done.root / name)
            shutil.copytree(kept / name, done.root / name)
        shutil.copyfile(kept / "dvc.lock", done.root / "dvc.lock")
    assert found == {module: EDITS[module] for module in modules}
    assert done.due() == set()


@pytest.mark.chaos  # trains GANs
def test_equal_images_of_a_gan_trained_again_age_no_training(done: TemporaryProject) -> None:
    """A set names its generators by their content, so that who made them ages nobody."""
    path = done.root / "src" / "ferlab" / "gan" / "fit.py"
    path.write_text(path.read_text() + "\n# changed\n")
    assert stages_run(done.repro()) == {"gan@dcgan-0", "synthesize@dcgan"}


@pytest.mark.parametrize("change", [{"seeds": [0, 1]}, {"seeds": [0, 1], "draws": [0, 1]}], ids=["a seed", "a draw"])
def test_what_is_added_to_a_design_ages_nothing_that_is_there(change: dict[str, Any], done: TemporaryProject) -> None:
    done.change({"run": change})
    done.repro("mix@svm")
    found = done.due()
    assert not found & TRAINS
    assert "gan@dcgan-0" not in found
    assert "train@svm-1" in found


def test_a_plan_names_nobody(finished: TemporaryProject) -> None:
    """No file that a training reads says who made what."""
    identities = [path.read_text() for path in (finished.root / ".ferlab" / "last").glob("*.json")]
    assert identities
    names = {path.parent.name for path in (finished.root / ".ferlab" / "inflight").glob("*/slot.json")}
    assert names
    for folder in ("prepared", "arms"):
        for path in Path(finished.root / "work" / folder).rglob("*.json"):
            assert not [name for name in names if name in path.read_text()], path
