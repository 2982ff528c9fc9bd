"""pydantic's errors in the words of params.yaml."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from ferlab.params.near import did_you_mean

ADDED = {
    "data.channels": "; write 1 for grey faces, as they were before there was a choice, or 3 for RGB",
    "targets": "; write majority, to learn the label as before there was a choice",
}
"""Keys that an earlier version didn't have, or their last names where many rows have them -> what to write."""

CHOSEN = ("tagged-union", "union")  # kinds of schema whose members pydantic names in the paths of errors


def explain(error: Mapping[str, Any], model: type[BaseModel], known: Sequence[str] = ()) -> str:
    """One line for one of `ValidationError.errors()` of a model: the key, the value and what is allowed.

    Args:
        known: dotted keys of the file, one of which may have been meant by an unknown one.
    """
    path = in_the_file(error["loc"], model)
    if error["type"] == "extra_forbidden":
        others = [key for key in known if key != path and not key.startswith(f"{path}.")]
        meant = did_you_mean(path, others)
        return f"{path}: unknown key (value {error['input']!r}){meant}"
    if error["type"] == "missing":
        last = path.rpartition(".")[2]
        return f"{path}: missing key{ADDED.get(path) or ADDED.get(last, '')}"
    if error["type"] == "value_error":
        said = str(error["ctx"]["error"])  # a check of a whole section names keys of it, or whole ones
        return said if said.startswith(path) else f"{path}: {said}"
    return f"{path}: {error['input']!r} is not allowed: {error['msg'][0].lower()}{error['msg'][1:]}"


def in_the_file(path: Iterable[Any], model: type[BaseModel]) -> str:
    """A dotted key without the names of unions' members, which pydantic adds and the file has no levels for."""
    whole: Any = model.__pydantic_core_schema__
    shared = {schema["ref"]: schema for schema in whole.get("definitions", ())}
    keys = []
    schema = _inner(whole, shared)
    for part in path:
        kind = schema.get("type")
        if kind not in CHOSEN:
            keys.append(part)
        if kind == "tagged-union":
            below = schema["choices"].get(part)
        elif kind == "model-fields":
            below = schema["fields"].get(part)
        else:
            below = schema.get("values_schema", schema.get("items_schema"))
        schema = _inner(below or {}, shared)
    return ".".join(map(str, keys))


def _inner(schema: Any, shared: Mapping[str, Any]) -> Any:
    """What a chain of validators, models and references is about."""
    while schema.get("type") not in (*CHOSEN, "model-fields"):
        if "schema_ref" in schema:
            schema = shared[schema["schema_ref"]]
        elif "schema" in schema:
            schema = schema["schema"]
        else:
            break
    return schema
