"""What all executors have in common: begin what is ready, note what has ended, stop what is left."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ferlab.execution.task import Outcome, Task


class Place(Protocol):
    """Where tasks run, while an executor is at work."""

    @property
    def running(self) -> Sequence[Task]:
        """What has begun here and hasn't ended."""

    @property
    def free(self) -> float:
        """How many more can begin."""

    def begin(self, task: Task) -> None:
        """Let a task run."""

    def look(self, outcome: Outcome) -> None:
        """Wait a moment, tell what has happened, and note what has ended."""

    def stop(self) -> None:
        """Ask what is running to end."""


def run(
    tasks: Sequence[Task], places: Sequence[Place], place_of: Callable[[Task], Place], goes_on: Callable[[], bool]
) -> Outcome:
    """Run tasks, as an `Executor` owes it, each in its place.

    Args:
        goes_on: asked again and again; once it says no, running tasks are stopped.
    """
    outcome, waiting = Outcome(), {task.name: task for task in tasks}
    names = frozenset(waiting)
    try:
        while goes_on():
            done = set(outcome.done)
            ready = [task for task in waiting.values() if task.waits_for & names <= done]
            for task in sorted(ready, key=lambda task: task.order):
                if place_of(task).free > 0:
                    place_of(task).begin(waiting.pop(task.name))
            busy = [place for place in places if place.running]
            if not busy:
                break
            for place in busy:
                place.look(outcome)
    finally:
        outcome.stopped = [task.name for place in places for task in place.running]
        for place in places:
            place.stop()
    outcome.left = list(waiting)
    return outcome
