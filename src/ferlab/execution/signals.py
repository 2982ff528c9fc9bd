"""How every command that works is asked to stop."""

import signal
from types import FrameType


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT raise what Ctrl-C raises, so that runs are marked KILLED and files are swept.

    Also where a shell's background job (`nohup … &`) ignores SIGINT: the process, and the stages that it starts, could
    not be asked to stop otherwise.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
