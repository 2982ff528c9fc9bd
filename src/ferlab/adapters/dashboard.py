"""Optuna's own page on the project's searches, where the extra `dashboard` is installed."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy

from ferlab.project import Project

STORAGE = "FERLAB_STUDY_STORAGE"


def missing(project: Project) -> str:
    """Why there is nothing to be shown, and how there would be; empty where there is."""
    if find_spec("optuna_dashboard") is None:
        return "not installed: pip install 'ferlab[dashboard]' (in ferlab's checkout: -e '.[dashboard]')"
    url = sqlalchemy.make_url(project.study_uri)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        return "no search yet: `ferlab tune` makes one"
    return ""


def log_of(project: Project) -> Path:
    """Where what it prints is kept: it prints each request."""
    return project.state / "logs" / "dashboard.log"


def start(project: Project, host: str, port: int) -> "subprocess.Popen[bytes]":
    """Start it as a process that leads a group of its own."""
    command = [sys.executable, "-m", __name__, host, str(port)]
    told = os.environ | {STORAGE: project.study_uri}  # everyone here sees a command's words
    log = log_of(project)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command, cwd=project.home, env=told, stdout=output, stderr=subprocess.STDOUT, process_group=0
        )


def main(host: str, port: str) -> None:
    """Serve the dashboard until the process is ended."""
    from optuna.storages import RDBStorage
    from optuna_dashboard import run_server

    run_server(RDBStorage(os.environ[STORAGE]), host=host, port=int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
