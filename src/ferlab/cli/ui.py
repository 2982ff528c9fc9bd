"""`ferlab ui`: one page with the ways to MLflow, the reports, Optuna's dashboard and the documentation."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import subprocess

    from ferlab.cli.landing import Door
    from ferlab.project import Project

HOST = "127.0.0.1"
PATIENCE = 120.0  # seconds that a server has to answer; MLflow's takes ten, on a busy machine many more
POLL = 0.2  # seconds


def ui(
    port: Annotated[
        int, typer.Option(min=1, max=65533, help="MLflow's port on this machine; the others take the next ones.")
    ] = 5000,
) -> None:
    """Open one page with links to MLflow, each report, Optuna's dashboard and the documentation. Ctrl-C ends all.

    The addresses are printed once all of them answer.

    MLflow's page is that of `mlflow ui` in the project's folder. The dashboard needs the extra `dashboard`.
    """
    import threading

    from ferlab.adapters.dashboard import log_of
    from ferlab.cli.landing import serving
    from ferlab.execution.signals import end_group, stop_on_signals
    from ferlab.project import Project

    project = Project.find()
    stop_on_signals()
    try:
        with ExitStack() as started:
            runs, server = _runs(project, port)
            if server:
                started.callback(end_group, server)  # its workers too, which outlive it where it is killed
            searches, dashboard = _searches(project, port + 2)
            if dashboard:
                started.callback(end_group, dashboard)
            page = started.enter_context(serving(project, [runs, searches], HOST, port + 1))
            if server:
                typer.echo("MLflow's server is starting", err=True)
                wait_for(runs, server, "what it printed stands above")
            if dashboard:
                wait_for(searches, dashboard, f"{log_of(project)} has what it printed")
            for door in (runs, searches):
                typer.echo(f"{door.name}: {door.url or door.text}")
            typer.echo(f"all of it, with the reports: {page} ; Ctrl-C ends it")
            if server:
                raise typer.Exit(server.wait())
            threading.Event().wait()
    except KeyboardInterrupt:
        typer.echo("the pages are closed", err=True)


def _runs(project: "Project", port: int) -> "tuple[Door, subprocess.Popen[bytes] | None]":
    """The way to MLflow, and its server where this command starts it."""
    import os
    import subprocess
    import sys
    from urllib.parse import urlsplit

    from ferlab.adapters.store import connect
    from ferlab.cli.landing import Door
    from ferlab.errors import masked

    text = "every classifier, GAN and search, to compare"
    if project.tracking_uri.startswith("http"):
        connect(project)
        parts = urlsplit(project.tracking_uri)
        nobodys = parts._replace(netloc=parts.netloc.rpartition("@")[2])  # a browser asks who is there
        return Door("MLflow", nobodys.geturl(), f"{text}, on the tracking server"), None
    must_be_free(port)
    connect(project)
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port)]
    told = os.environ | {"MLFLOW_BACKEND_STORE_URI": project.tracking_uri}  # everyone here sees a command's words
    server = subprocess.Popen(command, cwd=project.home, env=told, process_group=0)
    return Door("MLflow", f"http://{HOST}:{port}", f"{text}; store: {masked(project.tracking_uri)}"), server


def _searches(project: "Project", port: int) -> "tuple[Door, subprocess.Popen[bytes] | None]":
    """The way to Optuna's dashboard, and its server; or why there is none."""
    from ferlab.adapters.dashboard import missing, start
    from ferlab.cli.landing import Door

    if why := missing(project):
        return Door("Optuna's dashboard", "", why), None
    port = free_port(port)
    text = "the trials of each search; what is deleted there is gone"
    return Door("Optuna's dashboard", f"http://{HOST}:{port}", text), start(project, HOST, port)


def wait_for(door: "Door", server: "subprocess.Popen[bytes]", words: str) -> None:
    """Wait until a server that was started answers.

    Args:
        words: where what it prints can be read.

    Raises:
        UserError: it has ended instead, or doesn't answer in time.
    """
    import time

    from ferlab.errors import UserError

    last = time.monotonic() + PATIENCE
    while not _answers(door.url):
        ended = server.poll()
        if ended is not None or time.monotonic() > last:
            said = f"gives no answer within {PATIENCE:g} s" if ended is None else f"has ended, with exit code {ended}"
            raise UserError(f"the server of {door.name} {said}", where=door.url, next_step=words)
        time.sleep(POLL)


def _answers(url: str) -> bool:
    """Whether somebody speaks HTTP there, whatever they say."""
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        connection.request("HEAD", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def free_port(wanted: int) -> int:
    """A port that can be listened at: the wanted one, or any other where that is taken."""
    import socket

    for port in (wanted, 0):
        with socket.socket() as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does: one just closed is free
            try:
                asked.bind((HOST, port))
            except OSError:
                if port:
                    continue
                raise
            return int(asked.getsockname()[1])
    raise AssertionError


def must_be_free(port: int) -> None:
    """Raise a UserError where another program listens at a port, or it can't be listened at; a free one is named."""
    import socket

    from ferlab.errors import UserError

    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does: one just closed is free
        try:
            asked.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"port {port} can't be used: {(error.strerror or str(error)).lower()}",
                where=f"{HOST}:{port}",
                next_step=f"stop the program that uses it, or `ferlab ui --port {free_port(0)}`",
            ) from None
