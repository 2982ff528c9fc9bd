"""How long tasks will take together."""

import heapq
from collections.abc import Iterable, Mapping

from ferlab.execution.task import Task


def makespan(tasks: Iterable[Task], jobs: int, running: Mapping[str, float] | None = None) -> float:
    """Seconds until all tasks have ended, if each takes as long as expected and they start as an executor starts them.

    Args:
        jobs: tasks side by side.
        running: name of a task that has been started -> seconds that it still takes; those come first.
    """
    running = running or {}
    waiting = {task.name: task for task in tasks if task.name not in running}
    busy = [(seconds, name) for name, seconds in running.items()]
    heapq.heapify(busy)
    now, open_ = 0.0, waiting.keys() | running.keys()
    while waiting or busy:
        ready = [task for task in waiting.values() if not task.waits_for & open_]
        for task in sorted(ready, key=lambda task: task.order)[: max(0, jobs - len(busy))]:
            del waiting[task.name]
            heapq.heappush(busy, (now + task.seconds, task.name))
        if not busy:  # what is left waits for what isn't here
            break
        now, name = heapq.heappop(busy)
        open_ -= {name}
    return now
