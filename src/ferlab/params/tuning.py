"""Section `tune`, and how points of its space become settings of a classifier."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, takewhile
from math import prod
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Discriminator, Field, Tag, ValidationError, model_validator

from ferlab.errors import UserError
from ferlab.files import canonical_json
from ferlab.params.section import Fraction, NonNegative, Positive, Section

S = TypeVar("S", bound=BaseModel)
Scalar = int | float | bool | str
Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$")]
FIXED = ("method", "epochs")  # a search can't change what is searched, and `tune.epochs` sets how long


class Range(Section):
    """Numbers from low to high, whole ones if both are; `log` gives each factor of ten the same chance."""

    low: int | float
    high: int | float
    log: bool

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"a range needs low < high, not {self.low} and {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a log range needs bounds above zero, not {self.low}")
        return self


def _kind(value: Any) -> str:
    return "choices" if isinstance(value, list | tuple) else "range"


Choices = Annotated[list[Scalar], Field(min_length=1)]
Dimension = Annotated[Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices")], Discriminator(_kind)]


class Transfer(Section):
    best: NonNegative
    epochs: Positive


class Median(Section):
    """Stop a trial that is below the median of earlier trials at the same epoch."""

    kind: Literal["median"]


class SuccessiveHalving(Section):
    """Stop all trials but the best 1/`reduction` after `min_epochs`, and again each `reduction` times as many epochs.

    Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning".
    """

    kind: Literal["successive_halving"]
    min_epochs: Positive
    reduction: Annotated[int, Field(ge=2)]

    def rungs(self, epochs: int) -> list[int]:
        """Epochs after which trials are compared, up to the last one."""
        return list(takewhile(lambda rung: rung <= epochs, (self.min_epochs * self.reduction**k for k in count())))


Pruner = Annotated[Median | SuccessiveHalving, Field(discriminator="kind")]


class Tune(Section):
    seed: NonNegative
    trials: Positive
    epochs: Positive
    train_fraction: Annotated[float, Field(gt=0, le=1)]
    pruner: Pruner
    held_out: Fraction  # share of the training split that scores the trials in place of the split valid
    space: Annotated[dict[Key, Dimension], Field(min_length=1)]
    reference: dict[Key, Scalar]
    transfer: Transfer

    def choices(self, key: str) -> Sequence[Scalar] | None:
        """The values of a key; None of a range that isn't of whole numbers."""
        dimension = self.space[key]
        if not isinstance(dimension, Range):
            return list(dict.fromkeys(dimension))
        low, high = dimension.low, dimension.high
        return range(low, high + 1) if isinstance(low, int) and isinstance(high, int) else None

    @property
    def points(self) -> int | None:
        """How many points the space has; None where there is no end of them."""
        choices = [self.choices(key) for key in self.space]
        return None if None in choices else prod(len(values) for values in choices if values is not None)

    @model_validator(mode="after")
    def _rungs_before_the_end(self) -> "Tune":
        if isinstance(self.pruner, SuccessiveHalving):
            rungs = self.pruner.rungs(self.epochs)
            if not rungs or rungs[-1] == self.epochs:
                told = (
                    f"after {' and '.join(map(str, rungs))} of" if rungs else f"after {self.pruner.min_epochs} epochs,"
                )
                raise ValueError(
                    f"tune.pruner: trials are compared {told} {self.epochs}; they must be before the last epoch, "
                    "where nothing is left to save"
                )
        return self


class SettingsError(UserError, ValueError):
    """Settings that a classifier doesn't take: a user's to mend, and to a schema's own check, one of its errors."""


def with_values(settings: S, values: Mapping[str, Scalar]) -> S:
    """Settings of a classifier with some keys changed; a dotted key reaches into a section.

    Raises:
        SettingsError: there is no such key, it is not one to search, or the value isn't allowed, alone or beside the
            others; key and value are named.
    """
    tree = settings.model_dump(mode="json")
    for key, value in values.items():
        *path, last = key.split(".")
        node: Any = tree
        for part in path:
            node = node.get(part) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last not in node or key in FIXED:
            known = ", ".join(name for name in tree if name not in FIXED)
            raise SettingsError(f"there is no key '{key}' to search; the keys are {known}")
        node[last] = value
    try:
        return type(settings).model_validate_json(canonical_json(tree), strict=True)
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
        key = ".".join(map(str, item["loc"])) or ", ".join(values)
        raise SettingsError(f"{key}: {item['input']!r} is not allowed: {item['msg']}") from None


def check_space(settings: BaseModel, tune: Tune, check: Callable[[BaseModel], None]) -> None:
    """Try every bound and choice of the space, and the reference, on a classifier's settings.

    Args:
        check: of the settings so made; raises ValueError where they don't suit.

    Raises:
        ValueError: as `with_values`, and as `check`.
    """
    for key, dimension in tune.space.items():
        for value in _extremes(dimension):
            _try(f"tune.space.{key}", settings, {key: value}, check)
    _try("tune.reference", settings, tune.reference, check)


def _extremes(dimension: Range | list[Scalar]) -> Iterator[Scalar]:
    yield from (dimension.low, dimension.high) if isinstance(dimension, Range) else dimension


def _try(where: str, settings: BaseModel, values: Mapping[str, Scalar], check: Callable[[BaseModel], None]) -> None:
    try:
        check(with_values(settings, values))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
