"""Archives from elsewhere: nothing is written outside of the folder, and no link is followed."""

import io
import tarfile
from pathlib import Path

import pytest

from ferlab.bundle import archive
from ferlab.bundle.archive import unpack
from ferlab.errors import UserError

FIRST, AGAIN = ("a/b.txt", b"first"), ("c.txt", b"second")


def tar_of(path: Path, *members: tuple[str, bytes] | tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member[0])
            content = b"" if isinstance(member, tarfile.TarInfo) else member[1]
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_plain_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    executable = tarfile.TarInfo("run.sh")
    executable.mode = 0o4777
    folder = special("a", tarfile.DIRTYPE)
    unpack(tar_of(tmp_path / "a.tgz", folder, FIRST, AGAIN, executable), tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == {
        "b.txt": b"first", "c.txt": b"second", "run.sh": b"",
    }  # fmt: skip
    assert (tmp_path / "out" / "run.sh").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (("/absolute.txt", b""), "outside"),
        (("../beside.txt", b""), "outside"),
        (("a/../../beside.txt", b""), "outside"),
        (("a\\..\\beside.txt", b""), "outside"),
        (special("a/link", tarfile.SYMTYPE, "/etc/passwd"), "no plain file"),
        (special("a/link", tarfile.SYMTYPE, "b.txt"), "no plain file"),
        (special("a/link", tarfile.LNKTYPE, "a/b.txt"), "no plain file"),
        (special("a/pipe", tarfile.FIFOTYPE), "no plain file"),
        (special("a/disk", tarfile.BLKTYPE), "no plain file"),
        (("a/b.txt", b"another"), "twice"),
        (("./a/b.txt", b"another"), "twice"),
        (("a/b.txt/below", b""), "twice"),
        (("a", b""), "twice"),
        (("large", b"0" * 100), "far larger than results are"),
    ],
)
def test_what_results_never_hold_is_named(
    member: tuple[str, bytes] | tarfile.TarInfo, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST", 100)
    name = member.name if isinstance(member, tarfile.TarInfo) else member[0]
    out = tmp_path / "in" / "out"
    with pytest.raises(UserError, match=said) as caught:
        unpack(tar_of(tmp_path / "a.tgz", FIRST, member), out)
    assert caught.value.what.startswith(f"{name} ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz", "in"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["out"]
    assert (out / "a" / "b.txt").read_bytes() == b"first"


@pytest.mark.parametrize("kept", [0, 10, 60, -9])
def test_an_archive_that_was_cut_off(kept: int, tmp_path: Path) -> None:
    whole = tar_of(tmp_path / "a.tgz", FIRST, AGAIN).read_bytes()
    (tmp_path / "a.tgz").write_bytes(whole[:kept])
    with pytest.raises(UserError, match="isn't a whole archive"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")


def test_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match="isn't a whole archive"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(UserError, match="is a folder, not a file"):
        unpack(tmp_path, tmp_path / "out")
