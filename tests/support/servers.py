"""A team's servers for tests: those of deploy/local.py, and a line to them that can be cut."""

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from small import REPOSITORY

SECRET = "s3cret-of-the-tests"
SECRETS = ("FERLAB_DATABASE_PASSWORD", "MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY")
SCRIPT = REPOSITORY / "deploy" / "local.py"


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@dataclass(frozen=True)
class Servers:
    """Where the two answer. The password stands in the environment, as PGPASSWORD."""

    folder: Path
    port: int
    database_port: int

    @property
    def tracking(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def database(self, name: str) -> str:
        return f"postgresql+psycopg2://ferlab@127.0.0.1:{self.database_port}/{name}"

    def kill_database(self) -> None:
        """End every connection as a crash does; PostgreSQL starts anew by itself."""
        first = int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        children = subprocess.run(["pgrep", "-P", str(first), "-f", "ferlab"], capture_output=True, text=True)
        for pid in children.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


@contextmanager
def running(*options: str) -> Iterator[Servers]:
    """Both servers, ready; stopped at the end. With `--auth`, MLflow's admin has the tests' password."""
    # not below pytest's own folder, which only its user may enter: root's PostgreSQL runs as another
    with tempfile.TemporaryDirectory(prefix="ferlab-servers-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        servers = Servers(folder, free_port(), free_port())
        words = ["--port", str(servers.port), "--database-port", str(servers.database_port), "--workers", "1"]
        env = os.environ | dict.fromkeys(SECRETS, SECRET)
        process = subprocess.Popen(
            [sys.executable, SCRIPT, folder, *words, *options],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            assert process.stdout
            said = list[str]()
            while not (said and said[-1].startswith("ready")):
                line = process.stdout.readline()
                assert line, "\n".join([*said, *(path.read_text()[-2000:] for path in folder.glob("*.log"))])
                said.append(line)
            yield servers
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


@dataclass
class Line:
    """A line to a port of this machine: `open`, `cut` (nobody answers), or `deaf` (asked, but no answer comes back)."""

    target: int
    state: str = "open"
    port: int = 0
    _sockets: list[socket.socket] = field(default_factory=list)

    @contextmanager
    def laid(self) -> Iterator["Line"]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
            thread = threading.Thread(target=self._serve, args=(server,), daemon=True)
            thread.start()
            yield self
            self.set("cut")
            server.shutdown(socket.SHUT_RDWR)
            thread.join()

    def set(self, state: str) -> None:
        """Change the state; connections that are open end."""
        self.state = state
        for one in list(self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                here, _ = server.accept()
            except OSError:
                return
            if self.state == "cut":
                here.close()
                continue
            threading.Thread(target=self._carry, args=(here,), daemon=True).start()

    def _carry(self, here: socket.socket) -> None:
        with here, socket.create_connection(("127.0.0.1", self.target)) as there:
            self._sockets += [here, there]
            with suppress(OSError):
                while True:
                    for one in select.select([here, there], [], [])[0]:
                        if not (data := one.recv(65536)):
                            return
                        if one is there and self.state == "deaf":
                            return
                        (there if one is here else here).sendall(data)
