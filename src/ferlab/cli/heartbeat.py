"""What of a long task's log is passed on to whoever watches, so that long work shows itself in a few lines."""

import re

from ferlab.cli.progress import Reached, duration
from ferlab.execution.task import Event

BEAT = 30.0  # seconds, at least, between two lines of one task
QUIET = 120.0  # seconds after which a task that prints nothing is said to be at work
SHARE = 0.1  # of the time that the task has taken: the longer it takes, the rarer they are


class Heartbeats:
    """Chooses lines: of an hour's task about thirty, of a night's about fifty, of one of seconds none."""

    def __init__(self) -> None:
        self._last = dict[str, float]()

    def started(self, event: Event) -> None:
        """A task begins, or begins again."""
        self._last[event.task.name] = 0.0

    def of(self, event: Event) -> Reached | None:
        """How far a task is by a line that it printed; None where the line says nothing of it, or too soon."""
        reached = Reached.read(event.text)
        return reached if reached and self._is_time(event, BEAT) else None

    def is_quiet(self, event: Event) -> bool:
        """Whether a running task has told nothing for so long that it should be said to be at work."""
        return self._is_time(event, QUIET)

    def _is_time(self, event: Event, least: float) -> bool:
        """Whether another line of a task is due; from then on it is taken to be told."""
        if event.seconds - self._last.get(event.task.name, 0.0) < max(least, SHARE * event.seconds):
            return False
        self._last[event.task.name] = event.seconds
        return True


def told(reached: Reached, stage: str) -> str:
    """A stage's progress for people, e.g. `epoch 2 of 3, validation accuracy 25.7%, 15 s left`.

    Args:
        stage: the stage's name in dvc.yaml; what a title says beyond it is a part of its work.
    """
    kind = stage.partition("@")[0]
    part = reached.title.removeprefix(stage.partition(":")[0].replace("@", "-")).strip("-")
    if kind == "tune" and part:
        part = f"trial {re.sub('^[0-9a-f]{8}-', '', part)}"  # a study's name ends in digits of its identity
    place = f"epoch {reached.step}" + (f" of {reached.total}" if reached.total else "")
    accuracy = reached.value("valid_accuracy")
    return ", ".join(
        filter(
            None,
            (
                part,
                place,
                "" if accuracy is None else f"validation accuracy {accuracy:.1%}",
                "" if reached.left is None else f"{duration(reached.left)} left",
            ),
        )
    )
