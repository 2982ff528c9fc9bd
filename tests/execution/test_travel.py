"""Files as data: equal content is equal bytes, and arrives as it was."""

import os
from pathlib import Path

from ferlab.execution.travel import digest, pack, unpack
from ferlab.files import content_hash


def _folder(root: Path) -> Path:
    (root / "sub").mkdir(parents=True)
    (root / "a.bin").write_bytes(bytes(range(256)))
    (root / "sub" / "b.txt").write_text("b")
    return root


def test_equal_content_is_equal_bytes_whatever_else_differs(tmp_path: Path) -> None:
    one, other = _folder(tmp_path / "one"), _folder(tmp_path / "other")
    os.utime(other / "a.bin", (0, 0))
    (other / ".a.bin.0123abcd.part").write_text("left by a kill")
    assert digest(pack(one)) == digest(pack(other))
    (other / "sub" / "b.txt").write_text("c")
    assert digest(pack(one)) != digest(pack(other))


def test_what_arrives_is_what_was_sent_and_links_are_what_they_stand_for(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "folder")
    link = tmp_path / "link"
    link.symlink_to(folder)
    (folder / "inside").symlink_to(folder / "a.bin")
    for sent in (folder, link, folder / "a.bin"):
        arrived = unpack(pack(sent), tmp_path / "there" / sent.name)
        assert content_hash(arrived) == content_hash(sent)
        assert not any(path.is_symlink() for path in (arrived, *arrived.rglob("*")))
