"""No number of the schema takes `true`, which Python holds for equal to 1."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from ferlab.errors import UserError
from ferlab.params import Section, check
from ferlab.params.study import GanStudy
from ferlab.yaml_file import read_yaml
from small import REPOSITORY

HOLDERS = (list, dict, Union, UnionType)  # of other types


def sections(of: type[Section] = Section) -> Iterator[type[Section]]:
    """All sections of the schema, and of studies."""
    for one in of.__subclasses__():
        if one.__module__.startswith("ferlab."):
            yield one
        yield from sections(one)


def simple(kind: Any) -> Iterator[Any]:
    """The types that the values of a type are made of, with what is demanded of them."""
    whole = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(whole) in HOLDERS:
        for part in get_args(whole):
            yield from simple(part)
    elif whole is not bool and not (isinstance(whole, type) and issubclass(whole, BaseModel)):
        yield kind


FIELDS = {
    f"{section.__name__}.{name}": Annotated[field.annotation, *field.metadata]  # type: ignore[name-defined]
    if field.metadata
    else field.annotation
    for section in sections()
    for name, field in section.model_fields.items()
}


def test_true_is_no_value_of_any_field_but_of_one_that_is_true_or_false() -> None:
    taken = list[str]()
    for name, kind in FIELDS.items():
        for one in simple(kind):
            try:
                TypeAdapter(one).validate_json("true", strict=True)
                taken.append(f"{name}: {one}")
            except ValidationError:
                pass
    assert {"Data.channels", "Range.low", "GanFamily.epochs", f"{GanStudy.__name__}.draws"} <= FIELDS.keys()
    assert not taken


@pytest.mark.parametrize("key", ["data.channels", "classifiers.svm-lbp.features.grid", "tune.space.lr.low"])
@pytest.mark.parametrize("value", [True, False])
def test_the_key_is_named(key: str, value: bool) -> None:
    tree = node = read_yaml(REPOSITORY / "params.yaml")
    *path, last = key.split(".")
    for name in path:
        node = node[name]
    node[last] = value
    with pytest.raises(UserError, match=rf"^{key}: {value} is not allowed: input should be a "):
        check(tree, "params.yaml")
