"""What DVC has noted of a report's files: in the project's dvc.lock, or in the one that is kept with a budget's report.

The project's own is that of the budget in params.yaml. A report of another budget keeps a copy, so that its files are
still compared, and missed where no remote holds what they rest on.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from ferlab.errors import UserError
from ferlab.files import atomic_write
from ferlab.project import Project
from ferlab.yaml_file import LARGEST_LOCK, read_yaml

LOCK = "dvc.lock"


def lock_faults(folder: Path) -> Iterator[str]:
    """What lies in reports/<budget>/ otherwise than a stage left it, as the project's dvc.lock says or the kept one.

    Yields:
        One sentence a fault, naming the file.
    """
    left = dict[Path, list[tuple[str, str, Path]]]()
    for lock in (folder / LOCK, folder.parents[1] / LOCK):
        try:
            for path, stage, md5 in _outs(lock, folder):
                left.setdefault(path, []).append((stage, md5, lock))
        except (AttributeError, KeyError, TypeError):
            yield f"{lock}: is not a valid dvc.lock: restore it from git"
            return
    for path, noted in left.items():
        if not path.exists() or _md5(path) not in [md5 for _, md5, _ in noted]:
            stage, _, lock = noted[0]
            yield f"{path}: differs from what the stage {stage} left there, according to {lock}"


def keep_lock(project: Project, budget: str) -> None:
    """Bring the dvc.lock that is kept with a report, if there is one, up to date with the project's own.

    Only where that says of each file of the kept one what lies there now.
    """
    folder = project.reports(budget)
    kept, own = folder / LOCK, project.root / LOCK
    if not kept.is_file() or not own.is_file():
        return
    try:
        now = {path: md5 for path, _, md5 in _outs(own, folder)}
        known = {path for path, _, _ in _outs(kept, folder)} | set(now)
    except (UserError, AttributeError, KeyError, TypeError):  # damaged: whoever needs it names it
        return
    if now and all(path in now and _md5(path) == now[path] for path in known if path.exists()):
        with atomic_write(kept) as handle:
            handle.write(own.read_bytes())


def _outs(lock: Path, folder: Path) -> list[tuple[Path, str, str]]:
    """Path, stage and MD5 of each out in a folder; what the stage `report` makes is made anew, and compared."""
    stages = read_yaml(lock, LARGEST_LOCK).get("stages", {}) if lock.is_file() else {}
    outs = [(stage, out) for stage, one in stages.items() if stage != "report" for out in one.get("outs", [])]
    found = [(folder.parents[1] / out["path"], stage, str(out["md5"])) for stage, out in outs]
    return [one for one in found if one[0].is_relative_to(folder)]


def _md5(path: Path) -> str:
    """As DVC hashes a file; a folder, by its files' hashes and names."""
    if path.is_file():
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    files = [{"md5": _md5(p), "relpath": p.relative_to(path).as_posix()} for p in path.rglob("*") if p.is_file()]
    text = json.dumps(sorted(files, key=lambda one: one["relpath"]), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"
