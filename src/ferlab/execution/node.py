"""What a node of a cluster does with a task: lay a small project from what has travelled, run, pack what it made.

The node has ferlab and its packages installed, and nothing of the project's folder. What travels is kept by its content
for a while, so that prepared sets come once a node.
"""

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from ferlab.errors import UserError
from ferlab.execution.environment import Environment
from ferlab.execution.local import Local
from ferlab.execution.task import Event, Task
from ferlab.execution.travel import pack, unpack
from ferlab.files import atomic_folder, disk_errors
from ferlab.project import NODE

ENTRY = "import sys; sys.argv[0] = 'ferlab'; from ferlab.cli.main import main; main()"
"""The command `ferlab`, also where only PYTHONPATH names the package."""
STORE = "FERLAB_CHECKPOINTS"  # the variable that names the store of checkpoints in flight to a task
OURS = ("MLFLOW_TRACKING_URI", "FERLAB_STUDY_STORAGE", "OMP_NUM_THREADS", STORE)
"""What a node's own environment may say and a task must not hear: runs are told to the driver, who tells the store."""
INFLIGHT, SLOT = "inflight", "slot.json"  # below .ferlab; and the file by which a folder there is all of one result's
KEPT = 7 * 24 * 3600.0  # seconds that content stays on a node after its last use

Fetch = Callable[[str], bytes]
"""A digest -> the packed content."""
Hear = Callable[[str, float, str], None]
"""(kind of event, seconds since the start, text)."""


@dataclass(frozen=True)
class Order:
    """A task as it travels. Paths are seen from the project's home.

    Attributes:
        inputs: path -> digest of its packed content; the task only reads them.
        copies: the same of files and folders that it may write.
        outs: what comes back, as far as it is there at the end.
        checkpoints: the URL of the store of checkpoints in flight, if there is one.
        environment: what the node's must equal.
    """

    name: str
    command: tuple[str, ...]
    folder: str
    inputs: Mapping[str, str]
    copies: Mapping[str, str]
    outs: tuple[str, ...]
    checkpoints: str | None
    environment: Environment


@dataclass(frozen=True)
class Report:
    """What became of an order.

    Attributes:
        code: the exit code; 0 if it ended well.
        text: all that it printed, or its last words.
        outs: path to its packed content.
        inflight: what trainings have left in flight, as `in_flight` names it.
    """

    code: int
    text: str
    outs: Mapping[str, bytes] = field(default_factory=dict)
    inflight: tuple[str, ...] = ()


def carry_out(order: Order, fetch: Fetch, hear: Hear) -> Report:
    """Run an order in a project of its own on this machine. What a user can mend is a report with code 2."""
    try:
        order.environment.must_equal(Environment.here())
        with disk_errors(_place()), _root() as root:
            return _run(order, root, fetch, hear)
    except UserError as error:
        return Report(2, f"error: on the node {platform.node()}: {error}")


def _run(order: Order, root: Path, fetch: Fetch, hear: Hear) -> Report:
    for name, digest in order.inputs.items():
        _lay(root / name, _content(digest, fetch), link=True)
    for name, digest in order.copies.items():
        _lay(root / name, _content(digest, fetch), link=False)
    for name in OURS:
        os.environ.pop(name, None)
    os.environ[NODE] = "1"
    if order.checkpoints:
        os.environ[STORE] = order.checkpoints
    ended = list[Event]()

    def tell(event: Event) -> None:
        if event.kind in ("done", "failed"):
            ended.append(event)
        else:
            hear(event.kind, event.seconds, event.text)

    program = (sys.executable, "-c", ENTRY) if order.command[0] == "ferlab" else order.command[:1]
    task = Task(order.name, (*program, *order.command[1:]), root / order.folder, root / "printed.log")
    state = root / ".ferlab"
    Local(state, 1).run([task], tell)
    (event,) = ended
    outs = {name: pack(root / name) for name in order.outs if (root / name).exists()}
    return Report(event.code, event.text, outs, in_flight(state))


def in_flight(state: Path) -> tuple[str, ...]:
    """Folders of checkpoints below a project's `.ferlab/inflight`, each of one task.

    It is a training's own, named by its identity; where several tasks make one result (the labels of a GAN, the trials
    of a search), it is one of those in there.
    """
    found = list[str]()
    for folder in sorted((state / INFLIGHT).glob("*")):
        parts = [folder] if (folder / SLOT).exists() else sorted(path for path in folder.iterdir() if path.is_dir())
        found += [path.relative_to(state / INFLIGHT).as_posix() for path in parts]
    return tuple(found)


def _lay(target: Path, source: Path, *, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        target.symlink_to(source)
    elif source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _content(digest: str, fetch: Fetch) -> Path:
    """The unpacked content of a digest, fetched unless it is on this machine already."""
    folder = _place() / "content" / digest
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            with atomic_folder(folder) as fresh:
                unpack(fetch(digest), fresh)
        os.utime(folder)
        return next(folder.iterdir())


@contextmanager
def _root() -> Iterator[Path]:
    """A folder for a task alone. Those that dead tasks have left are swept, and content that nobody has used lately."""
    roots = _place() / "roots"
    roots.mkdir(exist_ok=True)
    _sweep(roots)
    root = Path(tempfile.mkdtemp(dir=roots))
    lock = FileLock(root.with_suffix(".lock"))
    with lock:
        (root / "laid").touch()
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)
    Path(lock.lock_file).unlink(missing_ok=True)


def _sweep(roots: Path) -> None:
    for root in roots.glob("*/laid"):
        try:
            with FileLock(root.parent.with_suffix(".lock"), timeout=0):
                shutil.rmtree(root.parent, ignore_errors=True)
        except Timeout:  # its task lives
            continue
    for folder in (roots.parent / "content").glob("*.lock"):
        content = folder.with_suffix("")
        if content.is_dir() and time.time() - content.stat().st_mtime > KEPT:
            with FileLock(folder):
                shutil.rmtree(content, ignore_errors=True)


def _place() -> Path:
    """Where tasks of this user work on this machine; nobody else can write there."""
    place = Path(tempfile.gettempdir()) / f"ferlab-node-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    if place.stat().st_uid != os.getuid():
        raise UserError("this folder belongs to another user", where=str(place), next_step="set TMPDIR on this node")
    return place
