"""What tests on a Ray cluster of several nodes on this machine share."""

import os
import subprocess
import time
from pathlib import Path

from temporary import TemporaryProject

PATIENCE = 900  # seconds until a started command must train, on a busy machine
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "memory": 2**30}


def wait_for_checkpoint(
    project: TemporaryProject, process: "subprocess.Popen[bytes]", log: str, where: str = "*/state.safetensors"
) -> None:
    """Wait until a training has sent one to the store, and another.

    Args:
        where: the pattern of its place in the store.
    """
    deadline, seen = time.monotonic() + PATIENCE, set[int]()
    while len(seen) < 3:
        assert process.poll() is None, project.beside(log).read_text()
        assert time.monotonic() < deadline, project.beside(log).read_text()
        seen |= {path.stat().st_mtime_ns for path in project.beside("inflight").glob(where)}
        time.sleep(0.05)


def other_numpy(folder: Path) -> str:
    """A folder that, on PYTHONPATH, makes a node say that it has another NumPy."""
    about = folder / "numpy-9.9.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.9\n")
    return str(folder)


def elsewhere(folder: str) -> dict[str, str]:
    """The environment of a node that finds packages in a folder first."""
    return {"PYTHONPATH": os.pathsep.join((folder, os.environ.get("PYTHONPATH", "")))}
