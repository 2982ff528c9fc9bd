"""From a question to its points: plain data that can travel to wherever they are run."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ferlab.ablation import keys
from ferlab.errors import UserError
from ferlab.files import canonical_json
from ferlab.params import Params
from ferlab.params.near import near
from ferlab.yaml_file import read_value, read_yaml

Words = tuple[str, Any, str]
"""A key, its value or values, and the option or file in which they stand, for errors."""


@dataclass(frozen=True)
class Question:
    """One arm, what is set for every point, and what is varied.

    Attributes:
        settings: dotted key to value.
        grid: dotted key to values; the first of each makes the baseline.
    """

    arm: str
    seeds: tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many runs it asks for."""
        return len(self.seeds) * prod(len(values) for values in self.grid.values())


@dataclass(frozen=True)
class Point:
    """One run: an arm, a seed, and the dotted keys that differ from params.yaml."""

    arm: str
    seed: int
    settings: Mapping[str, Any]
    varied: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What is varied, short: `lr=0.01 synthetic=none`; the arm's name if nothing is."""
        parts = [f"{key.rsplit('.', 1)[-1]}={shown(value)}" for key, value in self.varied.items()]
        return " ".join(parts) or self.arm

    @property
    def name(self) -> str:
        """Distinct for each point of every question, fit for a file: `resnet50-0-3f2a…`."""
        digest = hashlib.sha256(canonical_json(dict(self.settings)).encode()).hexdigest()[:12]
        return f"{self.arm}-{self.seed}-{digest}"

    @property
    def words(self) -> tuple[str, ...]:
        """The command that runs it alone."""
        told = (word for key, value in self.settings.items() for word in ("--set", f"{key}={json.dumps(value)}"))
        return "ferlab", "train", self.arm, "--seed", str(self.seed), *told


def shown(value: Any) -> str:
    """A value as a person types it."""
    return f"{value:g}" if isinstance(value, float) else "null" if value is None else str(value).lower()


def ask(
    params: Params,
    arm: str,
    seeds: Sequence[int],
    settings: Sequence[str] = (),
    grid: Sequence[str] = (),
    arm_is: str = "--arm",
) -> Question:
    """Make a question from a command line's words, `key=value` and `key=value,value`.

    Args:
        arm_is: what the command line calls the arm.

    Raises:
        UserError: an unknown arm, key or value; an empty grid; a key set twice. It names the option that was typed.
    """
    told, varied = list[Words](), list[Words]()
    for text in settings:
        where = f"--set {text}"
        key, value = keys.assignment(text, where)
        told.append((key, read_value(value, where), where))
    for text in grid:
        where = f"--grid {text}"
        key, value = keys.assignment(text, where)
        varied.append((key, [read_value(v, where) for v in value.split(",")] if value else [], where))
    return _checked(params, arm, seeds, told, varied, arm_is)


class _File(BaseModel):
    """A question in YAML."""

    model_config = ConfigDict(extra="forbid", strict=True)
    arm: str
    seeds: int | list[int] = 1
    set: dict[str, Any] = {}
    grid: dict[str, list[Any]] = {}


def read(params: Params, path: Path) -> Question:
    """Read a question from a YAML file with `arm`, `seeds` (a number or a list), `set` and `grid`.

    Raises:
        UserError: no such file, not YAML, an unknown part; or what `ask` raises.
    """
    try:
        told = _File.model_validate(_plain(read_yaml(path)))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg'].lower()}" for e in error.errors()]
        raise UserError(
            "\n".join(lines), where=str(path), next_step="a question has arm, seeds, set and grid"
        ) from None
    seeds = range(told.seeds) if isinstance(told.seeds, int) else told.seeds
    settings, grid = (
        [(key, value, f"{path.name}: {part}.{key}") for key, value in getattr(told, part).items()]
        for part in ("set", "grid")
    )
    return _checked(params, told.arm, seeds, settings, grid, f"{path.name}: arm")


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    return [_plain(item) for item in node] if isinstance(node, list) else node


def _checked(
    params: Params,
    arm: str,
    seeds: Sequence[int],
    settings: Sequence[Words],
    grid: Sequence[Words],
    arm_is: str,
) -> Question:
    if arm not in params.arms:
        raise UserError(
            f"there is no arm '{arm}'",
            where=arm_is,
            next_step=f"{_meant(arm, params)}the arms are {', '.join(params.arms)}",
        )
    if not seeds or min(seeds) < 0 or len(set(seeds)) != len(seeds):
        raise UserError(f"seeds {list(seeds)}: at least one, each once, from 0 up", where=keys.QUESTION)
    told = [(keys.resolve(key, params, arm, where), value, where) for key, value, where in settings]
    varied = [(keys.resolve(key, params, arm, where), tuple(values), where) for key, values, where in grid]
    names = set[str]()
    for key, _, where in (*told, *varied):
        if key in names:
            raise UserError(f"{key} is given twice", where=where, next_step="set it, or vary it, once")
        names.add(key)
    own = {key: value for key, value, _ in told}
    keys.changed(params, arm, own, " ".join(where for *_, where in told) or keys.QUESTION)
    for key, values, where in varied:
        if not values:
            raise UserError(f"the grid of {key} is empty", where=where, next_step="name its values: key=1,2")
        if len({repr(v) for v in values}) != len(values):
            raise UserError(f"the grid of {key} names a value twice", where=where)
        for value in values:  # each alone: a wrong one is named before anything starts
            keys.changed(params, arm, own | {key: value}, where)
    return Question(arm, tuple(seeds), own, {key: values for key, values, _ in varied})


def _meant(arm: str, params: Params) -> str:
    """The arms that a mistaken name may have meant, before dozens of others."""
    found = near(arm, params.arms)
    return f"did you mean {' or '.join(found)}? " if found else ""


def points(question: Question) -> list[Point]:
    """Every run of a question: the grid in its given order, seeds innermost."""
    found = []
    for values in product(*question.grid.values()):
        varied = dict(zip(question.grid, values, strict=True))
        found += [Point(question.arm, seed, dict(question.settings) | varied, varied) for seed in question.seeds]
    return found
