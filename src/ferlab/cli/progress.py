"""Progress of what takes long: a bar on a terminal, plain lines elsewhere."""

import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

PLAIN_SECONDS = 10.0  # between plain lines where there is no terminal
_UNITS = (("weeks", 14 * 86400, 7 * 86400), ("days", 2 * 86400, 86400), ("h", 5400, 3600), ("min", 90, 60))
"""Name, from how many seconds on it is used, seconds of one."""


def duration(seconds: float) -> str:
    """Seconds as people say them: `40 s`, `12 min`, `3.5 h`, `4.0 days`, `6.2 weeks`."""
    name, size = next(((name, size) for name, first, size in _UNITS if seconds >= first), ("s", 1))
    return f"{seconds / size:.{int(size >= 3600)}f} {name}"


_LINE = re.compile(r"(\S+): (\d+)(?:/(\d+))?(?:, (\d+) s left)?(?:  (.*))?")


@dataclass(frozen=True)
class Reached:
    """How far something is: what a plain line says.

    Attributes:
        title: what is in progress.
        total: the last step, or None where nobody can know it.
        left: seconds, or None where they aren't known.
        values: what was measured, as text.
    """

    title: str
    step: int
    total: int | None = None
    left: float | None = None
    values: str = ""

    def __str__(self) -> str:
        place = f"{self.step}/{self.total}" if self.total else f"{self.step}"
        left = "" if self.left is None else f", {self.left:.0f} s left"
        return f"{self.title}: {place}{left}  {self.values}".rstrip()

    @classmethod
    def read(cls, line: str) -> "Reached | None":
        """What a line says that `str` made; None of any other line."""
        if not (found := _LINE.fullmatch(line)):
            return None
        title, step, total, left, values = found.groups()
        return cls(title, int(step), int(total) if total else None, float(left) if left else None, values or "")

    def value(self, name: str) -> float | None:
        """One of the values."""
        words = self.values.split()
        return float(words[words.index(name) + 1]) if name in words else None


class ShowProgress:
    """A progress bar on a terminal, plain lines elsewhere. Use as a context manager.

    Args:
        title: what is in progress.
        total: the last step, or None where nobody can know it.
    """

    def __init__(self, title: str, total: int | None) -> None:
        self.title, self.total = title, total
        self._started = self._printed = time.monotonic()
        self._first: int | None = None
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = None
        if sys.stderr.isatty():
            self._bar = Progress(*columns, TextColumn("{task.fields[values]}"), console=Console(stderr=True))
            self._task = self._bar.add_task(title, total=total, values="")

    def __enter__(self) -> "ShowProgress":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self._bar:
            self._bar.update(self._task, completed=step, values=shown)
            return
        now = time.monotonic()
        self._first = step if self._first is None else self._first
        if now - self._printed < PLAIN_SECONDS and step != self.total:
            return
        self._printed = now
        done = step - self._first
        left = None
        if self.total and done and step < self.total:
            left = (self.total - step) * (now - self._started) / done
        print(Reached(self.title, step, self.total, left, shown), file=sys.stderr, flush=True)


class ShowSteps:
    """One line a step of work whose length nobody knows; on a terminal with the time that it takes.

    Use as a context manager, which gives the function that is told each step.
    """

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._bar = quiet, None
        if not quiet and sys.stderr.isatty():
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True))

    def __enter__(self) -> "ShowSteps":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        if self._bar:
            self._bar.stop()

    def __call__(self, text: str) -> None:
        self._end()
        if self._bar:
            self._bar.add_task(escape(text), total=1)
        elif not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def _end(self) -> None:
        """The step before this one has ended: its time stands."""
        if self._bar:
            for task in self._bar.task_ids:
                self._bar.update(task, completed=1)


@contextmanager
def at_work(text: str, quiet: bool) -> Iterator[None]:
    """On a terminal, a line that says what is at work for so long as it is, and then goes."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(escape(text)):
        yield
