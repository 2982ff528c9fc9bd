"""Questions: keys as people write them, values as the schema accepts them, points as plain data."""

import json
from itertools import product
from pathlib import Path

import pytest

from ferlab.ablation.keys import resolve
from ferlab.ablation.question import ask, points, read
from ferlab.errors import UserError
from ferlab.params import Params, load
from small import REPOSITORY

ARM = "resnet50-dcgan"


@pytest.fixture(scope="module")
def params() -> Params:
    return load(REPOSITORY / "params.yaml")


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("synthetic", "arms.resnet50-dcgan.synthetic"),
        ("lr", "classifiers.resnet50.lr"),  # also in gan.families.* and tune: the arm's own classifier wins
        ("rotation", "classifiers.resnet50.augmentation.rotation"),
        ("augmentation.flip", "classifiers.resnet50.augmentation.flip"),
        ("per_class", "synthesis.per_class"),
        ("threads", "compute.threads"),
        ("gan.families.dcgan.lr", "gan.families.dcgan.lr"),
    ],
)
def test_a_short_key_means_the_arms_own_first_then_the_only_one(short: str, whole: str, params: Params) -> None:
    assert resolve(short, params, ARM) == whole


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("batchsize", "batch_size"),
        ("sythetic", "synthetic"),
        ("lrate", "did you mean lr"),
        ("zzzz", "the arm's own keys: classifier, tuned, synthetic"),
        ("learning_rate", "did you mean lr?"),
        ("batch", "did you mean batch_size?"),
        ("num_epochs", "did you mean epochs?"),
        ("trialls", "tune.trials can't be asked"),
        ("trails", "the arm's own keys: classifier, tuned, synthetic"),
        ("tune.trials", "can't be asked"),
        ("arms.svm.tuned", "can't be asked"),  # another arm's
        ("seed", "gan.seed, synthesis.seed"),
    ],
)
def test_a_wrong_key_is_answered_with_near_ones(key: str, told: str, params: Params) -> None:
    with pytest.raises(UserError) as caught:
        resolve(key, params, ARM)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "grid", "told", "where"),
    [
        ([], ["lr=fast"], "classifiers.resnet50.lr", "--grid lr=fast"),
        ([], ["lr=0.1,-1"], "-1", "--grid lr=0.1,-1"),
        (["batch_size=1"], [], "batch_size", "--set batch_size=1"),
        (["width=0.5", "lr=-1"], ["epochs=1,2"], "-1", "--set width=0.5 --set lr=-1"),
        ([], ["synthetic=stylegan"], "stylegan", "--grid synthetic=stylegan"),
        (["rate=0.1"], [], "no key 'rate'", "--set rate=0.1"),
        (["tune.trials=3"], [], "can't be asked", "--set tune.trials=3"),
        ([], ["lr="], "is empty", "--grid lr="),
        ([], ["lr=0.1,0.1"], "twice", "--grid lr=0.1,0.1"),
        (["lr=0.1"], ["lr=0.1,0.2"], "given twice", "--grid lr=0.1,0.2"),
        (["lr=0.1"], ["classifiers.resnet50.lr=0.1,0.2"], "given twice", "--grid classifiers.resnet50.lr=0.1,0.2"),
        ([], ["lr"], "key=value", "--grid lr"),
        (["lr=[1"], [], "YAML", "--set lr=[1"),
    ],
)
def test_a_wrong_question_is_refused_by_the_option_that_was_typed(
    settings: list[str], grid: list[str], told: str, where: str, params: Params
) -> None:
    with pytest.raises(UserError) as caught:
        ask(params, ARM, [0], settings, grid)
    assert told in caught.value.what
    assert caught.value.where == where


def test_an_unknown_arm_names_the_arms(params: Params) -> None:
    with pytest.raises(UserError) as caught:
        ask(params, "resnet51", [0])
    assert "resnet50-dcgan" in str(caught.value)
    assert caught.value.where == "--arm"


def test_values_are_read_as_params_yaml_reads_them(params: Params) -> None:
    question = ask(params, ARM, [0], ["width=0.25", "flip=false"], ["lr=1e-2,0.001", "synthetic=none,dcgan"])
    assert question.settings == {
        "classifiers.resnet50.width": 0.25,
        "classifiers.resnet50.augmentation.flip": False,
    }
    assert question.grid["classifiers.resnet50.lr"] == (0.01, 0.001)
    assert question.grid["arms.resnet50-dcgan.synthetic"] == ("none", "dcgan")


def test_points_are_the_product_of_the_grid_with_seeds_innermost(params: Params) -> None:
    question = ask(params, ARM, [0, 1], [], ["lr=0.1,0.2,0.3", "synthetic=none,dcgan"])
    found = [(*point.varied.values(), point.seed) for point in points(question)]
    assert found == list(product((0.1, 0.2, 0.3), ("none", "dcgan"), (0, 1)))
    assert question.size == len(found) == 12
    assert len({point.name for point in points(question)}) == 12
    assert points(question)[0].title == "lr=0.1 synthetic=none"


def test_a_million_points_are_counted_without_being_made(params: Params) -> None:
    many = ",".join(f"{i / 1000:.3f}" for i in range(1, 101))
    question = ask(params, ARM, range(100), [], [f"lr={many}", f"momentum={many}"])
    assert question.size == 10**6


def test_a_file_asks_the_same(params: Params, tmp_path: Path) -> None:
    path = tmp_path / "question.yaml"
    path.write_text("arm: resnet50-dcgan\nseeds: 2\nset: {width: 0.25}\ngrid:\n  lr: [1e-2, 1e-3]\n")
    assert read(params, path) == ask(params, ARM, [0, 1], ["width=0.25"], ["lr=1e-2,1e-3"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("arm: resnet50-dcgan\ngird: {lr: [0.1]}\n", "gird"),
        ("seeds: 2\n", "arm"),
        ("arm: resnet50-dcgan\ngrid: {lr: 0.1}\n", "grid.lr"),
        ("arm: [unclosed\n", "not valid YAML"),
        ("arm: resnet50-dcgan\nseeds: [0, 0]\n", "each once"),
        ("arm: resnet50-dcgan\nseeds: 0\n", "at least one"),
        ("arm: resnet51\n", "where: question.yaml: arm"),
        ("arm: resnet50-dcgan\nset: {lr: -1}\n", "where: question.yaml: set.lr"),
        ("arm: resnet50-dcgan\ngrid: {lr: [1, -1]}\n", "where: question.yaml: grid.lr"),
    ],
)
def test_a_wrong_file_is_refused_by_its_part(text: str, told: str, params: Params, tmp_path: Path) -> None:
    path = tmp_path / "question.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read(params, path)
    assert told in str(caught.value)


def test_points_can_travel(params: Params) -> None:
    import pickle
    from dataclasses import asdict

    for point in points(ask(params, ARM, [0], ["flip=true"], ["lr=0.1,0.2"])):
        assert pickle.loads(pickle.dumps(point)) == point
        assert json.loads(json.dumps(asdict(point))) == asdict(point)
