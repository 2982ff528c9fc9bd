"""How every command that works is asked to stop, and how it ends what it has started."""

import contextlib
import os
import signal
import subprocess
from types import FrameType

GRACE = 3.0  # seconds that a server has to end after it was asked to; it writes nothing that a kill could tear


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT raise what Ctrl-C raises, so that runs are marked KILLED and files are swept.

    Also where a shell's background job (`nohup … &`) ignores SIGINT: the process, and the stages that it starts, could
    not be asked to stop otherwise.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def end_group(leader: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it has started in its process group, which it leads; kill what doesn't end in time."""
    leader.terminate()  # it alone: whoever has workers ends them in its own way
    with contextlib.suppress(subprocess.TimeoutExpired):
        leader.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
