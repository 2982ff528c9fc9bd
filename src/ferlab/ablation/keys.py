"""The words of a question: keys of params.yaml, short or whole, and values that its schema accepts."""

from collections.abc import Mapping
from typing import Any

from ferlab import params as schema
from ferlab.errors import UserError
from ferlab.params import Params
from ferlab.params.near import near
from ferlab.training.identity import flatten

QUESTION = "the question"  # where an error is found that no single word of it makes
NOT_ASKED = "a question is about one arm, its classifier, its synthetic set and compute"


def known_keys(params: Params, arm: str) -> dict[str, Any]:
    """The dotted keys that a question about `arm` may change, with their values in params.yaml."""
    everything = flatten({key: params.plain(key) for key in type(params).model_fields})
    return {key: value for key, value in everything.items() if key.startswith(_rooms(params, arm))}


def resolve(key: str, params: Params, arm: str, where: str = QUESTION) -> str:
    """The dotted key that a short one means: inside the arm, then its classifier, then wherever it is unique.

    Args:
        where: the option or the file in which it stands, for errors.

    Raises:
        UserError: no such key (near ones are named), several, or one that another question's stage uses.
    """
    known = known_keys(params, arm)
    inside = (f"arms.{arm}.", f"classifiers.{params.arms[arm].classifier}.")
    for candidate in (key, *(room + key for room in inside)):
        if candidate in known:
            return candidate
    for room in (*inside, ""):
        found = [name for name in known if name.startswith(room) and name.endswith(f".{key}")]
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(
                f"'{key}' is several keys: {', '.join(found)}", where=where, next_step="write the whole key"
            )
    everything = flatten({name: params.plain(name) for name in type(params).model_fields})
    if key in everything:
        raise UserError(f"'{key}' can't be asked: {NOT_ASKED}", where=where)
    hint = f"the arm's own keys: {', '.join(_own(known, arm))}"
    if meant := near(key, known):
        hint = f"did you mean {' or '.join(_short(name, inside) for name in meant)}?"
    elif meant := near(key, everything):
        hint = f"{hint}; {' or '.join(meant)} can't be asked: {NOT_ASKED}"
    raise UserError(f"params.yaml has no key '{key}'", where=where, next_step=hint)


def assignment(text: str, where: str) -> tuple[str, str]:
    """`key=value` in its two parts.

    Raises:
        UserError: there is no `=`, or nothing before it.
    """
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise UserError(f"'{text}' is not of the form key=value", where=where)
    return key.strip(), value.strip()


def changed(params: Params, arm: str, settings: Mapping[str, Any], where: str = QUESTION) -> Params:
    """Parameters that run `arm` alone, with dotted keys replaced; checked whole."""
    tree = replaced(params, settings)
    tree["run"] |= {"arms": {arm: tree["arms"][arm]["synthetic"]}, "families": list(params.gan.families)}
    return schema.check(tree, where)


def replaced(params: Params, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as plain values with dotted keys replaced, not checked."""
    tree: dict[str, Any] = {key: params.plain(key) for key in type(params).model_fields}
    for key, value in settings.items():
        *path, last = key.split(".")
        node = tree
        for name in path:
            node = node[name]
        node[last] = value
    return tree


def _rooms(params: Params, arm: str) -> tuple[str, ...]:
    """What may be changed. The family is any: `synthetic=` may be a part of the question too."""
    return (f"arms.{arm}.", f"classifiers.{params.arms[arm].classifier}.", "synthesis.", "gan.", "compute.")


def _short(key: str, inside: tuple[str, ...]) -> str:
    """A key as a question may name it."""
    return next((key.removeprefix(room) for room in inside if key.startswith(room)), key)


def _own(known: Mapping[str, Any], arm: str) -> list[str]:
    return [key.removeprefix(f"arms.{arm}.") for key in known if key.startswith(f"arms.{arm}.")]
