"""What a project is told of its DVC remotes: a pipeline of DVC, a folder, servers of S3 and SSH, all of them real."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import pytest
from dvc.repo import Repo
from PIL import Image

from ferlab.errors import UserError
from ferlab.execution.remotes import look
from ferlab.project import Project
from small import noise
from ssh_server import serving
from temporary import TemporaryProject, stages_run

KEYS = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "for-tests") | {"AWS_DEFAULT_REGION": "us-east-1"}
PIPELINE = """\
stages:
  copy:
    cmd: mkdir -p work/runs reports/tiny && cp data/faces work/runs/weights && cp data/faces reports/tiny/table
    deps: [data]
    outs:
      - work/runs
      - reports/tiny/table: {cache: false}
"""


@dataclass
class Clone:
    """A git repository with a small pipeline of DVC's."""

    root: Path

    def git(self, *words: str) -> None:
        author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *author, *words], cwd=self.root, check=True, capture_output=True)

    def dvc(self, *words: str) -> None:
        from dvc.cli import main

        with chdir(self.root):
            assert main([*words, "--quiet"]) == 0, words

    def told(self) -> tuple[list[str], list[str]]:
        found = look(Project(self.root))
        return found.notes, found.problems


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """After a run, committed; read-only."""
    clone = Clone(tmp_path_factory.mktemp("made") / "project")
    (clone.root / "data").mkdir(parents=True)
    (clone.root / "data" / "faces").write_text("drawn")
    (clone.root / "params.yaml").touch()
    (clone.root / "dvc.yaml").write_text(PIPELINE)
    clone.git("init")
    clone.dvc("init")
    clone.dvc("add", "data")
    clone.dvc("repro")
    shutil.copyfile(clone.root / "dvc.lock", clone.root / "reports" / "tiny" / "dvc.lock")
    clone.git("add", "--all")
    clone.git("commit", "--message", "Results")
    return clone


@pytest.fixture
def clone(made: Clone, tmp_path: Path) -> Clone:
    shutil.copytree(made.root, tmp_path / "project", symlinks=True)
    return Clone(tmp_path / "project")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Where a server of S3 answers."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    pytest.importorskip("dvc_s3")
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


Remote = tuple[str, dict[str, str]]  # the address after `dvc remote add --default NAME`, and its options


@pytest.fixture
def remote(kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    if kind == "folder":
        return str(tmp_path / "storage"), {}
    if kind == "ssh":
        return request.getfixturevalue("ssh")  # type: ignore[no-any-return]
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    return _bucket(request.getfixturevalue("s3"))


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[Remote]:
    """A server of SSH, as its own user knows it: by a key."""
    pytest.importorskip("dvc_ssh")
    (tmp_path / "far").mkdir()
    with serving(tmp_path / "far", tmp_path) as at:
        yield "ssh://me@127.0.0.1/storage", {"port": str(at.port), "keyfile": str(at.key)}


def _bucket(endpoint: str) -> Remote:
    import boto3

    session = boto3.Session("for-tests", "for-tests", region_name="us-east-1")
    session.client("s3", endpoint_url=endpoint).create_bucket(Bucket="faces")
    return "s3://faces/ferlab", {"endpointurl": endpoint}


def name_remote(clone: Clone, url: str, **options: str) -> None:
    clone.dvc("remote", "add", "--default", "storage", url)
    for option in options.items():
        clone.dvc("remote", "modify", "storage", *option)
    clone.git("commit", "--all", "--message", "Name the remote")


KINDS = ["folder", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("s3", "ssh"))]


@pytest.mark.parametrize("kind", KINDS)
def test_from_one_machine_to_another(clone: Clone, remote: Remote, tmp_path: Path) -> None:
    """What is pushed isn't spoken of any more, and a clone that pulls it has nothing to run."""
    name_remote(clone, remote[0], **remote[1])
    (note,), problems = clone.told()
    assert "no remote holds outs that results rest on: 2 of dvc.lock, 2 of reports/tiny; `dvc push" in note
    assert problems == []
    clone.dvc("push", "--run-cache")
    assert clone.told() == ([], [])
    clone.git("clone", str(clone.root), str(tmp_path / "elsewhere"))
    elsewhere = Clone(tmp_path / "elsewhere")
    assert elsewhere.told() == ([], [])
    elsewhere.dvc("pull", "--run-cache")
    with chdir(elsewhere.root), Repo() as repo:
        assert repo.status() == {}
        assert repo.reproduce() == []
    assert (elsewhere.root / "work" / "runs" / "weights").read_text() == "drawn"


@pytest.mark.long
@pytest.mark.parametrize("kind", ["folder", "s3", "ssh"])
def test_the_guides_walk(remote: Remote, make_project: Callable[..., TemporaryProject], tmp_path: Path) -> None:
    """A run, a push, a clone elsewhere that pulls, runs nothing and predicts."""
    here = make_project(changes={"run": {"arms": ["svm"], "families": [], "tuned": []}})
    here.repro()
    here.commit("Results")
    walk(here, remote, tmp_path / "elsewhere")


def walk(here: TemporaryProject, remote: Remote, elsewhere: Path) -> None:
    """From a finished project to a clone of it."""
    here.env |= KEYS
    here.run("dvc", "remote", "add", "--default", "storage", remote[0])
    for option in remote[1].items():
        here.run("dvc", "remote", "modify", "storage", *option)
    here.commit("Name the remote")
    assert "NOTE: no remote holds outs that results rest on" in here.ferlab("doctor")
    here.run("dvc", "push", "--run-cache")
    assert "NOTE" not in here.ferlab("doctor")
    here.run("git", "clone", "--quiet", str(here.root), str(elsewhere))
    there = TemporaryProject(elsewhere)
    there.env |= KEYS
    there.run("dvc", "pull", "--run-cache")
    assert stages_run(there.repro()) == set()
    assert there.dirt() == ""
    face = elsewhere.parent / "face.png"
    Image.fromarray(noise(1)[0]).save(face)
    words = ("predict", str(face), "--run", "svm-0", "--json")
    assert there.ferlab(*words) == here.ferlab(*words)


def test_no_remote(clone: Clone) -> None:
    (note,), problems = clone.told()
    assert "no DVC remote is named" in note
    assert "dvc remote add --default" in note
    assert problems == []


def test_no_results_ask_no_remote(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    clone.git("init")
    clone.dvc("init")
    assert clone.told() == ([], [])


@pytest.mark.parametrize("named", [True, False])
def test_what_nobody_has(named: bool, clone: Clone, tmp_path: Path) -> None:
    """Published results whose outs are lost here too: another lock's, of an earlier run."""
    if named:
        name_remote(clone, str(tmp_path / "storage"))
        clone.dvc("push")
    lock = clone.root / "reports" / "tiny" / "dvc.lock"
    with Repo(str(clone.root)) as repo:
        (lost,) = (out.hash_info.value for out in repo.index.outs if out.def_path == "work/runs")
    lock.write_text(lock.read_text().replace(lost, f"{'0' * 32}.dir"))
    note = clone.told()[0][-1]
    assert note.startswith("neither a remote nor this machine has" if named else "this machine doesn't have")
    assert "1 of reports/tiny;" in note


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("dvc.yaml/storage", "Not a directory"),  # below a file, where nobody has rights, root neither
        ("ssh://me:secret@127.0.0.1/storage", "dvc-ssh"),  # a kind whose package isn't here
    ],
)
def test_a_remote_that_cant_be_asked_is_one_line(
    url: str, said: str, clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dvc_ssh", None)
    name_remote(clone, url if "://" in url else str(clone.root / url))
    notes, (problem,) = clone.told()
    assert notes == []  # what it holds isn't known
    assert said in problem
    assert "\n" not in problem
    assert "secret" not in problem


def test_a_remote_without_rights(clone: Clone, s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.core import set_initial_no_auth_action_count

    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "unknown")
    name_remote(clone, "s3://faces/ferlab", endpointurl=s3)

    @set_initial_no_auth_action_count(0)
    def asked() -> tuple[list[str], list[str]]:
        return clone.told()

    notes, (problem,) = asked()
    assert notes == []
    assert "the DVC remote 'storage' (s3://faces/ferlab) can't be asked: " in problem
    assert "your rights there" in problem


def test_a_remote_that_never_answers_is_given_up(clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name_remote(clone, "s3://faces/ferlab", endpointurl=f"http://127.0.0.1:{silent.getsockname()[1]}")
        found = look(Project(clone.root), patience=0.1)
    assert "no answer within 0.1 seconds" in found.problems[0]


def test_a_damaged_lock_of_a_report_is_named(clone: Clone) -> None:
    (clone.root / "reports" / "tiny" / "dvc.lock").write_text("stages: [")
    with pytest.raises(UserError, match=r"reports/tiny/dvc\.lock is no dvc\.lock"):
        clone.told()


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="root alone may make a small disk")
def test_a_full_disk_keeps_what_has_arrived_and_takes_the_rest_later(clone: Clone, tmp_path: Path) -> None:
    """A push that breaks off says so; with room made, the same words end it, and nothing half-sent counts."""
    disk, big = tmp_path / "disk", os.urandom(2**21)
    disk.mkdir()
    (clone.root / "data" / "large").write_bytes(big)
    clone.dvc("add", "data")
    clone.dvc("repro")
    shutil.copyfile(clone.root / "dvc.lock", clone.root / "reports" / "tiny" / "dvc.lock")
    clone.git("commit", "--all", "--message", "A large file")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    try:
        name_remote(clone, str(disk / "storage"))
        with pytest.raises(AssertionError):
            clone.dvc("push")
        assert "no remote holds outs" in clone.told()[0][0]
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        clone.dvc("push")
        assert clone.told() == ([], [])
        clone.git("clone", str(clone.root), str(tmp_path / "elsewhere"))
        elsewhere = Clone(tmp_path / "elsewhere")
        elsewhere.dvc("pull")
        assert (elsewhere.root / "data" / "large").read_bytes() == big
    finally:
        subprocess.run(["umount", disk], check=True)
