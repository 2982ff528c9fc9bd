"""The schema of params.yaml: what is wrong is refused, and the message names key and value."""

import shutil
import subprocess
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ferlab.errors import UserError
from ferlab.params import Params, Scalar, SuccessiveHalving, check, load, with_values
from ferlab.params.budgets import WHOLE, lay_budget, read_budget
from ferlab.yaml_file import dump_yaml, overlay, read_value, read_yaml
from small import REPOSITORY, network

BUDGETS = sorted(path.stem for path in (REPOSITORY / "budgets").glob("*.yaml"))


@pytest.fixture
def tree() -> Any:
    return read_yaml(REPOSITORY / "params.yaml")


def put(tree: Any, key: str, value: Any) -> None:
    *parts, last = key.split(".")
    for part in parts:
        tree = tree[part]
    tree[last] = value


def refusal(values: Any) -> str:
    with pytest.raises(UserError) as caught:
        check(values, "params.yaml")
    assert caught.value.where == "params.yaml"
    return caught.value.what


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("colour", "red"),
        ("compute.thread", 2),
        ("gan.families.dcgan.betas", 0.5),
        ("classifiers.resnet50.dropout", 0.5),
        ("classifiers.vgg16.stem", "3x3"),
        ("classifiers.resnet50.augmentation.zoom", True),
        ("classifiers.svm.gamma", 0.1),
        ("arms.svm.extra", 1),
    ],
)
def test_unknown_key(tree: Any, key: str, value: Any) -> None:
    put(tree, key, value)
    assert f"{key}: unknown key (value {value!r})" in refusal(tree)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("compute.threads", "2"),
        ("compute.threads", 2.0),
        ("compute.threads", 0),
        ("compute.threads", 100_000),
        ("compute.threads", True),
        ("compute.device", "gpu"),
        ("run.seeds", 0),
        ("run.seeds.0", -1),
        ("data.fer2013", "150dc431"),
        ("data.allow_demo", "yes"),
        ("audit.near_constant_std", -0.5),
        ("gan.families.dcgan.lr", "1e-4"),
        ("gan.families.dcgan.lr", 0.0),
        ("gan.families.dcgan.beta1", 1.0),
        ("gan.families.dcgan.critic_steps", 0),
        ("synthesis.shown", 17),
        ("gan.families.dcgan.critic_norm", "group"),
        ("gan.families.wgan_gp.penalty", -1.0),
        ("quality.neighbours", 0),
        ("quality.folds", 1),
        ("quality.collapse_ratio", 1.0),
        ("quality.copy_correlation", 1.01),
        ("classifiers.resnet50.width", 0),
        ("classifiers.resnet50.stem", "7x7"),
        ("classifiers.vgg16.dropout", 1.0),
        ("classifiers.vgg16.input_size", 31),
        ("classifiers.vgg16.augmentation.crop", 0.0),
        ("classifiers.resnet50.batch_size", 1),
        ("classifiers.resnet50.augmentation.translation", 0.6),
        ("classifiers.resnet50.lr", None),
        ("classifiers.svm.C", -1.0),
        ("tune.trials", 0),
        ("tune.train_fraction", 1.5),
        ("tune.space.lr.log", 1),
        ("tune.held_out", 1.0),
        ("arms.svm.labels", "by_number"),
        ("arms.svm.shuffled", True),
        ("runtime.checkpoint_seconds", -1),
    ],
)
def test_wrong_type_or_out_of_range(tree: Any, key: str, value: Any) -> None:
    *parts, last = key.split(".")
    if last.isdigit():  # an item of a list
        values = [value]
        put(tree, ".".join(parts), values)
    else:
        put(tree, key, value)
    assert f"{key}: {value!r} is not allowed: " in refusal(tree)


@pytest.mark.parametrize(
    "key",
    ["budget", "runtime", "compute.threads", "gan.families.dcgan.latent", "classifiers.resnet50.augmentation.flip"],
)
def test_missing_key(tree: Any, key: str) -> None:
    """Nothing has a default in the code."""
    *parts, last = key.split(".")
    node = tree
    for part in parts:
        node = node[part]
    del node[last]
    assert f"{key}: missing key" in refusal(tree)


def test_every_mistake_is_named_at_once(tree: Any) -> None:
    put(tree, "compute.threads", 0)
    put(tree, "tune.trials", 0)
    what = refusal(tree)
    assert "compute.threads" in what
    assert "tune.trials" in what


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("run.families", ["wgan"], ["run.families", "wgan", "dcgan"]),
        ("run.tuned", ["vgg99"], ["run.tuned", "vgg99"]),
        ("run.tuned", ["resnet50", "svm"], ["run.tuned", "svm", "tune.space"]),
        ("run.tuned", [], ["run.tuned"]),
        ("run.arms", {"resnet50": "none", "absent": "none"}, ["run.arms", "absent"]),
        ("run.arms", ["svm", "resnet50"], ["run.arms", "a mapping", "resnet50: none"]),
        ("run.arms", {"resnet50-dcgan": "none"}, ["run.arms", "write `resnet50-dcgan: dcgan`"]),
        ("run.arms", {}, ["run.arms", "empty"]),
        ("run.draws", [0, 1, 2], ["run.draws", "3 draws for 1 seeds"]),
        ("run.draws", [0, 0], ["run.draws", "twice"]),
        ("arms.resnet50.tests", ["valid", "test"], ["valid picks this arm's epoch"]),
        ("tune.pruner", {"kind": "hyperband"}, ["tune.pruner", "hyperband"]),
        ("tune.pruner", {"kind": "median", "reduction": 2}, ["tune.pruner", "reduction", "unknown key"]),
        ("tune.pruner", {"kind": "successive_halving", "min_epochs": 1}, ["tune.pruner", "reduction", "missing key"]),
        (  # tune.epochs is 2
            "tune.pruner",
            {"kind": "successive_halving", "min_epochs": 1, "reduction": 2},
            ["tune.pruner", "after 1 and 2 of 2", "before the last epoch"],
        ),
        (
            "tune.pruner",
            {"kind": "successive_halving", "min_epochs": 3, "reduction": 2},
            ["tune.pruner", "after 3 epochs, 2", "before the last epoch"],
        ),
        ("arms.resnet50.tests", ["test", "test"], ["tests", "twice"]),
        ("arms.resnet50-steps.match_steps_of", "resnet50-ckplus", ["match_steps_of", "isn't known before CK+ is read"]),
        ("run.seeds", [0, 1, 0], ["run.seeds", "0, 1, 0", "twice"]),
        ("run.seeds", [], ["run.seeds", "empty"]),
        ("arms.svm.classifier", "forest", ["arms.svm.classifier", "forest"]),
        ("arms.svm.synthetic", "wgan", ["arms.svm.synthetic", "wgan"]),
        ("arms.svm.select_on", "test", ["arms.svm", "epochs"]),
        ("arms.svm.augmentation", False, ["arms.svm", "augmentation"]),
        ("arms.svm.oversample_to", "nothing", ["arms.svm.oversample_to", "nothing"]),
        ("arms.svm.oversample_to", "resnet50-oversampled", ["arms.svm.oversample_to", "resnet50-oversampled"]),
        ("arms.resnet50-dcgan.oversample_to", "resnet50-cgan", ["dcgan", "resnet50-cgan", "not both"]),
        ("arms.svm.match_steps_of", "nothing", ["arms.svm.match_steps_of", "nothing"]),
        ("arms.resnet50-dcgan.match_steps_of", "resnet50-steps", ["resnet50-dcgan -> resnet50-steps", "circle"]),
        ("arms.svm.shuffled", "labels", ["shuffled", "labels", "adds no images"]),
        ("tune.space.lr.low", 0.2, ["range", "0.2"]),
        ("tune.space.lr.low", 0.0, ["log", "0.0"]),
        ("tune.space.batch_size", [32, 1], ["tune.space.batch_size", "1 is not allowed", "resnet50"]),
        ("tune.space.dropuot", [0.5], ["tune.space.dropuot", "no key", "resnet50"]),
        ("tune.space.epochs", [1, 2], ["tune.space.epochs", "no key"]),
        ("tune.reference", {"augmentation.angle": 1.0}, ["tune.reference", "no key 'augmentation.angle'"]),
        ("tune.reference.lr", 0.0, ["tune.reference", "lr: 0.0 is not allowed"]),
    ],
)
def test_rows_and_names_must_fit_together(tree: Any, key: str, value: Any, named: list[str]) -> None:
    put(tree, key, value)
    what = refusal(tree)
    for part in named:
        assert part in what


def test_an_arm_needs_its_synthetic_set_and_its_tuning(tree: Any) -> None:
    put(tree, "gan.families.other", dict(tree["gan"]["families"]["dcgan"]))
    put(tree, "run.families", ["other"])
    assert "'resnet50-dcgan' needs the synthetic set 'dcgan'" in refusal(tree)
    put(tree, "run.families", ["dcgan", "wgan_gp", "cgan"])
    put(tree, "arms.svm.tuned", True)
    assert "'svm' is tuned, but 'svm' is absent from run.tuned" in refusal(tree)


def test_a_key_written_twice_is_named_with_its_line(tmp_path: Path) -> None:
    lines = (REPOSITORY / "params.yaml").read_text().splitlines()
    lines.append("budget: demo")
    (tmp_path / "params.yaml").write_text("\n".join(lines))
    with pytest.raises(UserError, match="budget") as caught:
        load(tmp_path / "params.yaml")
    assert f"params.yaml, line {len(lines)}" in caught.value.where


def test_bad_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("budget: demo\nrun:\n  seeds: [0\n")
    with pytest.raises(UserError, match="not valid YAML") as caught:
        load(tmp_path / "params.yaml")
    assert "params.yaml, line " in caught.value.where


@pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "0.0001", "1E-4"])
def test_exponents_are_floats(tmp_path: Path, text: str) -> None:
    """PyYAML reads 1e-4 as a string; here each spelling is the same number."""
    path = tmp_path / "params.yaml"
    whole = (REPOSITORY / "params.yaml").read_text()
    line = next(line for line in whole.splitlines() if line.strip().startswith("max_iterations"))
    path.write_text(whole.replace(line, f"{line}\n    # by hand").replace("tolerance: 1.0e-3", f"tolerance: {text}"))
    value = load(path).section("classifiers.svm").tolerance
    assert value == 1e-4
    assert isinstance(value, float)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: setattr(p, "budget", "other"),
        lambda p: setattr(p.compute, "threads", 8),
        lambda p: setattr(p.classifiers["resnet50"], "lr", 1.0),
    ],
)
def test_frozen(change: Callable[[Params], None]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        change(load(REPOSITORY / "params.yaml"))


def test_sections_by_dotted_key(tree: Any) -> None:
    params = check(tree, "params.yaml")
    assert params.section("gan.families.dcgan") is params.gan.families["dcgan"]
    assert params.plain("gan") == tree["gan"]
    assert params.plain("classifiers") == tree["classifiers"]
    with pytest.raises(KeyError):
        params.section("gan.families.absent")


def laid(tree: Any, *names: str) -> Params:
    """What params.yaml says after one budget and then the next was laid on it."""
    for name in names:
        overlay(tree, read_yaml(REPOSITORY / "budgets" / f"{name}.yaml"), WHOLE)
    return check(read_value(dump_yaml(tree), "params.yaml"), "params.yaml")


@pytest.mark.parametrize("name", BUDGETS)
def test_each_budget_is_valid(tree: Any, name: str) -> None:
    assert laid(tree, name).budget == name


def test_rows_that_take_over_values_follow_a_budget(tmp_path: Path) -> None:
    """`<<: *resnet50` of every row below it, in what is returned as in what is written."""
    shutil.copytree(REPOSITORY / "budgets", tmp_path / "budgets")
    shutil.copy(REPOSITORY / "params.yaml", tmp_path / "params.yaml")
    params = lay_budget(tmp_path, "gpu")
    assert [name for name, arm in params.arms.items() if arm.tuned] == []
    assert load(tmp_path / "params.yaml") == params
    assert lay_budget(tmp_path, "demo").arms["resnet50-contempt"].tuned


def test_what_judges_both_splits_is_searched_on_neither(tree: Any) -> None:
    """PublicTest may not score the search of an arm that it judges; a part of train may."""
    laid(tree, "design")
    put(tree, "run.tuned", ["resnet50"])
    for arm in tree["run"]["arms"]:
        put(tree, f"arms.{arm}.tuned", True)
    check(read_value(dump_yaml(tree), "params.yaml"), "params.yaml")
    put(tree, "tune.held_out", 0.0)
    assert "valid scores the search that tunes this arm" in refusal(tree)


@pytest.mark.parametrize(
    ("epochs", "rungs"), [(1, []), (2, [2]), (5, [2]), (6, [2, 6]), (17, [2, 6]), (18, [2, 6, 18])]
)
def test_rungs_by_their_closed_form(epochs: int, rungs: list[int]) -> None:
    """min_epochs × reduction^k."""
    assert SuccessiveHalving(kind="successive_halving", min_epochs=2, reduction=3).rungs(epochs) == rungs


def test_a_budget_reaches_the_rows_that_take_over_what_it_changes(tree: Any) -> None:
    """An arm's `<<` is another arm: what is laid on that one is checked, shown and run of both."""
    params = laid(tree, "design")
    assert {(arm.select_on, arm.held_out, arm.tuned) for arm in map(params.arms.get, params.run.arms) if arm} == {
        ("last", 0.1, False)
    }
    assert params.arms["resnet50-picked-on-test"].select_on == "test"  # its own


@pytest.mark.parametrize(("first", "second"), list(permutations(BUDGETS, 2)))
def test_nothing_leaks_from_one_budget_into_another(tree: Any, first: str, second: str) -> None:
    assert laid(tree, first, second) == laid(read_yaml(REPOSITORY / "params.yaml"), second)


def test_the_demo_budget_leaves_the_committed_file_as_it_is(tmp_path: Path) -> None:
    """Text and comments too, so that going back to the demo leaves git clean."""
    shown = subprocess.run(["git", "show", "HEAD:params.yaml"], cwd=REPOSITORY, capture_output=True, text=True)
    committed = shown.stdout if shown.returncode == 0 else (REPOSITORY / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(committed)
    tree = read_yaml(tmp_path / "params.yaml")
    for name in ("demo", "paper", "design", "demo"):
        overlay(tree, read_budget(REPOSITORY, name), WHOLE)
        if name == "demo":
            assert dump_yaml(tree) == committed


def test_a_gradient_penalty_forbids_batch_norm(tree: Any) -> None:
    put(tree, "gan.families.wgan_gp.critic_norm", "batch")
    assert "critic_norm: with a gradient penalty" in refusal(tree)
    put(tree, "gan.families.wgan_gp.penalty", 0.0)
    assert check(tree, "params.yaml").gan.families["wgan_gp"].penalty == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("key", ["audit.near_constant_std", "gan.families.dcgan.lr"])
def test_a_number_that_is_not_finite_is_named_with_its_key(tree: Any, key: str, value: float) -> None:
    """JSON, by way of which values are checked, has no word for it."""
    put(tree, key, value)
    assert refusal(tree) == f"{key}: {value} is not allowed: it must be a finite number"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budget: 2026-11-28", "budget: 2026-11-28 is a date: a word that looks so is written in quotes"),
        ("compute:\n  threads: 2026-11-28 12:00:00", "compute.threads: 2026-11-28 12:00:00 is a date"),
        ("run:\n  seeds: !!set {0}", "run.seeds: "),
        ("run:\n  seeds: [0, !mine 1]", "run.seeds.1: "),
        ("budget: !!binary aGVsbG8=", "budget: "),
        ("compute:\n  2026-11-28: 1", "compute.?: 2026-11-28 is no key"),
        ("? [1, 2]\n: 3", "?: "),
        ("", "holds no keys"),
        ("- budget: demo", "holds no keys"),
        ("demo", "holds no keys"),
    ],
)
def test_what_is_no_plain_value_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load(path)
    assert caught.value.what.startswith(said)
    assert caught.value.where == "params.yaml"


def test_in_a_list_too(tree: Any) -> None:
    tree["tune"]["space"]["batch_size"] = [8, float("nan")]
    assert refusal(tree).startswith("tune.space.batch_size.1: nan is not allowed")


@pytest.mark.parametrize(
    "values", [{"width": 0.5, "weights": "imagenet"}, {"lr": -1.0}, {"epochs": 3}, {"augmentation.colour": 1}]
)
def test_settings_that_a_search_may_not_try_are_a_users_to_mend(values: dict[str, Scalar]) -> None:
    """Also where each of two values alone is allowed: such a trial fails with its reason, and the search goes on."""
    with pytest.raises(UserError) as caught:
        with_values(network(), values)
    assert any(key in caught.value.what for key in values)
