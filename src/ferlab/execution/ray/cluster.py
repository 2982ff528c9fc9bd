"""A connection to a Ray cluster: one of this command's own on this machine, or one that is there."""

import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ferlab.errors import UserError
from ferlab.execution.environment import Environment
from ferlab.execution.task import Task

OWN = "ray"  # the address of a cluster of its own
STORE = 200 * 2**20  # bytes of an own cluster's object store; what doesn't fit goes to disk
PATIENCE = 5.0  # seconds to wait for an address's first answer; Ray itself would try for minutes
ANSWER = 180.0  # seconds that a node has to start a process and say what is installed
PORT = 10001  # of ray://
_ADDRESS = re.compile(r"(ray://)?(\[[0-9a-fA-F:]+\]|[^:/\s]+)(?::(\d+))?")


@contextmanager
def connected(address: str, cpus: int) -> Iterator[None]:
    """Connect this process to a cluster, and check that its nodes have what this machine has.

    Args:
        address: `ray` for a cluster of its own, which ends with the block; else `auto`, HOST:PORT or ray://HOST:PORT.
        cpus: how many CPUs a cluster of its own gives to tasks.

    Raises:
        UserError: Ray isn't installed; no cluster answers there; or a node has other code or packages.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # as Ray will do by default
    os.environ.setdefault("RAY_worker_niceness", "0")  # else a busy machine starves tasks, which Ray gives 15
    try:
        import ray
    except ImportError as error:
        raise UserError(
            f"Ray isn't installed here: {error}", where=f"--on {address}", next_step="pip install 'ferlab[cluster]'"
        ) from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    scratch = tempfile.mkdtemp(prefix="ferlab-") if address == OWN else None  # a short path: sockets lie in it
    try:
        if scratch:
            own = {"num_cpus": cpus, "object_store_memory": STORE, "include_dashboard": False, "_temp_dir": scratch}
            _connect(address, "local", own | quiet)
        else:
            _must_listen(address)
            _connect(address, address, quiet)
            _must_be_equal()
        yield
    finally:
        ray.shutdown()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def _connect(told: str, address: str, options: dict[str, Any]) -> None:
    import ray

    try:
        ray.init(address, **options)
    except (Exception, SystemExit) as error:  # Ray ends a process that finds something else at an address
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise _nobody(told, said) from error


def _must_listen(address: str) -> None:
    """Raise a UserError where an address is none, or nothing listens there."""
    if address == "auto":
        return
    parts = _ADDRESS.fullmatch(address)
    if not parts or not (parts[1] or parts[3]):
        raise UserError(
            f"'{address}' is no cluster's address",
            where="--on",
            next_step="write ray (one of its own), auto, HOST:PORT or ray://HOST:PORT",
        )
    try:
        with socket.create_connection((parts[2].strip("[]"), int(parts[3] or PORT)), PATIENCE):
            pass
    except (OSError, OverflowError) as error:
        raise _nobody(address, getattr(error, "strerror", None) or str(error)) from None


def _nobody(address: str, said: str) -> UserError:
    return UserError(
        f"Ray can't begin a cluster here: {said}" if address == OWN else f"no Ray cluster answers: {said}",
        where=f"--on {address}",
        next_step="free memory and disk, or use another machine's"
        if address == OWN
        else "`ray start --head` begins one and says its address; `--on ray` needs none",
    )


def _must_be_equal() -> None:
    """Raise a UserError that names the first node with other code or packages than this machine's."""
    import ray

    here, ask = Environment.here(), ray.remote(_environment)
    nodes = {node["NodeID"]: node["NodeManagerHostname"] for node in _nodes()}
    asked = {node: ask.options(num_cpus=0, max_retries=0, scheduling_strategy=on_node(node)).remote() for node in nodes}
    for node, ref in asked.items():
        try:
            here.must_equal(ray.get(ref, timeout=ANSWER))
        except (ray.exceptions.RayError, RuntimeError) as error:
            said = str(getattr(error, "cause", None) or error).strip().splitlines()[-1]
            raise UserError(
                f"the node {nodes[node]} can't say which ferlab it has: {said}",
                where=node,
                next_step="install ferlab there as it is here, with the packages of requirements.lock",
            ) from None


def _environment() -> Environment:
    """What Ray runs on a node, which takes functions and no methods."""
    return Environment.here()


def _nodes() -> list[dict[str, Any]]:
    """The cluster's living nodes, as Ray describes them."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def must_fit(wanted: Iterable[Mapping[str, float]]) -> None:
    """Raise a UserError that names the resource where no node of the cluster can ever give what a task needs.

    Args:
        wanted: of each task `threads`, `gpu` and `memory`, as a Task has them.
    """
    nodes = [node["Resources"] for node in _nodes()]
    for needs in {tuple(one.items()): one for one in wanted}.values():
        if any(all(node.get(_RESOURCES[key][0], 0) >= amount for key, amount in needs.items()) for node in nodes):
            continue
        short = [
            f"{_amount(key, amount)} ({_RESOURCES[key][1]}), and the largest node has {_amount(key, most)}"
            for key, amount in needs.items()
            if (most := max((node.get(_RESOURCES[key][0], 0) for node in nodes), default=0)) < amount
        ]
        together = " and ".join(_amount(key, amount) for key, amount in needs.items() if amount)
        raise UserError(
            f"the cluster is too small: a task needs {'; '.join(short) or f'{together} on one node'}",
            where=f"{len(nodes)} nodes",
            next_step="add a larger node, or lower what a task is given",
        )


def room(threads: int) -> int:
    """How many tasks of so many threads the cluster can run at once."""
    return max(1, sum(int(node["Resources"].get("CPU", 0) // threads) for node in _nodes()))


_RESOURCES = {
    "threads": ("CPU", "compute.threads", "CPUs"),
    "gpu": ("GPU", "runtime.gpu_share", "GPUs"),
    "memory": ("memory", "runtime.memory_gib", "GiB of memory"),
}
"""What a task needs -> Ray's name of it, the parameter that asks for it, and its unit."""


def needs(task: Task) -> dict[str, float]:
    return {"threads": task.threads, "gpu": task.gpu, "memory": task.memory}


def _amount(key: str, amount: float) -> str:
    return f"{amount / 2**30 if key == 'memory' else amount:.3g} {_RESOURCES[key][2]}"


def on_node(node: str) -> Any:
    """That a task or actor is to be on one node and no other."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)
