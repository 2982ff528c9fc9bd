#!/usr/bin/env python3
"""A team's two servers from a machine's own packages: PostgreSQL, and MLflow's tracking server on it.

    FERLAB_DATABASE_PASSWORD=… python deploy/local.py /srv/ferlab

PostgreSQL is Debian's (`apt-get install postgresql`), MLflow that of the environment in which this runs. All state lies
in the folder. Both listen at 127.0.0.1 unless --host says otherwise. Runs until Ctrl-C or SIGTERM, and ends both.
"""

import argparse
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

OWNER = "ferlab"  # of the databases
DATABASES = ("mlflow", "optuna")
PASSWORD = "FERLAB_DATABASE_PASSWORD"
SIGN_IN = ("MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY")  # with --auth
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def options() -> argparse.ArgumentParser:
    """The words that it takes."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds databases and artifacts; made if there is none")
    parser.add_argument("--host", default=LOOPBACK[0], help="address to listen at; default: this machine alone")
    parser.add_argument("--port", type=int, default=5000, help="of MLflow")
    parser.add_argument("--database-port", type=int, default=5432)
    parser.add_argument("--workers", type=int, default=2, help="processes of MLflow's server")
    parser.add_argument("--auth", action="store_true", help="MLflow asks for a user and a password")
    parser.add_argument("--allowed-hosts", help="names by which MLflow may be asked, with commas")
    parser.add_argument("--user", default="postgres", help="whom PostgreSQL runs as where root starts it")
    return parser


def main() -> None:
    """Start both, say where they are, and wait."""
    asked = options().parse_args()
    needed = [PASSWORD, *(SIGN_IN if asked.auth else ())]
    if missing := [name for name in needed if not os.environ.get(name)]:
        sys.exit(f"error: set {', '.join(missing)} in the environment: secrets are never given as options")
    if asked.host not in LOOPBACK and not asked.auth:
        print("careful: whoever reaches that address can read and delete every run; see --auth", file=sys.stderr)
    os.environ["PGPASSWORD"] = os.environ[PASSWORD]  # so no URL holds it
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with database(asked) as place, tracking_server(asked, place) as server:
            reached = f"http://{asked.host}:{asked.port}"
            wait_for(server, "mlflow.log", lambda: answers(reached))
            print(f"export MLFLOW_TRACKING_URI={reached}")
            print(f"export FERLAB_STUDY_STORAGE={place}/optuna  # with PGPASSWORD in the environment")
            print("ready: Ctrl-C ends both", flush=True)
            sys.exit(f"error: MLflow's server ended with code {server.wait()}")
    except KeyboardInterrupt:
        print("both are stopped", file=sys.stderr)


@contextmanager
def database(asked: argparse.Namespace) -> Iterator[str]:
    """PostgreSQL with the two databases; yields its URL without a database and without a password."""
    programs, data = binaries(), (asked.folder / "postgres").resolve()
    owner: dict[str, str | int] = {"user": asked.user, "group": pwd.getpwnam(asked.user).pw_gid} if root() else {}
    data.mkdir(parents=True, exist_ok=True)
    if root():
        shutil.chown(data, asked.user)
    data.chmod(0o700)
    version = data / "PG_VERSION"
    if not version.exists():
        with tempfile.NamedTemporaryFile("w", dir=data.parent) as secret:
            secret.write(os.environ["PGPASSWORD"])
            secret.flush()
            if root():
                shutil.chown(secret.name, asked.user)
            words = ["--username", OWNER, "--auth", "scram-sha-256", "--pwfile", secret.name, "--encoding", "UTF8"]
            made = [programs / "initdb", "--pgdata", data, *words, "--no-locale", "--no-instructions"]
            subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd="/", **owner)
    here = subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    if version.read_text().strip() != here.split()[2].partition(".")[0]:
        sys.exit(f"error: {data} is of PostgreSQL {version.read_text().strip()}, here is {here.split()[2]}: pg_upgrade")
    if asked.host not in LOOPBACK and "samenet" not in (rules := data / "pg_hba.conf").read_text():
        with rules.open("a") as file:
            file.write("host all all samenet scram-sha-256\n")
    options = [f"listen_addresses={asked.host}", "unix_socket_directories=", f"port={asked.database_port}"]
    started = [programs / "postgres", "-D", data, *(word for option in options for word in ("-c", option))]
    at = ["--host", asked.host, "--port", str(asked.database_port), "--username", OWNER]
    with (asked.folder / "postgres.log").open("ab") as log:
        process = subprocess.Popen(started, stdout=log, stderr=log, cwd="/", process_group=0, **owner)
    try:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        ping = [programs / "pg_isready", *at]
        wait_for(process, "postgres.log", lambda: subprocess.run(ping, check=False, **quiet).returncode == 0)
        ask = [programs / "psql", *at, "--dbname", "postgres", "--no-align", "--tuples-only", "--command"]
        listed = [*ask, "SELECT datname FROM pg_database"]
        known = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
        for name in set(DATABASES) - set(known):
            subprocess.run([*ask, f"CREATE DATABASE {name}"], check=True, stdout=subprocess.DEVNULL)
        yield f"postgresql+psycopg2://{OWNER}@{asked.host}:{asked.database_port}"
    finally:
        process.send_signal(signal.SIGINT)  # its "fast" end: nobody is waited for, nothing is lost
        process.wait()


@contextmanager
def tracking_server(asked: argparse.Namespace, place: str) -> "Iterator[subprocess.Popen[bytes]]":
    """MLflow's server, which keeps the artifacts and gives them out."""
    words, told = server_words(asked, place)
    command, told = [sys.executable, "-m", *words], os.environ | told
    with (asked.folder / "mlflow.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=asked.folder, env=told, stdout=log, stderr=log, process_group=0)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def server_words(asked: argparse.Namespace, place: str) -> tuple[list[str], dict[str, str]]:
    """The server's command, and what stands in its environment beside the secrets."""
    words = ["mlflow", "server", "--host", asked.host, "--port", str(asked.port), "--workers", str(asked.workers)]
    words += ["--app-name", "basic-auth"] if asked.auth else []
    words += ["--allowed-hosts", asked.allowed_hosts] if asked.allowed_hosts else []
    return words, {
        "MLFLOW_BACKEND_STORE_URI": f"{place}/mlflow",
        "MLFLOW_ARTIFACTS_DESTINATION": str((asked.folder / "artifacts").resolve()),
    }


def wait_for(process: "subprocess.Popen[bytes]", log: str, ready: Callable[[], bool]) -> None:
    """Wait until a server answers, or end with a word if it has ended."""
    while not ready():
        if process.poll() is not None:
            sys.exit(f"error: a server ended with code {process.returncode} at its start; {log} says why")
        time.sleep(0.1)


def answers(address: str) -> bool:
    """Whether MLflow answers."""
    try:
        return bool(urlopen(f"{address}/health", timeout=5).status == 200)
    except (URLError, OSError):
        return False


def binaries() -> Path:
    """The folder of PostgreSQL's programs, which Debian keeps off the PATH; the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    sys.exit("error: PostgreSQL isn't installed: on Debian, apt-get install postgresql")


def root() -> bool:
    """Whether root runs this, whom PostgreSQL refuses."""
    return os.geteuid() == 0


if __name__ == "__main__":
    main()
