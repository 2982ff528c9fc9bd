"""Networks that learn from votes are refused by params.yaml where nobody can have voted."""

import json
from typing import Any

import pytest

from ferlab.errors import UserError
from ferlab.params import check
from ferlab.params.votes import VOTED
from ferlab.parts import DATASETS, TAKEN
from ferlab.yaml_file import read_yaml
from small import REPOSITORY

WHOLE = read_yaml(REPOSITORY / "params.yaml")


@pytest.fixture
def tree() -> Any:
    """A study that runs one arm, whose network learns from votes."""
    tree: Any = json.loads(json.dumps(WHOLE))
    tree["classifiers"]["resnet50"]["targets"] = "votes"
    tree["arms"]["mine"] = tree["arms"]["resnet50"] | {"tuned": False}
    tree["run"] |= {"families": [], "tuned": [], "arms": {"mine": "none"}}
    return tree


def learning_from(tree: Any, form: str, *uses: str) -> Any:
    own = {"form": form, "sha256": "a" * 64, "classes": ["calm", "cross"]}
    tree["data"] |= {"sets": {"own": own}, **dict.fromkeys(uses, "own")}
    return tree


def refusal(tree: Any) -> str:
    with pytest.raises(UserError) as caught:
        check(tree, "params.yaml")
    return caught.value.what


@pytest.mark.parametrize("targets", ["votes", "drawn"])
def test_an_arm_that_runs_is_named_with_its_key_and_the_data_set(tree: Any, targets: str) -> None:
    tree["classifiers"]["resnet50"]["targets"] = targets
    said = refusal(tree)
    assert said.startswith(
        f"classifiers.resnet50.targets: '{targets}', but nobody voted on the images of fer2013; set it to majority"
    )
    assert said.endswith("(for 'mine' of run.arms)")
    assert check(tree | {"run": tree["run"] | {"arms": {"svm": "none"}}}, "params.yaml")


@pytest.mark.parametrize("form", [*TAKEN[DATASETS], "of_another_package"])
def test_the_form_says_whether_people_voted(tree: Any, form: str) -> None:
    """Another package's may bring votes: reading it tells."""
    learning_from(tree, form, "train", "gans")
    if form in VOTED or form not in TAKEN[DATASETS]:
        assert check(tree, "params.yaml")
    else:
        assert "nobody voted on the images of own" in refusal(tree)


def test_images_with_votes_that_an_arm_adds_are_enough_and_a_gans_have_none(tree: Any) -> None:
    learning_from(tree, "ferplus", "gans")
    assert "images of fer2013" in refusal(tree)
    tree["arms"]["mine"]["synthetic"] = tree["run"]["arms"]["mine"] = "ckplus"
    assert check(tree, "params.yaml")
    tree["arms"]["mine"]["synthetic"] = tree["run"]["arms"]["mine"] = "dcgan"
    tree["run"]["families"] = ["dcgan"]
    assert "images of fer2013" in refusal(tree)


@pytest.mark.parametrize(
    ("row", "key"), [("l2svm-folds", "network"), ("mapped_lbp", "network"), ("local_learning", "networks.vgg16")]
)
def test_networks_within_a_classifier(tree: Any, row: str, key: str) -> None:
    tree["arms"]["mine"]["classifier"] = row
    settings = tree["classifiers"][row]
    if row == "l2svm-folds":
        settings["network"] = {key: value for key, value in settings["network"].items() if key != "C"}
        settings["network"]["method"] = "network"
    assert check(tree, "params.yaml")
    for name in key.split("."):
        settings = settings[name]
    settings["targets"] = "drawn"
    assert refusal(tree).startswith(f"classifiers.{row}.{key}.targets: 'drawn', but nobody voted")


@pytest.mark.parametrize(("place", "values"), [("space", ["majority", "votes"]), ("reference", "drawn")])
def test_a_search_tries_none(tree: Any, place: str, values: Any) -> None:
    tree["run"] |= {"tuned": ["resnet50"], "arms": {"svm": "none"}}
    assert refusal(tree).startswith("classifiers.resnet50.targets: 'votes', but nobody voted")
    tree["classifiers"]["resnet50"]["targets"] = "majority"
    assert check(tree, "params.yaml")
    tree["tune"][place]["targets"] = values
    said = refusal(tree)
    assert said.startswith(f"tune.{place}")
    assert "nobody voted on the images of fer2013" in said
    assert said.endswith("(for 'resnet50' of run.tuned)")
    assert check(learning_from(tree, "ferplus", "train"), "params.yaml")
