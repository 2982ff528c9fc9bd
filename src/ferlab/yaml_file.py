"""YAML files that people edit: read with their comments, changed, written back with them."""

import io
import re
from collections.abc import Collection, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent

from ferlab.errors import UserError, printable
from ferlab.files import must_be_a_file

LARGEST = 2**18  # characters; params.yaml has 15 thousand
LARGEST_LOCK = 2**22  # of DVC; of a hundred stages it has half a million
MOST_VALUES = 100_000  # after each alias stands for what it names
_HOPELESS = 1000  # a depth for which ruamel takes long to find that it is one
DEEPEST = 50  # collections in each other; params.yaml has 6


def read_yaml(path: Path, largest: int = LARGEST) -> Any:
    """A YAML file as ruamel's round-trip tree: behaves as plain values, keeps comments when written back.

    Raises:
        UserError: no such file, unreadable, no file, not YAML (with line and column), or far more than one holds.
    """
    must_be_a_file(path)
    try:
        with path.open(encoding="utf-8") as handle:
            text = handle.read(largest + 1)
    except FileNotFoundError:
        raise UserError(f"{path.name} doesn't exist", where=str(path.parent)) from None
    except OSError as error:
        raise UserError(f"{path.name} can't be read: {error.strerror}", where=str(path.parent)) from None
    except UnicodeDecodeError as error:
        place = f"{path.name}, byte {error.start + 1}"
        raise UserError("isn't written in UTF-8", where=place, next_step="save it as UTF-8 in your editor") from None
    if len(text) > largest:
        raise UserError(f"more than {largest:,} characters, far more than such a file has", where=path.name)
    return _parse(YAML(), text, path.name)


def read_value(text: str, where: str) -> Any:
    """A value as params.yaml would read it: `1e-2` is a number, `none` a word, an empty text nothing at all.

    Raises:
        UserError: not YAML, or far more than a value.
    """
    try:
        return _parse(YAML(typ="safe"), text, where)
    except UserError as error:
        if "not valid YAML" not in error.what:
            raise
        raise UserError(f"'{printable(text)}' is not a value that YAML can read", where=where) from None


def _parse(yaml: YAML, text: str, where: str) -> Any:
    """The tree of a text, whose size, depth and aliases are looked at before anything is built of it."""
    if _depth(text) > _HOPELESS:
        raise UserError(f"more than {DEEPEST} levels in each other", where=where)
    try:
        if "*" in text or max(map(text.count, "[{-")) > DEEPEST:
            _check_aliases_and_depth(text, where)
        return yaml.load(text)
    except RecursionError:
        raise UserError(f"more than {DEEPEST} levels in each other", where=where) from None
    except (YAMLError, ValueError, TypeError, OverflowError) as error:  # the others: of a date, a number, a key
        raise (_conflict(text, where) or _invalid(where, error)) from None


def _depth(text: str) -> int:
    """How deep brackets or indentation may be: an upper bound, since those of comments and texts count too."""
    brackets = accumulate((1 if c in "[{" else -1 for c in re.findall(r"[][{}]", text)), initial=0)
    return max(max(brackets), *map(len, re.findall(r"^ +", text, re.MULTILINE)), 0)


def _check_aliases_and_depth(text: str, where: str) -> None:
    """A few lines of aliases to aliases stand for billions of values."""
    sizes = dict[str, int]()  # values below each anchor that has ended
    open_ = list[tuple[str | None, int]]()  # anchors of the collections that an event lies in, and values before them
    values = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, AliasEvent):
            if event.anchor in [anchor for anchor, _ in open_]:
                raise UserError(f"*{printable(event.anchor)} stands inside what it names", where=where)
            values += sizes.get(event.anchor, 1)
        elif isinstance(event, CollectionStartEvent):
            open_.append((event.anchor, values))
            if len(open_) > DEEPEST:
                raise UserError(
                    f"more than {DEEPEST} levels in each other", where=f"{where}, {_place(event.start_mark)}"
                )
        elif isinstance(event, CollectionEndEvent):
            anchor, before = open_.pop()
            values += 1
            if anchor:
                sizes[anchor] = values - before
        elif isinstance(event, ScalarEvent):
            values += 1
        if values > MOST_VALUES:
            raise UserError(f"more than {MOST_VALUES:,} values, aliases written out", where=where)


def _conflict(text: str, name: str) -> UserError | None:
    """That git left the marks of a merge in a text, if it did."""
    marks = [i for i, line in enumerate(text.splitlines(), 1) if line.startswith(("<<<<<<< ", ">>>>>>> "))]
    return (
        UserError(
            "holds a merge conflict of git",
            where=f"{name}, line {marks[0]}",
            next_step="keep one side of each conflict and remove git's marks (<<<<<<<, =======, >>>>>>>); "
            f"`git checkout --ours {name}` or `--theirs` takes one side whole",
        )
        if marks
        else None
    )


def _invalid(name: str, error: Exception) -> UserError:
    mark = getattr(error, "problem_mark", None)
    place = f"{name}, {_place(mark)}" if mark else name
    return UserError(
        f"not valid YAML: {getattr(error, 'problem', None) or error}", where=place, next_step="correct this line"
    )


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


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
