"""Checkpoints that outlive their machine, in a folder and in S3 (moto's server stands in for it)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ferlab.errors import UserError
from ferlab.execution.away import AwayCheckpoints, checkpoints_of, hand_over, must_be_usable
from ferlab.execution.node import STORE
from ferlab.training.checkpoint import FILE, Checkpoints

STATE = {"step": 3, "module": {"weight": torch.arange(6.0)}}


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    pytest.importorskip("s3fs", reason="needs the extra s3")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    names = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="ferlab")
        yield "s3://ferlab/inflight"
    server.stop()


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.chaos)])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url: str = request.getfixturevalue("bucket") if request.param == "s3" else (tmp_path / "store").as_uri()
    url = f"{url}/{request.node.name}".replace("[", "-").replace("]", "")
    monkeypatch.setenv(STORE, url)
    return url


def machine(tmp_path: Path, name: str, identity: str = "0123abcd") -> Checkpoints:
    return checkpoints_of(tmp_path / name / identity, 0.0, None)


def test_another_machine_goes_on_from_the_last_checkpoint(store: str, tmp_path: Path) -> None:
    must_be_usable(store)
    first = machine(tmp_path, "first")
    assert first.load() is None
    first.save(STATE | {"step": 2})
    extra = first.folder / "epochs" / "0001" / "network.safetensors"  # beside the state, and needed with it
    extra.parent.mkdir(parents=True)
    extra.write_bytes(b"weights")
    first.save(STATE)
    first.child("member").save(STATE | {"step": 9})

    second = machine(tmp_path, "second")
    found = second.load()
    assert found is not None
    assert found["step"] == 3
    assert torch.equal(found["module"]["weight"], STATE["module"]["weight"])
    assert (second.folder / "epochs/0001/network.safetensors").read_bytes() == b"weights"
    assert (second.folder / FILE).read_bytes() == (first.folder / FILE).read_bytes()
    other = machine(tmp_path, "third").child("member").load()
    assert other is not None
    assert other["step"] == 9
    assert machine(tmp_path, "second", "another identity").load() is None


def test_what_is_here_is_not_overwritten_and_clearing_clears_both(store: str, tmp_path: Path) -> None:
    machine(tmp_path, "first").save(STATE)
    second = machine(tmp_path, "second")
    Checkpoints(second.folder, 0.0).save(STATE | {"step": 7})
    found = second.load()
    assert found is not None
    assert found["step"] == 7
    second.clear()
    assert machine(tmp_path, "third").load() is None


def test_without_a_store_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORE, raising=False)
    assert type(machine(tmp_path, "first")) is Checkpoints


def test_a_store_that_goes_away_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    checkpoints = AwayCheckpoints(tmp_path / "here", 0.0, None, f"{blocked}/store")
    checkpoints.save(STATE)
    checkpoints.save(STATE)
    assert capsys.readouterr().err.count("careful: the checkpoint stays on this machine") == 1
    assert (tmp_path / "here" / FILE).is_file()


@pytest.mark.parametrize("url", ["nosuch://place", "{file}/below", "s3://ferlab/no-server"])
def test_a_store_that_cannot_be_used_is_named_before_anything_runs(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if url.startswith("s3"):
        s3fs = pytest.importorskip("s3fs", reason="needs the extra s3")
        s3fs.S3FileSystem.clear_instance_cache()  # which remembers another test's server
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="store of checkpoints"):
        must_be_usable(url.format(file=tmp_path / "file"))


def test_a_store_is_handed_what_it_lacks_and_keeps_what_it_has(store: str, tmp_path: Path) -> None:
    """A node may have gone further than the machine that hands it over."""
    Checkpoints(tmp_path / "here" / "training", 0).save(STATE)
    hand_over(tmp_path / "here" / "training", f"{store}/training")
    away = checkpoints_of(tmp_path / "node" / "training", 0, None)
    assert isinstance(away, AwayCheckpoints)
    found = away.load()
    assert found is not None
    assert found["step"] == STATE["step"]
    away.save(STATE | {"step": 9})
    hand_over(tmp_path / "here" / "training", f"{store}/training")
    later = checkpoints_of(tmp_path / "other" / "training", 0, None).load()
    assert later is not None
    assert later["step"] == 9
