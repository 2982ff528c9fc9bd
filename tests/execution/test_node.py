"""What a node does with a task, without a cluster around it."""

import platform
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from ferlab.code.source import Code
from ferlab.execution import node
from ferlab.execution.environment import Environment
from ferlab.execution.node import Order, Report, carry_out
from ferlab.execution.travel import digest, pack, unpack


class Driver:
    """Holds content, and counts how often it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.contents = folder, dict[str, bytes]()
        self.fetched, self.heard = list[str](), list[tuple[str, str]]()

    def put(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        data = pack(path)
        self.contents[digest(data)] = data
        return digest(data)

    def order(self, script: str, outs: tuple[str, ...] = (), **more: str) -> Order:
        inputs = {"work/in.txt": self.put("in.txt", "read me")}
        copies = {"notes.txt": self.put("notes.txt", "write me\n")}
        words = ("sh", "-c", script)
        return replace(Order("task", words, "work", inputs, copies, outs, None, Environment.here()), **more)

    def run(self, order: Order) -> Report:
        def fetch(name: str) -> bytes:
            self.fetched.append(name)
            return self.contents[name]

        return carry_out(order, fetch, lambda kind, _, text: self.heard.append((kind, text)))


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Driver(tmp_path)


def test_a_task_reads_what_has_travelled_and_what_it_makes_comes_back(driver: Driver, tmp_path: Path) -> None:
    order = driver.order(
        "cat in.txt > out.txt; echo more >> ../notes.txt; echo said", ("work/out.txt", "notes.txt", "no")
    )
    report = driver.run(order)
    assert (report.code, report.text) == (0, "said\n")
    texts = {name: unpack(data, tmp_path / "back" / name).read_text() for name, data in report.outs.items()}
    assert texts == {"work/out.txt": "read me", "notes.txt": "write me\nmore\n"}
    assert driver.heard[0] == ("started", "")


def test_a_folder_that_may_be_written_is_a_copy(driver: Driver, tmp_path: Path) -> None:
    """Such as a checkpoint in flight that the task goes on from."""
    (tmp_path / "inflight" / "happy").mkdir(parents=True)
    name = driver.put("inflight/happy/state.txt", "epoch 3\n") and digest(pack(tmp_path / "inflight"))
    driver.contents[name] = pack(tmp_path / "inflight")
    script = "cd ../inflight/happy; echo epoch 4 >> state.txt; cat state.txt"
    for _ in range(2):
        assert driver.run(driver.order(script, copies={"inflight": name})).text == "epoch 3\nepoch 4\n"  # type: ignore[arg-type]


def test_a_full_disk_is_told_with_its_node_and_spoils_nothing(driver: Driver) -> None:
    """Full when content comes, and when a copy of it is laid; with room made, the same order is carried out."""
    large = {"large.txt": driver.put("large.txt", "x" * 100_000)}
    order = driver.order("wc -c < ../large.txt", copies=large)  # type: ignore[arg-type]
    for _ in range(2):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        try:
            report = driver.run(order)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert report.code == 2
        assert report.text.startswith(f"error: on the node {platform.node()}: no space left to write ")
        assert "free some space" in report.text
        assert driver.run(order).text.strip() == "100000"
    assert len(driver.fetched) == 3  # a file, and the large one again that came in part


def test_what_is_in_flight_is_a_results_own_or_one_of_its_parts(tmp_path: Path) -> None:
    for place in ("whole/slot.json", "whole/fold-0/state", "parts/happy/state", "parts/sad/state", "parts/note"):
        (tmp_path / "inflight" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "inflight" / place).touch()
    assert node.in_flight(tmp_path) == ("parts/happy", "parts/sad", "whole")
    assert node.in_flight(tmp_path / "nowhere") == ()


def test_content_comes_once_and_stays_as_it_was(driver: Driver) -> None:
    order = driver.order("cat ../notes.txt; echo spoilt > ../notes.txt")
    first, second = driver.run(order), driver.run(order)
    assert first.text == second.text == "write me\n"
    assert len(driver.fetched) == len(set(driver.fetched)) == 2


def test_nothing_of_a_task_is_left_nor_of_one_that_died(driver: Driver) -> None:
    dead = node._place() / "roots" / "dead"
    dead.mkdir(parents=True)
    (dead / "laid").touch()
    driver.run(driver.order("echo some > file"))
    assert [path for path in (node._place() / "roots").iterdir() if path.is_dir()] == []


def test_a_failure_is_told_with_its_code_and_last_words(driver: Driver) -> None:
    report = driver.run(driver.order("echo it broke; exit 7", ("work/in.txt",)))
    assert (report.code, report.text) == (7, "it broke")


def test_what_the_nodes_environment_says_of_stores_is_not_heard(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in node.OURS:
        monkeypatch.setenv(name, "the node's own")
    order = driver.order("env", checkpoints="memory://inflight")
    said = dict(line.split("=", 1) for line in driver.run(order).text.splitlines() if "=" in line)
    assert said.keys() & set(node.OURS) == {node.STORE}
    assert said[node.STORE] == "memory://inflight"


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"versions": Environment.here().versions | {"torch": "1.0", "scipy": None}}, "scipy"),
        ({"code": Code("0" * 64, Code.of(Path(node.__file__).parents[1]).rooms | {"gan": "0"})}, "gan"),
    ],
)
def test_other_code_or_packages_are_named_and_nothing_runs(
    theirs: dict[str, object], told: str, driver: Driver, tmp_path: Path
) -> None:
    report = driver.run(driver.order(f"touch {tmp_path}/ran", environment=replace(Environment.here(), **theirs)))
    assert report.code == 2
    assert told in report.text
    assert Environment.here().host in report.text
    assert not (tmp_path / "ran").exists()
