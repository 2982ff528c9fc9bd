"""Names that people type by habit or by mistake, against the keys of the real params.yaml."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ferlab.ablation.question import ask
from ferlab.errors import UserError
from ferlab.params import check, load
from ferlab.params.budgets import lay_budget, left_out, read_budget
from ferlab.params.near import ELSEWHERE, names, near
from ferlab.params.study import read_study
from ferlab.yaml_file import read_value, read_yaml
from small import REPOSITORY

KEYS = list(names(read_yaml(REPOSITORY / "params.yaml")))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("classifiers.vgg16.learning_rate", "classifiers.vgg16.lr"),
        ("classifiers.vgg16.Learning-Rate", "classifiers.vgg16.lr"),
        ("classifiers.vgg16.lrate", "classifiers.vgg16.lr"),
        ("classifiers.vgg16.batch", "classifiers.vgg16.batch_size"),
        ("classifiers.resnet50.num_epochs", "classifiers.resnet50.epochs"),
        ("classifiers.resnet50.epoch", "classifiers.resnet50.epochs"),
        ("classifiers.resnet50.pretrained", "classifiers.resnet50.weights"),
        ("classifiers.resnet50.augmentation.degrees", "classifiers.resnet50.augmentation.rotation"),
        ("gan.families.cgan.n_critic", "gan.families.cgan.critic_steps"),
        ("gan.families.cgan.lambda_gp", "gan.families.cgan.penalty"),
        ("compute.num_workers", "compute.threads"),
        ("compute.thread", "compute.threads"),
        ("tune.n_trials", "tune.trials"),
        ("tune.epoch", "tune.epochs"),
        ("run.seed", "run.seeds"),
        ("bugdet", "budget"),
        ("clasifiers", "classifiers"),
        ("arms.svm.sythetic", "arms.svm.synthetic"),
        ("learning_rate", "classifiers.resnet50.lr"),  # with no parent, the first of its name
    ],
)
def test_what_was_meant_comes_first(typed: str, meant: str) -> None:
    assert near(typed, KEYS)[0] == meant


@pytest.mark.parametrize("typed", ["colour", "zzzz", "x", ""])
def test_nothing_is_made_up(typed: str) -> None:
    assert near(typed, KEYS) == []


def test_every_key_that_is_known_by_other_names_is_one_of_params_yaml() -> None:
    last = {key.rpartition(".")[2] for key in KEYS}
    assert set(ELSEWHERE) <= last | {"frozen"}


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("  threads:", "  thread:", "compute.thread: unknown key (value 1); did you mean compute.threads?"),
        ("lr: 1.0e-1", "learning_rate: 1.0e-1", "did you mean classifiers.resnet50.lr?"),
        ("  trials:", "  n_trials:", "did you mean tune.trials?"),
        ("budget:", "bugdet:", "did you mean budget?"),
    ],
)
def test_a_renamed_key_of_the_file_is_told_with_the_right_one(right: str, wrong: str, told: str) -> None:
    text = (REPOSITORY / "params.yaml").read_text()
    with pytest.raises(UserError) as caught:
        check(read_value(text.replace(right, wrong, 1), "params.yaml"), "params.yaml")
    assert told in caught.value.what


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """params.yaml with a family, a classifier and an arm of the user's own, and the budgets."""
    (tmp_path / "budgets").mkdir()
    for path in (REPOSITORY / "budgets").glob("*.yaml"):
        (tmp_path / "budgets" / path.name).write_bytes(path.read_bytes())
    text = (REPOSITORY / "params.yaml").read_text()
    for old, new in (
        ("families: [dcgan, ", "families: [mine, dcgan, "),
        ("    dcgan: #", "    mine: {<<: *dcgan}\n    dcgan: &dcgan #"),
        ("{resnet50: none, ", "{my-arm: mine, resnet50: none, "),
        ("  svm: &svm ", "  my-arm: {<<: *resnet50, synthetic: mine}\n  svm: &svm "),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    text = text.replace("    mine: {<<: *dcgan}\n", "").replace(
        "    wgan_gp: # Gul", "    mine: {<<: *dcgan}\n    wgan_gp: # Gul"
    )
    (tmp_path / "params.yaml").write_text(text)
    return tmp_path


def test_what_a_budget_takes_out_of_run_is_told_where_it_is_the_users_own(project: Path) -> None:
    """What other budgets run goes without a word: that is what laying a budget means."""
    before = load(project / "params.yaml")
    told = left_out(project, before, lay_budget(project, "trial"))
    assert [sentence.partition(",")[0] for sentence in told] == [
        "run.families no longer names mine",
        "run.arms no longer names my-arm",
    ]
    assert all("budgets/trial.yaml" in sentence for sentence in told)


def test_from_one_budget_to_another_there_is_nothing_to_tell(project: Path) -> None:
    (project / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    for name in ("paper", "trial", "demo"):
        before = load(project / "params.yaml")
        assert left_out(project, before, lay_budget(project, name)) == []


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        (lambda: read_budget(REPOSITORY, "trail"), "trial"),
        (lambda: read_study(REPOSITORY, "colapse"), "collapse"),
        (lambda: ask(load(REPOSITORY / "params.yaml"), "svmm", [0]), "svm"),
        (lambda: ask(load(REPOSITORY / "params.yaml"), "svn", [0]), "svm"),
        (lambda: ask(load(REPOSITORY / "params.yaml"), "resnet50-dcgna", [0]), "resnet50-dcgan"),
    ],
)
def test_a_slip_in_the_name_of_a_budget_a_study_or_an_arm(asked: Callable[[], object], meant: str) -> None:
    with pytest.raises(UserError) as caught:
        asked()
    suggested = re.search(r"did you mean (.*?)\?", caught.value.next_step)
    assert suggested
    assert meant in suggested[1].split(" or ")
