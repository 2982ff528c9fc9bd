"""What a tracking server that is away can't be told of a run: kept below .ferlab/outbox/, told by the next command.

What lies there is a state and no list of calls, so that telling it twice, or from the middle on, changes nothing.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

from filelock import FileLock
from mlflow.entities import Metric
from pydantic import Field

from ferlab.adapters.store_run import Ending, Opening
from ferlab.errors import masked
from ferlab.files import atomic_folder, write_text
from ferlab.project import Project
from ferlab.records.record import Record

FILE = "run.json"


class Model(Record):
    """A classifier that may be its arm's best; its folder lies beside."""

    arm_tag: str
    valid_accuracy: float


class Unsent(Record):
    """What the file says.

    Attributes:
        id: of this outbox.
        store: the address of the store that is to be told, without a password.
        endings: of each sitting that ended by itself.
        figures: name to value as Python writes it: JSON has no infinity.
    """

    id: str
    store: str
    opening: Opening
    figures: dict[str, str] = Field(default_factory=dict)
    model: Model | None = None
    endings: list[Ending] = Field(default_factory=list)


@dataclass
class Outbox:
    """A `Teller` that keeps what it is told. One run and one store have one folder."""

    folder: Path

    @classmethod
    def of(cls, project: Project, experiment: str, identity: str) -> Self:
        what = "\n".join((masked(project.tracking_uri), experiment, identity))
        return cls(folder_of(project) / hashlib.sha256(what.encode()).hexdigest()[:24])

    @property
    def lock(self) -> FileLock:
        """Held by whoever writes it or tells it."""
        path = self.folder.parents[1] / "locks" / f"outbox-{self.folder.name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path)

    @property
    def exists(self) -> bool:
        return (self.folder / FILE).is_file()

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    @property
    def classifier(self) -> Path:
        return self.folder / "model"

    def open(self, project: Project, opening: Opening) -> Self:
        """Begin it, or go on with one of an earlier sitting."""
        if self.exists:
            self._mend()
        else:
            self.remove()
            Unsent(id=uuid4().hex, store=masked(project.tracking_uri), opening=opening).write(self.folder / FILE)
        return self

    def read(self) -> Unsent:
        return Unsent.read(self.folder / FILE, next_step=f"remove {self.folder}: what it says can't be told")

    def remove(self) -> None:
        (self.folder / FILE).unlink(missing_ok=True)  # first: what is left is then nobody's
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # others wait
            self.folder.parent.rmdir()

    @property
    def _curves(self) -> Path:
        return self.folder / "metrics.csv"

    def _mend(self) -> None:
        """Drop a line of the curves that a kill cut short."""
        if self._curves.exists():
            whole, end, _ = self._curves.read_text(encoding="utf-8").rpartition("\n")
            write_text(self._curves, whole + end)

    @property
    def values(self) -> list[Metric]:
        """What `metrics` kept."""
        self._mend()
        lines = self._curves.read_text(encoding="utf-8").splitlines() if self._curves.exists() else []
        rows = [line.split(",", 3) for line in lines]
        return [Metric(name, float(value), int(at), int(step)) for step, at, value, name in rows]

    def metrics(self, batch: Sequence[Metric]) -> None:
        rows = [f"{m.step},{m.timestamp},{float(m.value)!r},{m.key}\n" for m in batch]
        with self._curves.open("a", encoding="utf-8") as handle:
            handle.write("".join(rows))

    def figures(self, values: Mapping[str, float]) -> None:
        fresh = {name: repr(float(value)) for name, value in values.items()}
        self._note({"figures": self.read().figures | fresh})

    def text(self, content: str, name: str) -> None:
        write_text(self.artifacts / name, content)

    def artifact(self, path: Path, folder: str | None) -> None:
        target = self.artifacts / (folder or "")
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.name)

    def model(self, arm_tag: str, valid_accuracy: float, folder: Path) -> None:
        with atomic_folder(self.classifier) as copy:
            shutil.copytree(folder, copy, dirs_exist_ok=True)
        self._note({"model": Model(arm_tag=arm_tag, valid_accuracy=valid_accuracy)})

    def end(self, ending: Ending) -> None:
        self._note({"endings": [*self.read().endings, ending]})

    def _note(self, values: Mapping[str, object]) -> None:
        self.read().model_copy(update=dict(values)).write(self.folder / FILE)


def folder_of(project: Project) -> Path:
    """Where all outboxes of a project lie."""
    return project.state / "outbox"


def all_of(project: Project) -> list[Outbox]:
    """Those that hold something."""
    return [Outbox(path.parent) for path in sorted(folder_of(project).glob(f"*/{FILE}"))]
