"""What people get wrong: exit code 2, one message that says what to do, and nothing of theirs is touched."""

import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.files import content_hash
from ferlab.project import Project
from ferlab.stages.context import run_stage
from ferlab.stages.table import find
from temporary import TemporaryProject, stop


@pytest.fixture(scope="module")
def shared(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> TemporaryProject:
    return untouched.copy(tmp_path_factory.mktemp("bad-input") / "project")


@pytest.fixture
def project(shared: TemporaryProject) -> Iterator[TemporaryProject]:
    """A project that must look after the test as before."""
    before = possessions(shared)
    yield shared
    assert possessions(shared) == before


def possessions(project: TemporaryProject) -> dict[str, str]:
    names = ("data", "params.yaml", "data.dvc", "dvc.yaml", "reports", "budgets")
    kept = {name: content_hash(project.root / name) for name in names if (project.root / name).exists()}
    return kept | {"litter": str(sorted(p.name for p in project.root.glob(".*.part")))}


def refused(project: TemporaryProject, *words: str, cwd: Path | None = None, **env: str) -> str:
    """The one message of a command that is refused."""
    done = subprocess.run(
        ["ferlab", *words], cwd=cwd or project.root, env=project.env | env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("error: ") == 1, done.stderr
    assert "->" not in done.stdout  # what hasn't happened isn't announced
    return done.stderr


def test_outside_a_project(project: TemporaryProject, tmp_path: Path) -> None:
    for words in (("data", "show"), ("doctor",), ("report",), ("budget", "use", "demo"), ("stage", "prepare")):
        message = refused(project, *words, cwd=tmp_path)
        assert "not a ferlab project" in message
        assert str(tmp_path) in message
        assert "go to your clone" in message
    assert list(tmp_path.iterdir()) == []


def test_unknown_names(project: TemporaryProject) -> None:
    assert "the budgets are cpu, demo, " in refused(project, "budget", "use", "huge")
    assert "there is no budget '../params'" in refused(project, "budget", "use", "../params")
    assert "there is no budget" in refused(project, "budget", "show", "huge")
    assert "File name too long" in refused(project, "report", "--budget", "x" * 5000)
    assert "the budgets are cpu, demo, " in refused(project, "report", "--budget", "huge")
    assert "the stages are prepare, audit, gan" in refused(project, "stage", "nonsense")
    assert "the stage train takes ARM SEED, not resnet50" in refused(project, "stage", "train", "resnet50")
    assert "the stage prepare takes no arguments, not x" in refused(project, "stage", "prepare", "x")
    assert "'stylegan'" in refused(project, "stage", "gan", "stylegan", "0")
    assert "an input of the stage train-svm-7" in refused(project, "stage", "train", "svm", "7")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("gan", "stylegan", "0"), "stylegan"),
        (("tune", "vgg"), "vgg"),
        (("train", "svm", "zero"), "zero"),
        (("evaluate", "nobody", "0"), "nobody"),
    ],
)
def test_unknown_families_classifiers_arms_and_seeds(
    words: tuple[str, ...], named: str, project: TemporaryProject
) -> None:
    """In this process, because an import of torch for each would take most of the time."""
    with pytest.raises(UserError, match=f"'{named}'"):
        run_stage(Project(project.root), find(words[0]), list(words[1:]), quiet=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gan": {"sead": 1}}, "gan.sead: unknown key (value 1)"),
        ({"compute": {"threads": "two"}}, "compute.threads: 'two' is not allowed"),
        ({"compute": {"threads": 0}}, "compute.threads: 0 is not allowed"),
        ({"compute": {"device": "tpu"}}, "compute.device: 'tpu' is not allowed"),
        ({"classifiers": {"resnet50": {"width": -1.0}}}, "classifiers.resnet50.width: -1.0 is not allowed"),
        ({"run": {"arms": {"nobody": "none"}}}, "run.arms: 'nobody' is not one of"),
        ({"run": {"seeds": []}}, "run.seeds: [] is empty"),
        ({"gan": {"families": {"dcgan": {"lr": float("nan")}}}}, "gan.families.dcgan.lr: 'NaN' is not allowed"),
        ({"data": {"fer2013": "abc"}}, "data.fer2013: 'abc' is not allowed"),
    ],
)
def test_params_yaml_with_a_fault(change: dict[str, Any], message: str, shared: TemporaryProject) -> None:
    path = shared.root / "params.yaml"
    before = path.read_text()
    try:
        shared.change(change)
        faulty = path.read_text()
        for words in (("stage", "prepare"), ("data", "show")):
            assert message in refused(shared, *words)
        assert path.read_text() == faulty
    finally:
        path.write_text(before)


def test_params_yaml_that_is_no_yaml_names_the_line(shared: TemporaryProject) -> None:
    path = shared.root / "params.yaml"
    before = path.read_text()
    try:
        path.write_text("budget: demo\nrun: [unclosed\n")
        assert "params.yaml, line" in refused(shared, "budget", "show")
        path.write_text("")
        refused(shared, "budget", "show", "demo")
        path.write_text("- a list\n")
        refused(shared, "budget", "use", "demo")
    finally:
        path.write_text(before)


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_archives_with_a_fault(project: TemporaryProject, tiny_archives: Path, tmp_path: Path) -> None:
    fer2013, ckplus = tiny_archives / "fer2013.zip", tiny_archives / "ckplus.zip"
    whole = fer2013.read_bytes()
    cut, text, bent = tmp_path / "cut.zip", tmp_path / "text.zip", tmp_path / "bent.zip"
    cut.write_bytes(whole[: len(whole) // 2])
    text.write_text("no archive")
    empty = tmp_path / "empty"
    empty.mkdir()
    place = whole.index(b"P5\n48 48\n255\n") + 500
    bent.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
    neither = archive(tmp_path / "neither.zip", {"readme.txt": b"hello", "table.csv": b"a,b\n1,2\n"})
    broken = archive(tmp_path / "broken.zip", {"train/angry/Training_0.jpg": b"\xff\xd8 no picture"})
    for words, wanted in (
        ((fer2013, tmp_path / "absent.zip"), ("no such file", "absent.zip")),
        ((cut, ckplus), ("not a whole zip archive", "cut.zip", "download it again")),
        ((text, ckplus), ("not a whole zip archive but text", "text.zip", "read are folders")),
        ((neither, ckplus), ("neither FER-2013 nor CK+48", "neither.zip")),
        ((broken, ckplus), ("Training_0.jpg", "can't be decoded")),
        ((fer2013, fer2013), ("hold fer2013", "one copy of FER-2013 and one of CK+48")),
        ((fer2013,), ("ckplus is missing too", "never mixed")),
        ((ckplus,), ("fer2013 is missing too", "never mixed")),
        ((empty,), ("neither FER-2013 nor CK+48", "empty")),
    ):
        message = refused(project, "data", "add", "--allow-partial", *map(str, words))
        for part in wanted:
            assert part in message, (words, message)
    message = refused(project, "data", "add", str(bent), str(ckplus))
    assert "can't be decoded" in message
    assert "bent.zip: " in message
    message = refused(project, "data", "add", str(fer2013), str(ckplus))
    assert "the counts are not the published ones" in message
    assert "train/angry: 6 images, published 3995" in message
    assert "--allow-partial" in message


def test_no_room_on_the_disk(project: TemporaryProject, tiny_archives: Path) -> None:
    """Files may not grow past 20 kB: what is there stays, whole."""
    program = (
        "import resource, sys\n"
        "from ferlab.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "sys.argv = ['ferlab', *sys.argv[1:]]\n"
        "main()\n"
    )
    words = ("data", "add", "--allow-partial", str(tiny_archives / "fer2013.zip"), str(tiny_archives / "ckplus.zip"))
    output = project.python(program, *words, code=2)
    assert "no space left" in output
    assert "nothing that was there before has been touched" in output
    assert "Traceback" not in output
    output = project.python(program, "data", "demo", code=2)
    assert "no space left" in output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(fresh: TemporaryProject, tiny_archives: Path) -> None:
    fresh.root.chmod(0o555)
    try:
        assert "can't be written" in refused(fresh, "budget", "use", "demo")
    finally:
        fresh.root.chmod(0o755)


def test_own_archives_take_the_place_of_the_demo(fresh: TemporaryProject, tiny_archives: Path) -> None:
    mine = [shutil.copyfile(tiny_archives / f"{n}.zip", fresh.beside(f"{n}.zip")) for n in ("ckplus", "fer2013")]
    with zipfile.ZipFile(mine[0], "a") as file:
        file.writestr("readme.txt", "mine")
    said = fresh.ferlab("data", "add", "--allow-partial", *map(str, mine))
    assert f"the budget is still {fresh.params.budget}" in said
    assert "-> data/fer2013.zip" in said
    assert fresh.params.data.kind == "real"
    assert (fresh.root / "data" / "ckplus.zip").read_bytes() == mine[0].read_bytes()
    assert all(path.is_file() for path in mine)
    assert fresh.params.data.ckplus in fresh.ferlab("data", "show")
    fresh.ferlab("data", "add", "--allow-partial", str(mine[1]))  # the other one is kept: both are real now
    fresh.ferlab("stage", "prepare")


def test_a_counted_loss_is_said_and_not_stored(fresh: TemporaryProject, tiny_archives: Path, tmp_path: Path) -> None:
    """A folder instead of an archive, with one picture cut off and something else beside it."""
    folder = tmp_path / "faces"
    with zipfile.ZipFile(tiny_archives / "fer2013.zip") as file:
        file.extractall(folder)
    victim = next(folder.rglob("Training_*"))
    victim.write_bytes(victim.read_bytes()[:500])
    (folder / "notes.txt").write_text("x")
    words = ("data", "add", str(folder), str(tiny_archives / "ckplus.zip"))
    before = {path.name: path.read_bytes() for path in (fresh.root / "data").iterdir()}
    assert victim.name in fresh.ferlab(*words, code=2)
    assert {path.name: path.read_bytes() for path in (fresh.root / "data").iterdir()} == before
    output = fresh.ferlab(*words, "--allow-partial")
    why = "can't be decoded: it is cut off or damaged (OSError)"
    assert f"lost: 1 that can't be used: 1 {why} ({victim.relative_to(folder)})" in output
    assert "skipped: 1 other file (notes.txt)" in output
    assert "FER-2013 in folders" in output
    fresh.ferlab("stage", "prepare")
    assert len(ImageSet.open(fresh.root / "work" / "prepared" / "train")) == 41


def test_faces_that_a_kill_left_aside_come_back(fresh: TemporaryProject) -> None:
    aside = fresh.root / ".data.abcdefgh.old"
    aside.mkdir()
    (fresh.root / "data").rename(aside / "data")
    assert "missing" not in fresh.ferlab("data", "show")
    fresh.ferlab("stage", "prepare")


HOLD = """
import sys, time
from ferlab.project import Project
from ferlab.execution.locks import exclusive
with exclusive(Project.find(), "prepare"):
    print("HELD", flush=True)
    time.sleep(600)
"""


def test_a_second_process_in_the_same_place_refuses_naming_the_first(project: TemporaryProject) -> None:
    """DVC may be killed while its child lives on. A killed holder holds nothing any more."""
    holder = project.start("python", "-c", HOLD, log="hold.txt")
    try:
        while b"HELD" not in project.beside("hold.txt").read_bytes():
            assert holder.poll() is None
            time.sleep(0.01)
        message = refused(project, "stage", "prepare")
        assert f"process {holder.pid} is still at work on prepare" in message
        assert f"kill {holder.pid}" in message
        assert psutil.Process(holder.pid).is_running()
    finally:
        stop(holder)
    project.ferlab("stage", "prepare")
