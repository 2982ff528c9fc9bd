"""A Ray cluster of several nodes on this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodes import NODE, PATIENCE
from temporary import TemporaryProject


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that runs nothing, to which tests add nodes."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")
        head = {**NODE, "num_cpus": 0, "include_dashboard": False}
        started = Cluster(initialize_head=True, head_node_args=head, shutdown_at_exit=False)
        yield started
        started.shutdown()


@pytest.fixture
def project(prepared: TemporaryProject, tmp_path: Path) -> TemporaryProject:
    """A copy of what the module has prepared, with a store of its own for checkpoints in flight."""
    project = prepared.copy(tmp_path / "project")
    project.change({"runtime": {"checkpoints": str(project.beside("inflight"))}})
    return project


@pytest.fixture
def add_node(cluster: Any) -> Iterator[Callable[..., Any]]:
    """Adds nodes of one CPU, which are gone after the test."""
    added = []

    def add(**more: Any) -> Any:
        added.append(cluster.add_node(wait=False, **NODE, **more))
        cluster.wait_for_nodes(timeout=PATIENCE)  # Ray's own wait gives a busy machine half a minute
        return added[-1]

    yield add
    for node in added:
        if node in cluster.worker_nodes:
            cluster.remove_node(node, allow_graceful=False)
