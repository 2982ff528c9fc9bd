"""The code and the locked versions that a commit holds, by hash, as git's history has them."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from ferlab.code.check import NAME, read
from ferlab.code.git import git
from ferlab.code.source import Code
from ferlab.files import content_hash, sha256_file

SOURCE, LOCK = "src/ferlab", "requirements.lock"


@dataclass(frozen=True)
class Held:
    """What a commit holds.

    Attributes:
        package: SHA-256 of the whole code.
        rooms: SHA-256 of each room, and of each file in one, by its path below the package.
        lock: SHA-256 of requirements.lock; None where there is none.
    """

    package: str
    rooms: Mapping[str, str]
    lock: str | None


def held_by(root: Path, commit: str) -> Held | None:
    """What a commit of a project holds; None where git can't say: no git, no such commit here, or no code in it.

    A project without source of its own names its code in code.json.

    Args:
        root: the project's folder.
        commit: a whole hash.
    """
    with tempfile.TemporaryDirectory(prefix="ferlab-") as name:
        folder = Path(name)
        try:
            if git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}") != commit:
                return None
            there = git(root, "ls-tree", "--name-only", commit, "--", SOURCE, NAME, LOCK).splitlines()
            git(root, "archive", "--output", str(folder / "code.zip"), commit, "--", *there)
        except (OSError, subprocess.CalledProcessError):
            return None
        with ZipFile(folder / "code.zip") as archive:  # a tar needs a filter, which Pythons before 3.11.4 haven't
            archive.extractall(folder)
        source, lock = folder / SOURCE, folder / LOCK
        code = Code.of(source) if source.is_dir() else read(folder / NAME)
        if code is None:
            return None
        files = {str(file.relative_to(source)): content_hash(file) for file in source.rglob("*.py")}
        return Held(code.package, {**files, **code.rooms}, sha256_file(lock) if lock.is_file() else None)
