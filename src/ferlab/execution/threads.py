"""Work on threads of one process: what shares a GPU, where a process each would wait for the others' turns."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def on_threads(work: Callable[[T], R], items: Iterable[T], at_once: int, stop: threading.Event) -> dict[T, Future[R]]:
    """Do some work for each item, so many at once and in their order. None takes another with it.

    Args:
        stop: is set when the process is asked to stop. Work that looks at it then ends; what hasn't begun never does.

    Returns:
        Ended futures: each holds a result or what was raised, or was cancelled.

    Raises:
        KeyboardInterrupt: the process was asked to stop; all work has ended.
    """
    with ThreadPoolExecutor(at_once) as threads:
        futures = {item: threads.submit(work, item) for item in items}
        try:
            wait(futures.values())
        except KeyboardInterrupt:
            stop.set()
            for future in futures.values():
                future.cancel()
            raise
    return futures
