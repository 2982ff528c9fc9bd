"""Files are whole or absent; names for content."""

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferlab.bundle.archive import unpack
from ferlab.bundle.wheels import read_list
from ferlab.datasets.gather import gather
from ferlab.errors import UserError
from ferlab.files import (
    atomic_folder,
    atomic_write,
    canonical_json,
    content_hash,
    disk_errors,
    must_be_writable,
    recover,
    sha256_file,
    sweep,
    write_json,
    write_text,
)
from ferlab.yaml_file import read_yaml


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "größe\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "größe\n".encode()
    assert (tmp_path / "a" / "b.txt").stat().st_mode & 0o777 == 0o644
    assert listing(tmp_path / "a") == ["b.txt"]


@pytest.mark.parametrize(
    ("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)]
)
def test_the_user_s_umask_is_respected(tmp_path: Path, mask: int, file: int, folder: int) -> None:
    """A group that shares a project sets one, and so does who shares nothing."""
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a.txt", "x")
        with atomic_folder(tmp_path / "folder") as fresh:
            (fresh / "b").touch()
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.txt", "folder", "folder/b")]
    assert modes == [file, folder, file]


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="File name too long"):
        write_text(tmp_path / ("x" * 5000), "x")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with atomic_write(path) as handle:
            handle.write(b"new")
            handle.flush()
            assert path.read_text() == "old"  # readers see the old one until the end
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert listing(tmp_path) == ["file"]


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for name in ("first", "second"):
        with atomic_folder(path) as fresh:
            (fresh / name).touch()
        assert listing(path) == [name]
    assert listing(tmp_path) == ["folder"]
    assert path.stat().st_mode & 0o777 == 0o755


def test_a_place_that_takes_no_files_is_told() -> None:
    with pytest.raises(UserError, match="no file can be made there"):
        write_text(Path("/proc/new.txt"), "x")


def test_a_folder_is_refused_before_something_is_made_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    must_be_writable(tmp_path / "a" / "b")
    assert listing(tmp_path / "a" / "b") == []
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="name another path"):
        must_be_writable(tmp_path / "file")

    def refuse(**_: object) -> str:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(UserError, match=f"b can't be written: {os.strerror(errno.EROFS)}"):
        must_be_writable(tmp_path / "a" / "b")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()

    def fail() -> None:
        with atomic_folder(path) as fresh:
            (fresh / "new").touch()
            raise error

    with pytest.raises(error):
        fail()
    assert listing(path) == ["old"]
    assert listing(tmp_path) == ["folder"]


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from ferlab.data.images import ImageSet
from ferlab.errors import UserError
from ferlab.files import atomic_folder, write_text

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    {statement}
except UserError as error:
    print(error)
    sys.exit(2)
"""
IMAGES = "ImageSet(np.ones((9, 48, 48), np.uint8), np.zeros(9, np.int64), ('a',), *[tuple('abcdefghi')] * 3, 'x')"


@pytest.mark.parametrize(
    "statement",
    ["write_text(Path('target'), 'x' * 10_000)", f"{IMAGES}.save(Path('target'))"],
    ids=["file", "set of images"],
)
def test_a_full_disk(tmp_path: Path, statement: str) -> None:
    """A limit on the size of files stands for the full disk: the kernel ends the write just so."""
    old = tmp_path / "target"
    if "save" in statement:
        old.mkdir()
        old /= "kept"
    old.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK.format(statement=statement)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "no space left to write target" in done.stdout
    assert old.read_text() == "old"
    assert listing(tmp_path) == ["target"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS])
def test_disk_errors_name_the_file(tmp_path: Path, number: int) -> None:
    with pytest.raises(UserError, match=f"net.bin.*{os.strerror(number)}") as caught, disk_errors(tmp_path / "net.bin"):
        raise OSError(number, os.strerror(number))
    assert caught.value.where == str(tmp_path)


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(InterruptedError), disk_errors(tmp_path):
        raise OSError(errno.EINTR, "interrupted")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values))
def test_canonical_json_knows_no_order(value: dict[str, object]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


def test_json_refuses_what_is_not_finite(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": [0.1]})
    assert (tmp_path / "a.json").read_text() == '{\n "a": [\n  0.1\n ],\n "b": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})


def test_hash_of_a_file_is_sha256(tmp_path: Path) -> None:
    """FIPS 180-4's example."""
    (tmp_path / "file").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert content_hash(tmp_path / "file") == sha256_file(tmp_path / "file") == expected


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda f: (f / "__pycache__" / "a.pyc").write_bytes(b"2"), False),
        (lambda f: (f / "deep" / "__pycache__").mkdir(), False),
        (lambda f: os.utime(f / "a.py", (0, 0)), False),
        (lambda f: (f / "a.py").write_text("2"), True),
        (lambda f: (f / "a.py").rename(f / "c.py"), True),
        (lambda f: (f / "a.py").rename(f / "deep" / "a.py"), True),
        (lambda f: (f / "deep" / "b.py").write_text(""), True),
        (lambda f: (f / "new.html").touch(), True),
        (lambda f: (f / "a.py").unlink(), True),
    ],
)
def test_hash_of_a_folder(tmp_path: Path, change: Callable[[Path], object], seen: bool) -> None:
    """Any edit counts; Python's caches don't."""
    for name, text in (("a.py", "1"), ("deep/b.py", "1"), ("__pycache__/a.pyc", "1")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = content_hash(tmp_path)
    change(tmp_path)
    assert (content_hash(tmp_path) != before) == seen


def test_a_folders_hash_does_not_depend_on_its_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("1")
    assert content_hash(tmp_path / "one") == content_hash(tmp_path / "two")


def test_what_does_not_exist_has_no_content(tmp_path: Path) -> None:
    """A mistyped path must not be the hash of nothing."""
    with pytest.raises(FileNotFoundError):
        content_hash(tmp_path / "absent")


def test_a_folder_that_a_kill_left_aside_comes_back(tmp_path: Path) -> None:
    """Killed between the two renames: the old content stands in the folder aside, and nothing in its place."""
    path = tmp_path / "data"
    path.mkdir()
    (path / "old").write_text("x")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    killed = (
        "import os, signal, sys; from pathlib import Path; from ferlab import files\n"
        "real = Path.replace\n"
        "def once(self, target):\n"
        "    if self.name == 'fresh': os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(self, target)\n"
        "Path.replace = once\n"
        "files.replace_folder(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(fresh), str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    recover(path)
    assert [p.name for p in path.iterdir()] == ["old"]
    sweep(path)
    assert {p.name for p in tmp_path.iterdir()} == {"data", "fresh"}


def test_recovery_touches_nothing_that_is_in_its_place(tmp_path: Path) -> None:
    aside = tmp_path / ".data.abcdefgh.old" / "data"
    for folder in (tmp_path / "data", aside):
        folder.mkdir(parents=True)
        (folder / "x").write_text(str(folder))
    recover(tmp_path / "data")
    assert (tmp_path / "data" / "x").read_text() == str(tmp_path / "data")


def make_pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def make_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    return path


def make_folder(path: Path) -> Path:
    path.mkdir()
    return path


NO_FILES = {
    "a named pipe": make_pipe,
    "a socket": make_socket,
    "a folder": make_folder,
    "a device": lambda _: Path("/dev/zero"),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_named_at_once(kind: str, tmp_path: Path) -> None:
    """Read, it would wait for ever or never end; written, it would be gone."""
    path = NO_FILES[kind](tmp_path / "x.parquet")
    ways = {
        "gather": lambda: gather(path, tmp_path),
        "yaml": lambda: read_yaml(path),
        "results": lambda: unpack(path, tmp_path / "out"),
        "list": lambda: read_list(path),
        "write": lambda: write_text(path, "text"),
    }
    if kind == "a folder":  # in which data may lie
        del ways["gather"]
    for way in ways.values():
        with pytest.raises(UserError, match=f"is {kind}, not a file"):
            way()
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(UserError, match=f"link is {kind}"):
        read_yaml(link)
    assert path.exists()
