"""`ferlab ui`: MLflow's own page on this machine."""

from typing import Annotated

import typer

HOST = "127.0.0.1"


def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000) -> None:
    """Open MLflow's page on all runs (the same as `mlflow ui` in the project's folder). Ctrl-C ends it."""
    import os
    import subprocess
    import sys

    from ferlab.adapters.store import connect
    from ferlab.errors import masked
    from ferlab.execution.signals import end_group, stop_on_signals
    from ferlab.project import Project

    project = Project.find()
    if project.tracking_uri.startswith("http"):
        connect(project)
        typer.echo(f"MLflow: {masked(project.tracking_uri)}: the server has its own page")
        return
    must_be_free(port)
    connect(project)
    typer.echo(f"MLflow: http://{HOST}:{port} (store: {masked(project.tracking_uri)}); Ctrl-C ends it")
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port)]
    told = os.environ | {"MLFLOW_BACKEND_STORE_URI": project.tracking_uri}  # everyone here sees a command's words
    stop_on_signals()
    server = subprocess.Popen(command, cwd=project.home, env=told, process_group=0)
    try:
        raise typer.Exit(server.wait())
    except KeyboardInterrupt:
        typer.echo("MLflow's page is closed", err=True)
    finally:
        end_group(server)  # its workers too, which outlive it where it is killed


def must_be_free(port: int) -> None:
    """Raise a UserError where another program listens at a port, or it can't be listened at; a free one is named."""
    import socket

    from ferlab.errors import UserError

    with socket.socket() as asked, socket.socket() as other:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does: one just closed is free
        try:
            asked.bind((HOST, port))
        except OSError as error:
            other.bind((HOST, 0))
            raise UserError(
                f"port {port} can't be used: {(error.strerror or str(error)).lower()}",
                where=f"{HOST}:{port}",
                next_step=f"stop the program that uses it, or `ferlab ui --port {other.getsockname()[1]}`",
            ) from None
