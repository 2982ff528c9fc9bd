"""What a stage that failed or was stopped had left in reports/ before: DVC removes a stage's outs when it starts it.

A page, a table or a prediction that git keeps is then back where it was, and the stage is due as before.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.files import atomic_folder, atomic_write
from ferlab.project import Project
from ferlab.yaml_file import LARGEST_LOCK, read_yaml

LOCK = "dvc.lock"


def bring_back(project: Project, stage: str) -> list[str]:
    """Put back what dvc.lock says that a stage left in reports/, where it is gone: from DVC's cache, else from git.

    What is in neither stays gone.

    Args:
        stage: as DVC names it, such as `evaluate@svm-0`.

    Returns:
        The paths that are back, below the project's root.
    """
    outs = [(str(out["path"]), str(out["md5"])) for out in _noted(project, stage)]
    gone = [(path, md5) for path, md5 in outs if path.startswith("reports/") and not (project.root / path).exists()]
    if not gone:
        return []
    cache = _cache(project)
    for path, md5 in gone:
        _from_cache(cache, md5, project.root / path)
    _from_git(project.root, [path for path, _ in gone if not (project.root / path).exists()])
    return [path for path, _ in gone if (project.root / path).exists()]


def _noted(project: Project, stage: str) -> list[Mapping[str, Any]]:
    """The outs of a stage's last run; none where dvc.lock is absent, damaged or knows none."""
    try:
        tree = read_yaml(project.root / LOCK, LARGEST_LOCK)
        return list(tree["stages"][stage].get("outs", ()))
    except (UserError, AttributeError, KeyError, TypeError):
        return []


def _cache(project: Project) -> Path | None:
    """The folder of DVC's cache; None where DVC doesn't know this project."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(project.root)) as repo:
            return Path(repo.cache.local.path)
    except DvcException:
        return None


def _from_cache(cache: Path | None, md5: str, target: Path) -> None:
    """Copy a file, or the files of a folder, unless some of them aren't there."""
    if cache is None or not (kept := _kept(cache, md5)).is_file():
        return
    if not md5.endswith(".dir"):
        with atomic_write(target) as handle:
            handle.write(kept.read_bytes())
        return
    files = {one["relpath"]: _kept(cache, one["md5"]) for one in json.loads(kept.read_text(encoding="utf-8"))}
    if all(source.is_file() for source in files.values()):
        with atomic_folder(target) as folder:
            for name, source in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(source.read_bytes())


def _kept(cache: Path, md5: str) -> Path:
    return cache / md5[:2] / md5[2:]


def _from_git(root: Path, paths: list[str]) -> None:
    """Files as git's index has them. `checkout-index` leaves the index alone, which others may be just using."""
    if not paths:
        return
    try:
        known = subprocess.run(["git", "ls-files", "-z", "--", *paths], cwd=root, capture_output=True, check=True)
        checkout = ["git", "checkout-index", "--quiet", "-z", "--stdin"]
        subprocess.run(checkout, cwd=root, input=known.stdout, capture_output=True, check=False)
    except (OSError, subprocess.CalledProcessError):  # no git here
        return
