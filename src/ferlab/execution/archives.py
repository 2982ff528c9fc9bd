"""Whether data/ and work/prepared/ are what params.yaml names, known without reading them each time."""

import json
from contextlib import suppress
from pathlib import Path

import yaml

from ferlab.errors import UserError
from ferlab.files import sha256_file, write_json
from ferlab.params.data import Data
from ferlab.project import Project
from ferlab.training.identity import flatten

NOTES = "archives.json"  # in .ferlab/: an archive's name to its stamp and SHA-256
NO_MATTER = {"data.allow_demo"}  # keys that let a budget take faces or not, and change none


def swapped(project: Project, data: Data) -> list[str]:
    """Archives in data/ that are others than params.yaml names, as `fer2013.zip`; those that are absent aren't told.

    An archive is hashed again only where its size, time or place on the disk has changed, as DVC does it.
    """
    notes = project.state / NOTES
    known, now = _read(notes), dict[str, list[str | int]]()
    for path in (project.data / f"{name}.zip" for name in data.used):
        if path.is_file():
            stamp, before = _stamp(path), known.get(path.name, [])
            now[path.name] = before if before[:-1] == stamp else [*stamp, sha256_file(path)]
    if now != known:
        with suppress(UserError):  # a disk that is full or read-only: it is hashed again next time
            write_json(notes, now)
    return [f"{name}.zip" for name in data.used if now.get(f"{name}.zip", [data.sha256(name)])[-1] != data.sha256(name)]


def prepared_otherwise(project: Project) -> list[str]:
    """Keys of params.yaml's `data` that were otherwise when work/prepared/ was made, as dvc.lock has it.

    None where dvc.lock doesn't say.
    """
    try:
        lock, now = (
            yaml.load((project.root / name).read_bytes(), yaml.CSafeLoader) for name in ("dvc.lock", "params.yaml")
        )
        then = lock["stages"]["prepare"]["params"]["params.yaml"]
        before, after = flatten({"data": then["data"]}), flatten({"data": now["data"]})
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return []
    keys = (before.keys() | after.keys()) - NO_MATTER
    return sorted(key for key in keys if before.get(key) != after.get(key))


def _stamp(path: Path) -> list[str | int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ino]


def _read(notes: Path) -> dict[str, list[str | int]]:
    with suppress(OSError, ValueError):
        found = json.loads(notes.read_text(encoding="utf-8"))
        return {name: told for name, told in found.items() if isinstance(told, list)} if isinstance(found, dict) else {}
    return {}
