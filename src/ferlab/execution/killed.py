"""Why a task was killed, as far as that can be known: the signal, and whether the kernel was short of memory."""

import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ferlab.execution.task import Event

VMSTAT = Path("/proc/vmstat")  # whole machine's, of containers too
DVC_SAYS = f"exited with -{signal.SIGKILL:d}"  # of a stage's process


def oom_kills() -> int:
    """How many processes the kernel has ended for want of memory since it started; 0 where it doesn't say."""
    with suppress(OSError, ValueError):
        return int(next(line.split()[1] for line in VMSTAT.read_text().splitlines() if line.startswith("oom_kill ")))
    return 0


def was_killed(event: Event) -> bool:
    """Whether a task that failed, or the stage in it, was ended by SIGKILL."""
    return event.code == -signal.SIGKILL or DVC_SAYS in event.text


@dataclass(frozen=True)
class Killed:
    """Says it, by what the kernel had counted when this was made: before the tasks begin.

    Args:
        less_memory: what to do to need less memory.
    """

    less_memory: str
    before: int = field(default_factory=oom_kills)

    def __str__(self) -> str:
        if oom_kills() > self.before:
            return f"killed (signal 9): the kernel has ended a process for want of memory meanwhile; {self.less_memory}"
        return f"killed (signal 9): by a person, a scheduler, or most likely for want of memory; {self.less_memory}"
