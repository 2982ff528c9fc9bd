"""Errors name the file's own keys, whatever unions the schema is made of."""

from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ferlab.params.explain import explain


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: Annotated[int, Field(gt=0)]


class Tree(Part):
    method: Literal["tree"]
    tree: Part | None  # a key that is called as the method is
    parts: list[Part]


class Deep(Part):
    method: Literal["net"]
    net: Literal["deep"]
    limits: dict[str, int | bool]


class Wide(Part):
    method: Literal["net"]
    net: Literal["wide"]
    whole: bool = False

    @model_validator(mode="after")
    def _is_odd(self) -> Self:
        if self.size % 2 == 0:
            raise ValueError(f"{'methods.mine.' if self.whole else ''}size: {self.size} is even")
        return self


Net = Annotated[Deep | Wide, Field(discriminator="net")]


class Whole(BaseModel):
    methods: dict[str, Annotated[Tree | Net, Field(discriminator="method")]]


TREE = {"method": "tree", "size": 1, "tree": {"size": 1}, "parts": [{"size": 1}]}
WIDE = {"method": "net", "net": "wide", "size": 2}
DEEP = {"method": "net", "net": "deep", "size": 1, "limits": {"low": 1}}


def lines(method: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"methods": {"mine": method}})
    return [explain(error, Whole) for error in caught.value.errors(include_url=False)]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (TREE | {"size": 0}, "methods.mine.size: 0 is not allowed: input should be greater than 0"),
        (TREE | {"tree": {"size": 0}}, "methods.mine.tree.size: 0 is not allowed: input should be greater than 0"),
        (TREE | {"tree": {}}, "methods.mine.tree.size: missing key"),
        (TREE | {"net": 3}, "methods.mine.net: unknown key (value 3)"),
        (TREE | {"parts": [{"size": 1}, {}]}, "methods.mine.parts.1.size: missing key"),
        (DEEP | {"size": 0}, "methods.mine.size: 0 is not allowed: input should be greater than 0"),
        (DEEP | {"deep": 0}, "methods.mine.deep: unknown key (value 0)"),
        (WIDE, "methods.mine: size: 2 is even"),
        (WIDE | {"whole": True}, "methods.mine.size: 2 is even"),
        (DEEP | {"limits": {"low": "x"}}, "methods.mine.limits.low: 'x' is not allowed: input should be a valid"),
    ],
)
def test_the_path_is_the_files(method: dict[str, Any], expected: str) -> None:
    assert lines(method)[0].startswith(expected)
