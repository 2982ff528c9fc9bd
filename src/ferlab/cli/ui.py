"""`ferlab ui`: MLflow's own page on this machine."""

from typing import Annotated

import typer


def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000) -> None:
    """Open MLflow's page on all runs (the same as `mlflow ui` in the project's folder). Ctrl-C ends it."""
    import subprocess
    import sys

    from ferlab.adapters.store import connect
    from ferlab.execution.signals import end_group, stop_on_signals
    from ferlab.project import Project

    project = Project.find()
    connect(project)
    typer.echo(f"MLflow: http://127.0.0.1:{port} (store: {project.tracking_uri}); Ctrl-C ends it")
    uri = ["--backend-store-uri", project.tracking_uri]
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port), *uri]
    stop_on_signals()
    server = subprocess.Popen(command, cwd=project.home, process_group=0)
    try:
        raise typer.Exit(server.wait())
    except KeyboardInterrupt:
        typer.echo("MLflow's page is closed", err=True)
    finally:
        end_group(server)  # its workers too, which outlive it where it is killed
