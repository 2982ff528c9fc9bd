"""The one observer: how a loop tells others where it is, knowing none of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

Observer = Callable[[int, Mapping[str, float]], None]
"""Called with a step (or epoch) and its measured values, once each, in order."""

Progress = Callable[[str, int | None], AbstractContextManager[Observer]]
"""(what is in progress, its last step or None where nobody can know it) -> an observer while it is under way."""


class Pruned(Exception):  # noqa: N818 (no error: a search has seen enough of a trial)
    """Raised by an observer to end a training early, on purpose."""


def ignore(step: int, values: Mapping[str, float]) -> None:
    """An observer that does nothing."""


def all_of(*observers: Observer) -> Observer:
    """One observer that calls several in turn."""

    def observe(step: int, values: Mapping[str, float]) -> None:
        for observer in observers:
            observer(step, values)

    return observe


@contextmanager
def unseen(title: str, total: int | None) -> Iterator[Observer]:
    """A progress that nobody watches."""
    yield ignore
