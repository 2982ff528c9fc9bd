"""What reading a dataset brings: its sets, what could not be read, and what a person should know."""

import re
from dataclasses import dataclass, field

from ferlab.data.images import ImageSet
from ferlab.errors import UserError, printable

_WAY = re.compile(": (unpack|name|save|convert) ")  # a problem that says itself what to do


@dataclass(frozen=True)
class Problem:
    """One picture or row that can't be used: where it is inside its container, and why."""

    where: str
    what: str


@dataclass(frozen=True)
class Reading:
    """A container read whole.

    Attributes:
        dataset: the form's name in the registry, e.g. `fer2013` or `ckplus`.
        form: how it is packed, for people.
        sets: by split: `train`, `valid`, `test`, as far as the data set has them, or `all`.
        problems: pictures and rows that are not in the sets.
        notices: what the form can't tell, or what was left out on purpose.
        members: the pictures that are in the sets, by their names in the container; none for a table.
        doubt: why its labels can't be trusted: it must not be stored.
        halved: whether `valid` and `test` of FER-2013 are halves of one folder that doesn't tell them apart.
    """

    dataset: str
    form: str
    sets: dict[str, ImageSet]
    problems: list[Problem]
    notices: list[str] = field(default_factory=list)
    members: tuple[str, ...] = ()
    halved: bool = False
    doubt: str = ""


def refuse(problems: list[Problem], where: str, partial: bool = True) -> None:
    """Raise a UserError that names the first problem and counts the others, if there are any.

    `partial`: whether one could do without what can't be used.
    """
    if not problems:
        return
    first = problems[0]
    others = len(problems) - 1
    ways = [] if _WAY.search(first.what) else ["get a whole copy"]
    ways += ["`ferlab data add --allow-partial` does without what can't be used"] if partial else []
    raise UserError(
        f"{printable(first.where)} {printable(first.what)}" + (f" (and {others} more can't be used)" if others else ""),
        where=f"{printable(where)}: {printable(first.where)}",
        next_step="; or ".join(ways),
    )


def tally(problems: list[Problem]) -> str:
    """How many were lost and why, in one line."""
    kinds: dict[str, list[str]] = {}
    for problem in problems:
        kinds.setdefault(problem.what, []).append(problem.where)
    return "; ".join(
        f"{len(places)} {what} ({printable(places[0])}{', …' if len(places) > 1 else ''})"
        for what, places in kinds.items()
    )
