"""What `ferlab tune` searches: the space of params.yaml and further keys, or those keys alone."""

from typing import Any

import pytest
from typer.testing import CliRunner

from ferlab.cli.main import app
from ferlab.cli.tune import lay_space
from ferlab.errors import UserError
from ferlab.params import check
from ferlab.yaml_file import read_yaml
from small import REPOSITORY

OWN = ["filters=16..96", "alpha=1e2..1e5:log", "pooling=mean,max"]


@pytest.fixture
def tree() -> Any:
    return read_yaml(REPOSITORY / "params.yaml")


def test_a_classifier_without_the_common_keys_is_searched_by_its_own(tree: Any) -> None:
    lay_space(tree, "null_model", OWN, only=True)
    params = check(tree, "params.yaml")
    assert list(params.tune.space) == ["filters", "alpha", "pooling"]
    assert params.run.tuned == ["null_model"]


def test_without_the_option_the_common_keys_must_fit(tree: Any) -> None:
    lay_space(tree, "null_model", OWN, only=False)
    with pytest.raises(UserError, match=r"(?s)there is no key '(filters|lr)' to search"):
        check(tree, "params.yaml")


def test_further_keys_join_those_of_the_file(tree: Any) -> None:
    lay_space(tree, "resnet50", ["weight_decay=1e-6..1e-2:log"], only=False)
    assert list(check(tree, "params.yaml").tune.space) == ["lr", "batch_size", "weight_decay"]


def test_a_space_of_its_own_needs_a_key(tree: Any) -> None:
    lay_space(tree, "null_model", [], only=True)
    with pytest.raises(UserError, match=r"tune\.space"):
        check(tree, "params.yaml")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("resnet51",), "CLASSIFIER"),
        (("resnet50", "--trials", "0"), "--trials 0"),
        (("resnet50", "--epochs", "2", "--fraction", "2"), "--fraction 2.0"),
        (("resnet50", "--space", "lr=5..3"), "--space lr=5..3"),
        (("svm", "--space", "filters=1,2", "--only"), "--space filters=1,2 --only"),
        (("svm",), "params.yaml, searched for 'svm'"),
    ],
)
def test_a_wrong_word_is_named_as_it_was_typed(
    words: tuple[str, ...], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr("ferlab.code.check.check", lambda _: None)
    refused = CliRunner().invoke(app, ["tune", *words]).exception
    assert isinstance(refused, UserError)
    assert refused.where == where
