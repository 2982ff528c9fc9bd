"""Identity: every ingredient changes the name, and a change is named."""

from collections.abc import Mapping
from typing import Any

import pytest

from ferlab.training.identity import Identity, changes, flatten, identify


def name_it(**other: Any) -> Identity:
    ingredients: dict[str, Any] = {
        "stage": "gan",
        "arguments": {"family": "dcgan", "seed": 0},
        "params": {"gan.families.dcgan": {"lr": 1e-4, "epochs": 80}, "compute.threads": 2},
        "inputs": {"work/ckplus": "a"},
        "code": {"gan": "b", "data": "c"},
        "device": "cpu",
    }
    return identify(**(ingredients | other))


def test_the_same_ingredients_give_the_same_name() -> None:
    turned = {"compute.threads": 2, "gan.families.dcgan": {"epochs": 80, "lr": 1e-4}}
    names = {name_it().name, name_it().name, name_it(params=turned).name}
    assert len(names) == 1
    assert len(names.pop()) == 16


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (
            {"params": {"gan.families.dcgan": {"lr": 1e-3, "epochs": 80}, "compute.threads": 2}},
            "parameter gan.families.dcgan.lr 0.0001 -> 0.001",
        ),
        (
            {"params": {"gan.families.dcgan": {"lr": 1e-4, "epochs": 80}, "compute.threads": 4}},
            "parameter compute.threads 2 -> 4",
        ),
        (
            {"params": {"gan.families.dcgan": {"lr": 1e-4, "epochs": 80}}},
            "parameter compute.threads 2 -> None",
        ),
        ({"arguments": {"family": "dcgan", "seed": 1}}, "argument seed 0 -> 1"),
        ({"device": "cuda"}, "device cpu -> cuda"),
        ({"code": {"gan": "b"}}, "code of data"),
        ({"code": {"gan": "edited", "data": "c"}}, "code of gan"),
        ({"inputs": {}}, "input work/ckplus"),
        ({"inputs": {"work/ckplus": "other images"}}, "input work/ckplus"),
    ],
)
def test_each_ingredient_changes_it_and_is_named(other: Mapping[str, Any], named: str) -> None:
    before, after = name_it(), name_it(**other)
    assert before.name != after.name
    assert changes(before.manifest, after.manifest) == [named]


def test_another_stage_is_another_name() -> None:
    assert name_it().name != name_it(stage="train").name


def test_no_change() -> None:
    manifest = {"params": {"a": {"b": 1}}, "inputs": {}, "code": {}, "arguments": {}, "device": "cpu"}
    assert changes(manifest, dict(manifest)) == []


def test_flatten() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": [1, 2]}, "e": None}) == {"a.b.c": 1, "a.d": [1, 2], "e": None}
