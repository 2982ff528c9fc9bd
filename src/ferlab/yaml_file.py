"""YAML files that people edit: read with their comments, changed, written back with them."""

import io
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ferlab.errors import UserError


def read_yaml(path: Path) -> Any:
    """A YAML file as ruamel's round-trip tree: behaves as plain values, keeps comments when written back.

    Raises:
        UserError: no such file, or not YAML (with line and column).
    """
    try:
        return YAML().load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path.name} doesn't exist", where=str(path.parent)) from None
    except (MarkedYAMLError, YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name}, line {mark.line + 1}, column {mark.column + 1}" if mark else path.name
        problem = getattr(error, "problem", None) or error
        raise UserError(f"not valid YAML: {problem}", where=place, next_step="mend this line") from None


def read_value(text: str, where: str) -> Any:
    """A value as params.yaml would read it: `1e-2` is a number, `none` a word, an empty text nothing at all.

    Raises:
        UserError: not YAML.
    """
    try:
        return YAML(typ="safe").load(text)
    except YAMLError:
        raise UserError(f"'{text}' is not a value that YAML can read", where=where) from None


def dump_yaml(tree: Any) -> str:
    """The text of a tree from `read_yaml`, comments kept."""
    yaml, text = YAML(), io.StringIO()
    yaml.width = 4096  # a list in brackets stays on its line
    yaml.dump(tree, text)
    return text.getvalue()


def overlay(tree: Any, changes: Mapping[str, Any], whole: Collection[str] = ()) -> None:
    """Lay `changes` on `tree` in place: mappings are merged key by key, anything else is replaced.

    Args:
        whole: dotted keys of mappings that are replaced too.
    """
    for key, value in changes.items():
        below = [name.removeprefix(f"{key}.") for name in whole if name.startswith(f"{key}.")]
        if isinstance(value, Mapping) and isinstance(tree.get(key), Mapping) and key not in whole:
            overlay(tree[key], value, below)
        else:
            changed = tree.get(key) != value
            tree[key] = _one_line(value) if isinstance(value, list | Mapping) else value
            comments = getattr(tree, "ca", None)
            if comments and (comment := comments.items.get(key)):
                if changed and comment[2]:
                    comment[2].column = 0  # one blank before it, however long the value was
                if isinstance(value, list | Mapping):
                    comments.items[key] = [None, None, comment[2], None]  # no more of one over several lines


def _one_line(values: list[Any] | Mapping[str, Any]) -> CommentedSeq | CommentedMap:
    """The values in brackets: with the comments of some over several lines ruamel would write broken YAML."""
    flow = CommentedMap(values) if isinstance(values, Mapping) else CommentedSeq(values)
    flow.fa.set_flow_style()
    return flow
