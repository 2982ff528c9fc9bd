"""Ray's object store and the disk behind it are full, where the driver is or on a node."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ferlab.errors import UserError
from ferlab.execution.ray.cluster import connected
from ferlab.execution.task import Event, Outcome, Task
from ferlab.project import Project
from nodes import NODE, PATIENCE

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(1200)]
pytest.importorskip("ray", reason="needs the extra cluster")

SMALL = {**NODE, "object_store_memory": 80 * 2**20}  # bytes; Ray takes no less than 75 MiB
FULL = {"RAY_local_fs_capacity_threshold": "0.0"}  # the share of a disk above which Ray writes no more
HALF = 50 * 2**20  # bytes, of which the store holds one but not two


@contextmanager
def cluster_of(head: dict[str, str], node: dict[str, str]) -> Iterator[str]:
    """A cluster whose head, where the driver is, and one node have these in their environment; its address."""
    from ray.cluster_utils import Cluster

    started = Cluster(
        initialize_head=True,
        head_node_args={**SMALL, "num_cpus": 0, "include_dashboard": False, "env_vars": head},
        shutdown_at_exit=False,
    )
    try:
        started.add_node(wait=False, **SMALL, env_vars=node)
        started.wait_for_nodes(timeout=PATIENCE)
        with connected(started.address, 1):
            yield started.address
    finally:
        started.shutdown()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[Outcome, list[Event]]]:
    """Runs tasks on the cluster; what they make lands in the folder `home`."""
    project = Project(tmp_path / "home")
    (project.root / "work").mkdir(parents=True)

    def take(_: Task, sent: Path) -> None:
        for path in (sent / "work").iterdir():
            path.rename(project.work / path.name)

    def run(*tasks: Task) -> tuple[Outcome, list[Event]]:
        from ferlab.execution.ray.executor import OnRay

        heard = list[Event]()
        return OnRay(project, take).run(tasks, heard.append), heard

    return run


def task(home: Path, name: str, script: str, **more: Any) -> Task:
    return Task(name, ("sh", "-c", script), home, home / "logs" / name, memory=2**29, **more)


def test_a_full_node_fails_what_it_cannot_send_and_nothing_else(
    run: Callable[..., tuple[Outcome, list[Event]]], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    made = [home / "work" / name for name in ("small", "large", "next")]
    with cluster_of({}, FULL):
        outcome, heard = run(
            task(home, "small", "mkdir work; echo 1 > work/small", outs=made[:1], rank=(0,)),
            task(home, "large", f"mkdir work; head -c {2 * HALF} /dev/zero > work/large", outs=made[1:2], rank=(1,)),
            task(home, "next", "mkdir work; echo 2 > work/next", outs=made[2:], rank=(2,)),
        )
    assert (sorted(outcome.done), outcome.failed) == (["next", "small"], ["large"])
    assert [path.exists() for path in made] == [True, False, True]
    (said,) = (event.text for event in heard if event.kind == "failed")
    assert "Ray's object store is full, and so is the disk" in said
    assert "where: node " in said
    assert "--object-store-memory" in said


def test_a_full_machine_of_the_driver_is_told_and_what_has_come_stays(
    run: Callable[..., tuple[Outcome, list[Event]]], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    inputs = [home / "work" / name for name in ("one", "two")]
    first = task(home, "first", "echo 1 > work/first", inputs=inputs[:1], outs=(home / "work" / "first",))
    second = task(home, "second", "true", inputs=inputs[1:], waits_for=frozenset({"first"}))
    with cluster_of(FULL, {}):
        for path in inputs:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(HALF))
        with pytest.raises(UserError, match="object store is full") as error:
            run(first, second)
    assert error.value.where == "this machine"
    assert (home / "work" / "first").read_text() == "1\n"
