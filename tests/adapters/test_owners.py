"""Runs that a kill has left RUNNING: marked where it is certain that nobody is at them, and nowhere else."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from ferlab.adapters import owners
from ferlab.adapters.known import mark_killed
from ferlab.adapters.owners import HOST, PLACE, PROCESS, Process, owner_tags
from ferlab.adapters.store import connect
from ferlab.adapters.tracking import tracked
from ferlab.project import Project

SELF = Process.own()


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without runs, made once: its schema takes seconds."""
    project = Project(tmp_path_factory.mktemp("schema"))
    connect(project).create_experiment("classifiers")
    return project.root / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, schema: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(owners, "_swept", set())  # as a new process has it
    shutil.copyfile(schema, tmp_path / "mlflow.db")
    return Project(tmp_path)


@pytest.fixture(scope="module")
def dead() -> Process:
    """A process of this machine that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        began = owners._began(process.pid)
        assert began and replace(SELF, pid=process.pid, began=began).lives
    return replace(SELF, pid=process.pid, began=began)


def begin(project: Project, **changes: str) -> Callable[[], str]:
    """A run of the run key `a-0` that is RUNNING, with changed tags; gives its status."""
    client = MlflowClient(project.tracking_uri)
    number = client.get_experiment_by_name("classifiers").experiment_id
    tags = owner_tags(project) | {"ferlab.slot": "a-0", "ferlab.identity": "one"} | changes
    run = client.create_run(number, tags={key: value for key, value in tags.items() if value}).info.run_id
    return lambda: str(client.get_run(run).info.status)


def test_whoever_opens_the_store_next_marks_what_is_dead(
    dead: Process, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its number may belong to another process by now."""
    gone = begin(project, **{PROCESS: str(dead)})
    again = begin(project, **{PROCESS: str(replace(SELF, began=SELF.began - 1))})
    alive = begin(project)
    restarted = begin(project, **{PROCESS: str(replace(SELF, boot="another"))})
    connect(project)
    assert [status() for status in (gone, again, alive, restarted)] == ["KILLED", "KILLED", "RUNNING", "KILLED"]
    assert capsys.readouterr().err.count("is now marked as killed") == 3


def test_a_process_that_is_yet_to_be_buried_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        began = owners._began(process.pid)
        assert began
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not replace(SELF, pid=process.pid, began=began).lives


ELSEWHERE = {HOST: "another", PROCESS: str(replace(SELF, pid=1, boot="another")), PLACE: "another"}


@pytest.mark.parametrize(
    "theirs",
    [
        ELSEWHERE,
        ELSEWHERE | {HOST: socket.gethostname()},  # a machine of the same name
        ELSEWHERE | {PROCESS: str(replace(SELF, pid=2**22, names="another"))},  # another container of this machine
        {PLACE: "another"},  # another project of this machine, whose process lives
        {HOST: "", PROCESS: "", PLACE: ""},  # an earlier version of ferlab
    ],
)
def test_on_a_shared_server_nobody_elses_run_is_marked_or_taken(
    theirs: dict[str, str], project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by whoever opens the store, nor by the same training here, nor by a search."""
    begin_there = begin(project, **theirs)
    monkeypatch.setattr(Project, "tracking_file", None)  # as of a server: the store is no file
    here = Project(tmp_path)
    connect(here)
    mark_killed(here, "classifiers", lambda _: False)
    with tracked(here, "classifiers", "a-0", identity="one", params={}, tags={}) as run:
        assert begin_there() == "RUNNING"
        mine = run.id
    assert begin_there() == "RUNNING"
    client = connect(here)
    assert client.get_run(mine).info.status == "FINISHED"
    with tracked(here, "classifiers", "a-0", identity="one", params={}, tags={}) as run:
        assert run.id == mine


def test_a_run_that_is_taken_up_is_its_new_owners(dead: Process, project: Project) -> None:
    begin(project, **{PROCESS: str(dead)})
    with tracked(project, "classifiers", "a-0", identity="one", params={}, tags={}) as run:
        owners._swept.clear()
        found = connect(project).get_run(run.id)
    assert (found.info.status, found.data.tags[PROCESS]) == ("RUNNING", str(SELF))
    assert f"process {os.getpid()} on {socket.gethostname()}" in owners.shown(found)


def test_a_killed_run_ends_when_it_logged_last(dead: Process, project: Project) -> None:
    """Not when somebody looks: its duration would be days."""
    status = begin(project, **{PROCESS: str(dead)})
    client = MlflowClient(project.tracking_uri)
    (run,) = client.search_runs([client.get_experiment_by_name("classifiers").experiment_id])
    client.log_metric(run.info.run_id, "loss", 1.0, timestamp=run.info.start_time + 5000)
    connect(project)
    assert status() == "KILLED"
    assert client.get_run(run.info.run_id).info.end_time == run.info.start_time + 5000
