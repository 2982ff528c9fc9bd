"""Clusters that can't be had: told within seconds, and before anything runs."""

import socket
import sys
from pathlib import Path

import pytest

from ferlab.cli.cluster import must_suit, pipeline_on
from ferlab.errors import UserError
from ferlab.execution.ray.cluster import connected
from ferlab.params import load
from ferlab.project import Project
from small import REPOSITORY


def _refused() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("address", ["{}", "ray://{}"])
def test_no_cluster_at_an_address(address: str) -> None:
    pytest.importorskip("ray", reason="needs the extra cluster")
    with pytest.raises(UserError, match="no Ray cluster answers") as error, connected(address.format(_refused()), 1):
        pass
    assert "ray start --head" in str(error.value)


@pytest.mark.parametrize("address", ["nowhere", "host:port", "http://host:1", "host:1:2", ""])
def test_what_is_no_address(address: str) -> None:
    pytest.importorskip("ray", reason="needs the extra cluster")
    with pytest.raises(UserError, match="is no cluster's address"), connected(address, 1):
        pass


@pytest.mark.parametrize("address", ["ray", "auto", "10.0.0.1:6379"])
def test_without_ray_the_extra_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as Python leaves what can't be imported
    with pytest.raises(UserError, match="isn't installed") as error, connected(address, 1):
        pass
    assert "ferlab[cluster]" in str(error.value)


def test_no_cluster_for_a_rebuild(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra cluster")
    params = load(REPOSITORY / "params.yaml")
    params = params.model_copy(update={"compute": params.compute.model_copy(update={"device": "cpu"})})
    project = Project(tmp_path)
    with pytest.raises(UserError, match="is no cluster's address"), pipeline_on("nowhere", 1, project, params):
        pass


@pytest.mark.parametrize(
    ("pack", "resume", "store", "told"),
    [(8, True, None, "--pack"), (0, False, "s3://bucket/inflight", "s3://bucket/inflight")],
)
def test_options_that_a_cluster_passes_over_are_named(pack: int, resume: bool, store: str | None, told: str) -> None:
    params = load(REPOSITORY / "params.yaml")
    must_suit(params, 0, resume=True)
    params = params.model_copy(update={"runtime": params.runtime.model_copy(update={"checkpoints": store})})
    with pytest.raises(UserError) as error:
        must_suit(params, pack, resume)
    assert told in str(error.value)
