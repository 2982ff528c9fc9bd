"""What a command has started ends with it."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from ferlab.execution import signals

SERVER = "trap '{trap}' TERM; sleep 900 & echo $! > {worker}; while :; do sleep 0.01; done"


@pytest.mark.parametrize("trap", ["exit 0", ""], ids=["ends when asked", "never ends"])
def test_a_group_ends_with_its_workers(trap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that ends leaves its worker to us; one that doesn't is killed."""
    monkeypatch.setattr(signals, "GRACE", 5.0 if trap else 0.1)
    worker = tmp_path / "worker"
    leader = subprocess.Popen(("sh", "-c", SERVER.format(trap=trap, worker=worker)), process_group=0)
    while not (worker.exists() and worker.read_text()):
        time.sleep(0.01)
    child = psutil.Process(int(worker.read_text()))
    signals.end_group(leader)
    assert leader.returncode == (0 if trap else -signal.SIGKILL)
    assert psutil.wait_procs([child], 60)[1] == []


PAGE = """
import sys
from ferlab.cli.main import main
sys.argv = ["ferlab", "ui", "--port", sys.argv[1]]
main()
"""


@pytest.mark.long  # MLflow's server takes its time
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["terminate", "Ctrl-C"])
def test_all_pages_end_with_their_command(number: int, tmp_path: Path) -> None:
    import socket

    from temporary import TemporaryProject

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    project = TemporaryProject.create(tmp_path / "project", None)
    page = project.start(sys.executable, "-c", PAGE, str(port))
    while not (shown := re.search(r"all of it, with the reports: (\S+)", project.beside("log.txt").read_text())):
        assert page.poll() is None
        time.sleep(0.1)
    workers = psutil.Process(page.pid).children(recursive=True)
    assert workers
    assert urlopen(f"http://127.0.0.1:{port}", timeout=10).status == 200  # it answers by then
    assert f'href="http://127.0.0.1:{port}"' in urlopen(shown[1], timeout=60).read().decode()
    page.send_signal(number)
    assert page.wait(60) == 0
    assert psutil.wait_procs(workers, 60)[1] == []
