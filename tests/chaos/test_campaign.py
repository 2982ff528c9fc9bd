"""A question on a Ray cluster, its runs kept by a team's server, while all that it rests on is killed at random."""

import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy

from kept_result import KEPT
from nodes import PATIENCE
from servers import SECRET, Servers, running
from temporary import TemporaryProject, stop

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(7200)]
pytest.importorskip("ray", reason="needs the extra cluster")

SETTINGS = {
    "classifiers": {"resnet50": {"epochs": 24}},
    "runtime": {"checkpoint_seconds": 0, "memory_gib": 0.5},
}
ASK = ("ferlab", "--quiet", "ablate", "--arm", "resnet50", "--set", "tuned=false", "--grid")
KINDS = {
    "task": "a task's process",
    "worker": "Ray's process of a task",
    "node": "a node",
    "driver": "the driver",
    "database": "PostgreSQL",
}
MORE = 4  # points by which the question grows when all of it is answered
TRAINED = "FROM runs r JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'stage' AND s.value = 'train' \
JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ferlab.identity'"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("PostgreSQL isn't installed")
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def prepared(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    """A project with its images, and nothing trained."""
    project = untouched.copy(tmp_path_factory.mktemp("prepared") / "project")
    project.change(SETTINGS)
    project.run("dvc", "repro", "--quiet", "audit")
    return project


def tasks_at_work(role: str) -> list[psutil.Process]:
    """The processes of tasks on the nodes: Ray's own (`worker`), or the command that each has started (`task`)."""
    found = list[psutil.Process]()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "".join(process.cmdline()[:1]).startswith("ray::resnet50"):
                some = [process] if role == "worker" else process.children()
                found += [one for one in some if one.status() != psutil.STATUS_ZOMBIE]
    return found


@dataclass
class Campaign:
    """One question, asked again whenever its driver has ended, and a table of what became of each kill."""

    project: TemporaryProject
    servers: Servers
    cluster: Any
    add_node: Callable[..., Any]
    chance: random.Random
    points: int = MORE
    rows: list[list[object]] = field(default_factory=list)
    answered: dict[Path, int] = field(default_factory=dict)
    ends: list[str] = field(default_factory=list)  # of each driver that has ended
    driver: "subprocess.Popen[bytes] | None" = None
    began: float = field(default_factory=time.monotonic)

    @property
    def grid(self) -> str:
        return "lr=" + ",".join(f"{0.05 - n / 2000:.4f}" for n in range(self.points))

    @property
    def log(self) -> str:
        return f"driver-{len(self.ends) + 1}.txt"

    def ask(self) -> None:
        """Start a driver if none is at work; let the question grow if it was answered."""
        if self.driver is not None:
            if self.driver.poll() is None:
                return
            self.note_end()
            self.points += MORE if self.driver.returncode == 0 else 0
        self.driver = self.project.start(*ASK, self.grid, "--on", self.cluster.address, log=self.log)

    def note_end(self) -> None:
        """How the driver ended: never with a traceback."""
        assert self.driver is not None
        said, code = self.project.beside(self.log).read_text(), self.driver.returncode
        assert "Traceback" not in said, said
        failed = re.findall(r"^(?:failed|error): .*", said, flags=re.MULTILINE)
        self.ends.append({0: "all answered", -9: "killed"}.get(code, f"code {code}: {'; '.join(failed)}"[:160]))

    def look(self) -> None:
        """Note the answers that are there; those seen before must be as they were."""
        now = self.project.written("answer.json")
        assert self.answered.items() <= now.items()
        self.answered = now

    def wait(self) -> None:
        """Until any moment: of a start, or between two of the next checkpoints."""
        if self.chance.random() < 0.2:
            self.ask()
            time.sleep(self.chance.uniform(0, 8))
            return
        writes, before, deadline = self.chance.randint(1, 3), None, time.monotonic() + PATIENCE
        while writes > 0:
            assert time.monotonic() < deadline, self.project.beside(self.log).read_text()
            self.ask()
            now = self.project.written("state.safetensors", below=self.project.beside("inflight"))
            writes -= before is not None and bool(now.items() - before.items())
            before = now
            time.sleep(0.05)
        time.sleep(self.chance.uniform(0, 0.1))

    def kill(self, kind: str) -> None:
        """Kill one thing of a kind as soon as there is one, and note the moment."""
        is_hit = False
        while not is_hit:
            self.wait()
            second, under_way = time.monotonic() - self.began, len(tasks_at_work("worker"))
            self.look()
            is_hit = {
                "task": self._kill_task, "worker": self._kill_task, "node": self._kill_node,
                "driver": self._kill_driver, "database": self._kill_database,
            }[kind](kind)  # fmt: skip
        answered = f"{len(self.answered)} of {self.points}"
        self.rows.append([len(self.rows) + 1, f"{second:.0f}", KINDS[kind], under_way, answered, len(self.ends) + 1])

    def _kill_task(self, role: str) -> bool:
        with suppress(IndexError, psutil.NoSuchProcess):  # none is at work; it has just ended
            self.chance.choice(tasks_at_work(role)).kill()
            return True
        return False

    def _kill_node(self, _: str) -> bool:
        self.cluster.remove_node(self.chance.choice(list(self.cluster.worker_nodes)), allow_graceful=False)
        self.add_node()
        return True

    def _kill_driver(self, _: str) -> bool:
        if self.driver is None or self.driver.poll() is not None:
            return False
        stop(self.driver)
        return True

    def _kill_database(self, _: str) -> bool:
        self.servers.kill_database()
        return True

    def end(self) -> None:
        """Ask until all is answered."""
        while not (self.driver and self.driver.wait(PATIENCE) == 0):
            self.ask()
        self.note_end()
        self.look()

    @property
    def table(self) -> str:
        """Markdown: each kill, and each driver."""
        kills = ("kill", "second", "killed", "tasks under way", "answered by then", "driver")
        drivers = [[number + 1, end] for number, end in enumerate(self.ends)]
        return f"{markdown(kills, self.rows)}\n\n{markdown(('driver', 'how it ended'), drivers)}\n"


def markdown(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (names, ["---"] * len(names), *rows))


def rows_of(url: str, sql: str) -> list[tuple[Any, ...]]:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sqlalchemy.text(sql))]
    engine.dispose()
    return found


def metrics(url: str) -> Counter[tuple[Any, ...]]:
    """(identity, metric, step, value) of every training, each as often as it was logged, but for the measured speed."""
    rows = rows_of(url, f"SELECT t.value, m.key, m.step, m.value {TRAINED} JOIN metrics m ON m.run_uuid = r.run_uuid")
    return Counter(row for row in rows if row[1] != "images_per_second")


def answers(project: TemporaryProject) -> dict[str, bytes]:
    folder = project.root / ".ferlab" / "ablation" / "answers"
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/valid.parquet")}


@pytest.mark.long  # a quarter of an hour, and more where other work keeps the cores busy
@pytest.mark.parametrize("kills", [32])
def test_whatever_is_killed_every_point_is_run_once_and_as_if_nothing_had_happened(
    kills: int,
    cluster: Any,
    add_node: Callable[..., Any],
    servers: Servers,
    prepared: TemporaryProject,
    project: TemporaryProject,
    tmp_path: Path,
    chance: random.Random,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)
    here = prepared.copy(tmp_path / "here")
    project.env["MLFLOW_TRACKING_URI"] = servers.tracking
    for _ in range(2):
        add_node()
    campaign = Campaign(project, servers, cluster, add_node, chance)
    kinds = list(islice(cycle(KINDS), kills))
    chance.shuffle(kinds)
    try:
        for kind in kinds:
            campaign.kill(kind)
        campaign.end()
    finally:
        if campaign.driver is not None:
            stop(campaign.driver)
        print(campaign.table)
    record_property(KEPT, campaign.table)
    here.run(*ASK, campaign.grid, "--jobs", "2", timeout=3600)
    store = servers.database("mlflow")
    assert answers(project) == answers(here)
    assert len(answers(project)) == campaign.points
    runs = rows_of(store, f"SELECT t.value, r.status {TRAINED}")
    assert sorted(runs) == [(identity, "FINISHED") for identity in sorted(answers(project))]
    assert metrics(store) == metrics(f"sqlite:///{here.root / 'mlflow.db'}")
