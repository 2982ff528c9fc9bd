"""What a driver hears of tasks under way on a cluster."""

import threading
from collections.abc import Mapping
from typing import Any

from ferlab.execution.ray.cluster import on_node
from ferlab.execution.task import Event, Task, Tell


class Ear:
    """Hears from nodes how far their tasks are, by an actor that they speak to. Several threads may listen."""

    def __init__(self) -> None:
        import ray

        here = ray.get_runtime_context().get_node_id()
        actor: Any = ray.remote(_Mailbox)
        self.actor = actor.options(num_cpus=0, max_restarts=-1, scheduling_strategy=on_node(here)).remote()
        self.seconds = dict[str, float]()  # of each task, since its start, when it last said something
        self._heard, self._lock = dict[str, list[tuple[Any, ...]]](), threading.Lock()
        self._asked = self.actor.take.remote()

    def listen(self, running: Mapping[str, Task], tell: Tell) -> None:
        """Tell what these tasks have said. What others have said waits for whoever listens to them."""
        self._take()
        for name, task in running.items():
            for kind, seconds, text in self._heard.pop(name, []):
                self.seconds[name] = seconds
                tell(Event(kind, task, seconds, text))

    def _take(self) -> None:
        import ray

        with self._lock:
            if not ray.wait([self._asked], timeout=0)[0]:
                return
            try:
                said = ray.get(self._asked)
            except ray.exceptions.RayError:  # it is being begun again; what it had heard is no great loss
                said = []
            self._asked = self.actor.take.remote()
            for name, *words in said:
                self._heard.setdefault(name, []).append(tuple(words))


class _Mailbox:
    """Keeps what nodes say until it is taken."""

    def __init__(self) -> None:
        self.said = list[tuple[Any, ...]]()

    def hear(self, *said: Any) -> None:
        self.said.append(said)

    def take(self) -> list[tuple[Any, ...]]:
        said, self.said = self.said, []
        return said
