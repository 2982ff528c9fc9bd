"""The archive for a node: what is in it, what it is refused for, and what run.sh refuses there."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ferlab.bundle.manifest import FILE, Manifest
from ferlab.bundle.pack import ROOM, clean_commit, must_be_free, settings_of
from ferlab.cli.bundle import parse_size
from ferlab.code.commit import read_commit
from ferlab.errors import UserError
from ferlab.project import Project
from temporary import TemporaryProject

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER = "3.12" if HERE != "3.12" else "3.13"


@pytest.fixture(scope="module")
def packed(untouched: TemporaryProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the tiny project for a node that has every package, unpacked. Read-only."""
    base = tmp_path_factory.mktemp("bundle")
    file = bundle(untouched, base / "node.tar", "--data")
    unpack(file, base)
    return base / ROOM


def bundle(project: TemporaryProject, file: Path, *words: str, python: str = HERE) -> Path:
    have = file.with_name("have.txt")
    have.write_text(project.run("python", "-m", "pip", "list"))
    project.ferlab("bundle", str(file), "--python", python, "--have", str(have), *words)
    return file


def unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file) as tar:
        tar.extractall(folder, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))  # 3.11.4 and later


def hashes(room: Path) -> dict[str, str]:
    """Path to SHA-256 of every file but the manifest."""
    files = {str(path.relative_to(room)): path for path in room.rglob("*") if path.is_file()}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if name != FILE}


def run(room: Path, *words: str, **env: str) -> tuple[int, str]:
    """Exit code and output of run.sh; `env` is laid on a bare environment."""
    own = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath])}
    done = subprocess.run([room / "run.sh", *words], env=own | env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_it_holds_the_commit_alone_the_data_and_the_hash_of_every_part(
    packed: Path, untouched: TemporaryProject, tmp_path: Path
) -> None:
    manifest = Manifest.read(packed / FILE)
    assert manifest.parts == hashes(packed)
    assert (manifest.python, manifest.budget, manifest.folder) == (HERE, "tiny", ".")
    for name in ("fer2013.zip", "ckplus.zip"):
        assert (packed / "data" / name).read_bytes() == (untouched.root / "data" / name).read_bytes()
    untouched.run("git", "clone", "--quiet", str(packed / "project.git"), str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    assert read_commit(clone) == read_commit(Project(untouched.root))
    assert read_commit(clone).commit == manifest.commit
    assert not [name for name in manifest.parts if bytes(untouched.root) in (packed / name).read_bytes()]


def test_of_a_long_history_it_holds_the_last_commit(fresh: TemporaryProject, tmp_path: Path) -> None:
    """Also from a worktree, of a commit that no branch has, and of a project in a folder of its repository."""
    shutil.move(fresh.root, fresh.root.parent / "inner")
    fresh.root.mkdir()
    shutil.move(fresh.root.parent / "inner" / ".git", fresh.root / ".git")
    shutil.move(fresh.root.parent / "inner", fresh.root / "in ner")
    fresh.commit("Move")
    fresh.commit("Nothing")
    fresh.run("git", "worktree", "add", "--quiet", "--detach", str(tmp_path / "work tree"))
    inner = TemporaryProject(tmp_path / "work tree" / "in ner")
    unpack(bundle(inner, tmp_path / "node.tar"), tmp_path)
    manifest = Manifest.read(tmp_path / ROOM / FILE)
    assert manifest.folder == "in ner"
    assert manifest.commit == fresh.run("git", "rev-parse", "HEAD").strip()
    fresh.run("git", "clone", "--quiet", str(tmp_path / ROOM / "project.git"), str(tmp_path / "clone"))
    clone = tmp_path / "clone" / manifest.folder
    assert read_commit(Project(clone)).commit == manifest.commit
    assert subprocess.check_output(["git", "rev-list", "--count", "HEAD"], cwd=clone, text=True) == "1\n"


def test_parts_are_joined_to_one_archive(untouched: TemporaryProject, tmp_path: Path) -> None:
    bundle(untouched, tmp_path / "node.tar", "--part-size", "200K")
    parts = sorted(tmp_path.glob("node.tar.*"))
    assert [part.name for part in parts] == [f"node.tar.{i:03d}" for i in range(len(parts))]
    assert {part.stat().st_size for part in parts[:-1]} == {200 * 2**10}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["have.txt", *(part.name for part in parts)]
    (tmp_path / "joined.tar").write_bytes(b"".join(part.read_bytes() for part in parts))
    unpack(tmp_path / "joined.tar", tmp_path)
    assert hashes(tmp_path / ROOM) == Manifest.read(tmp_path / ROOM / FILE).parts


def test_what_fits_into_one_part_is_one_file(untouched: TemporaryProject, tmp_path: Path) -> None:
    file = bundle(untouched, tmp_path / "node.tar", "--part-size", "1G")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["have.txt", file.name]


@pytest.mark.parametrize("text", ["60", "M", "0M", "60m", "60MB", "-1M", "1.5G"])
def test_no_size(text: str) -> None:
    assert parse_size("60M") == 60 * 2**20
    with pytest.raises(UserError, match="500K, 60M or 2G"):
        parse_size(text)


EDITS: dict[str, Callable[[Path], object]] = {
    "src/ferlab/gan/fit.py": lambda path: path.write_text(path.read_text() + "# edited\n"),
    "budgets/mine.yaml": lambda path: path.write_text("budget: mine\n"),
    "data.dvc": lambda path: path.unlink(),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_dirty_checkout_is_refused_by_name(name: str, fresh: TemporaryProject, tmp_path: Path) -> None:
    EDITS[name](fresh.root / name)
    with pytest.raises(UserError, match=f"what no commit holds: {name}"):
        clean_commit(Project(fresh.root))
    fresh.run("git", "add", "--all")
    with pytest.raises(UserError, match=name):
        clean_commit(Project(fresh.root))
    fresh.commit("Edit")
    assert clean_commit(Project(fresh.root)) == fresh.run("git", "rev-parse", "HEAD").strip()


def test_what_no_commit_can_hold(fresh: TemporaryProject) -> None:
    shutil.rmtree(fresh.root / ".git")
    with pytest.raises(UserError, match="would name no commit"):
        clean_commit(Project(fresh.root))


def test_a_budget_for_real_faces_needs_them(untouched: TemporaryProject, fresh: TemporaryProject) -> None:
    project = Project(untouched.root)
    assert settings_of(project, "demo").budget == "demo"
    with pytest.raises(UserError, match="'trial' is meant for real faces, and params"):
        settings_of(project, "trial")
    with pytest.raises(UserError, match="no budget 'huge'"):
        settings_of(project, "huge")
    fresh.change({"data": {"kind": "real"}})
    for name in ("trial", "gpu", "design"):  # rows that take over another's values follow what a budget changes of it
        assert settings_of(Project(fresh.root), name).budget == name
    assert fresh.params.budget == "tiny"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "node[1].tar"
    must_be_free(target)
    target.with_name("node[1].tar.003").touch()
    with pytest.raises(UserError, match=r"node\[1\]\.tar\.003 is there already"):
        must_be_free(target)
    with pytest.raises(UserError, match="no such folder"):
        must_be_free(tmp_path / "absent" / "node.tar")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--python", "3.9"), "doesn't run on Python '3.9'"),
        (("--have", "absent.txt"), "the node's list can't be read"),
        (("--part-size", "60"), "'60' is not a size"),
        (("--budget", "trial"), "meant for real faces"),
    ],
)
def test_bad_input_makes_no_archive(
    words: tuple[str, ...], said: str, untouched: TemporaryProject, tmp_path: Path
) -> None:
    output = untouched.ferlab("bundle", str(tmp_path / "node.tar"), *words, code=2)
    assert said in output
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == []


def test_data_that_params_yaml_does_not_name_is_refused(fresh: TemporaryProject, tmp_path: Path) -> None:
    have = tmp_path / "have.txt"
    have.write_text(fresh.run("python", "-m", "pip", "list"))
    (fresh.root / "data" / "fer2013.zip").write_bytes(b"others")
    words = ("bundle", str(tmp_path / "node.tar"), "--data", "--have", str(have))
    assert "data/fer2013.zip is not the file that params.yaml names" in fresh.ferlab(*words, code=2)
    (fresh.root / "data" / "fer2013.zip").unlink()
    assert "data/fer2013.zip is missing" in fresh.ferlab(*words, code=2)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "node"))] == []


def test_run_sh_is_told_how_it_is_called(packed: Path) -> None:
    code, said = run(packed, "out")
    assert code == 2
    assert said.startswith("usage: ")


def test_another_python_is_refused_on_the_node(untouched: TemporaryProject, tmp_path: Path) -> None:
    unpack(bundle(untouched, tmp_path / "node.tar", python=OTHER), tmp_path)
    code, said = run(tmp_path / ROOM, str(tmp_path / "out"), "1m", "1")
    assert code == 2
    assert f"this archive is for Python {OTHER}, and " in said
    assert f"is {HERE}" in said
    code, said = run(tmp_path / ROOM, str(tmp_path / "out"), "1m", "1", PYTHON="no-such-python")
    assert code == 2
    assert "there is no no-such-python" in said
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("change", [b"tampered", None])
def test_a_part_that_is_not_what_was_packed_is_named(change: bytes | None, packed: Path, tmp_path: Path) -> None:
    room = shutil.copytree(packed, tmp_path / ROOM)
    path = room / "data" / "ckplus.zip"
    if change:
        path.write_bytes(change)
    else:
        path.unlink()
    code, said = run(room, str(tmp_path / "out"), "1m", "1")
    assert code == 2
    assert "data/ckplus.zip" in said
    assert "a part is not what was packed" in said
    assert not (room / "project").exists()


def test_what_the_node_was_said_to_have_and_lacks_is_named(packed: Path, tmp_path: Path) -> None:
    """Before any of the time that it is lent for has gone into a run."""
    room = shutil.copytree(packed, tmp_path / ROOM)
    manifest = json.loads((room / FILE).read_text())
    assert {"torch", "ruamel-yaml", "dvc"} <= set(manifest["left_out"])
    (room / FILE).write_text(json.dumps(manifest | {"left_out": [*manifest["left_out"], "absent", "missing-too"]}))
    code, said = run(room, str(tmp_path / "out"), "1m", "1")
    assert code == 2
    assert "lacks absent, missing-too, which --have named" in said
    assert not (room / "project").exists()


def test_what_the_run_is_refused_for_leaves_no_results(packed: Path, tmp_path: Path) -> None:
    """It gets as far as `ferlab reproduce`, with the environment's packages for the node's own."""
    room = shutil.copytree(packed, tmp_path / ROOM)
    code, said = run(room, str(tmp_path / "out"), "soon", "1", DVC_SITE_CACHE_DIR=str(tmp_path / "cache"))
    assert code == 2
    assert "'soon' is not a length of time" in said
    assert list((tmp_path / "out").iterdir()) == []
    clone = Project(room / "project")
    assert read_commit(clone).commit == json.loads((room / FILE).read_text())["commit"]
    assert read_commit(clone).dirty == "false"
    assert (clone.data / "fer2013.zip").read_bytes() == (room / "data" / "fer2013.zip").read_bytes()
