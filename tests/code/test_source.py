"""Names for the content of a package, and the committed code.json."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import ferlab
from ferlab.code.check import read
from ferlab.code.source import SOURCE, Code, room_hash
from temporary import REPOSITORY


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy, which may be edited."""
    return Path(shutil.copytree(SOURCE, tmp_path / "ferlab"))


def test_the_committed_record_is_of_the_committed_code() -> None:
    assert read(REPOSITORY / "code.json") == Code.of(REPOSITORY / "src" / "ferlab"), "`ferlab code` makes it anew"


def test_the_source_is_what_was_imported() -> None:
    assert Path(ferlab.__file__).resolve() == SOURCE / "__init__.py"
    code = Code.of(SOURCE)
    assert {"__init__.py", "cli", "errors.py", "gan", "report"} <= set(code.rooms)
    assert {room: room_hash(room) for room in code.rooms} == dict(code.rooms)


@pytest.mark.parametrize(
    ("edit", "rooms"),
    [
        (lambda p: (p / "gan" / "fit.py").write_text("1"), ["gan"]),
        (lambda p: (p / "report" / "templates" / "style.css").write_text("1"), ["report"]),
        (lambda p: (p / "data" / "labels.py").rename(p / "gan" / "labels.py"), ["data", "gan"]),
        (lambda p: (p / "errors.py").unlink(), ["errors.py"]),
        (lambda p: (p / "new.py").touch(), ["new.py"]),
    ],
)
def test_every_edit_is_seen_and_its_room_named(package: Path, edit: Callable[[Path], object], rooms: list[str]) -> None:
    before = Code.of(package)
    edit(package)
    after = Code.of(package)
    assert after.package != before.package
    assert before.differences(after) == rooms


def test_what_is_no_source_does_not_count(package: Path) -> None:
    before = Code.of(package)
    for name in ("gan/__pycache__/fit.pyc", "gone/__pycache__/a.pyc", "gan/.fit.py.swp", ".DS_Store"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(b"1")
    assert Code.of(package) == before
