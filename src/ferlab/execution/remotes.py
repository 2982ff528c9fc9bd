"""What the DVC remotes hold of the outs that results rest on. Only looks: nothing is sent, fetched or hashed."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ferlab.errors import UserError, masked
from ferlab.execution.dvc_errors import dvc_errors
from ferlab.project import Project

PATIENCE = 15.0  # seconds to wait for a remote's answer
GUIDE = "docs/guide/remotes.md"

Outs = dict[str, str]
"""A path to the hash by which DVC's cache and remotes know its content."""


@dataclass
class Look:
    """What was seen.

    Attributes:
        remotes: name to URL.
        notes: what a person should know, though nothing is broken.
        problems: remotes that can't be asked.
    """

    remotes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def look(project: Project, patience: float = PATIENCE) -> Look:
    """Ask each remote of a project, `patience` seconds each, for the outs behind its results.

    A folder's out counts as held when its list of files is: DVC sends that after the files.

    Raises:
        UserError: DVC can't read the project.
    """
    with dvc_errors(project.root):
        from dvc.repo import Repo

        with Repo(str(project.root)) as repo:
            asked = {"dvc.lock": _current(repo)} | dict(_published(project.root / "reports"))
            hashes = {one for outs in asked.values() for one in outs.values()}
            found = Look({name: masked(told["url"]) for name, told in repo.config["remote"].items()})
            held = set[str]()
            for name in found.remotes if hashes else ():
                try:
                    held |= _within(patience, partial(_held, repo, name, hashes))
                except Exception as error:  # DVC's own kinds, and those of each kind of storage
                    found.problems.append(_refusal(name, found.remotes[name], error))
            here = {one for one in hashes if Path(repo.cache.local.oid_to_path(one)).exists()}
    found.notes += _notes(asked, held, here, bool(found.remotes)) if not found.problems else []
    return found


def _current(repo: Any) -> Outs:
    """The outs of the pipeline as it stands, and the data."""
    return {out.def_path: out.hash_info.value for out in repo.index.outs if out.use_cache and out.hash_info}


def _published(reports: Path) -> Iterator[tuple[str, Outs]]:
    """Each budget's own dvc.lock with its outs; what lies in reports/ itself is kept by git."""
    for path in sorted(reports.glob("*/dvc.lock")):
        try:
            stages = yaml.load(path.read_bytes(), yaml.CSafeLoader)["stages"]  # ten times as fast as with comments kept
            made = [out for stage in stages.values() for out in stage.get("outs", [])]
            given = [dep for stage in stages.values() for dep in stage.get("deps", []) if dep["path"] == "data"]
            yield (
                f"reports/{path.parent.name}",
                {o["path"]: o["md5"] for o in (*given, *made) if not o["path"].startswith("reports/")},
            )
        except (yaml.YAMLError, AttributeError, KeyError, TypeError):
            raise UserError(f"{path} is no dvc.lock", next_step="restore it from git") from None


def _held(repo: Any, name: str, hashes: Iterable[str]) -> set[str]:
    remote = repo.cloud.get_remote(name)
    try:
        remote.fs.ls(remote.path)  # raises where one may not look, which `exists` would take for "not there"
    except FileNotFoundError:  # nothing has been sent yet
        return set()
    return set(remote.odb.list_oids_exists(sorted(hashes)))


def _within(seconds: float, ask: Callable[[], set[str]]) -> set[str]:
    """What `ask` returns or raises; a TimeoutError where that takes longer. Its thread then dies with the process."""
    answers, errors = list[set[str]](), list[Exception]()

    def work() -> None:
        try:
            answers.append(ask())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:g} seconds")
    return answers[0]


def _refusal(name: str, url: str, error: Exception) -> str:
    said = masked(str(error) or type(error).__name__).splitlines()[0]
    return f"the DVC remote '{name}' ({url}) can't be asked: {said}; see its address, and your rights there ({GUIDE})"


def _notes(asked: Mapping[str, Outs], held: set[str], here: set[str], named: bool) -> Iterator[str]:
    alone = {whose: {one for one in outs.values() if one not in held} for whose, outs in asked.items()}
    if not named and any(alone.values()):
        yield (
            "no DVC remote is named, so the data, GANs, synthetic sets and checkpoints behind the results are on this "
            f"machine at most: `dvc remote add --default storage FOLDER-OR-URL`, then `dvc push --run-cache` ({GUIDE})"
        )
    elif at_hand := _counted({whose: outs & here for whose, outs in alone.items()}):
        yield f"no remote holds outs that results rest on: {at_hand}; `dvc push --run-cache` sends them ({GUIDE})"
    if gone := _counted({whose: outs - here for whose, outs in alone.items()}):
        where = "neither a remote nor this machine has" if named else "this machine doesn't have"
        yield f"{where} outs that results rest on: {gone}; push them from where they are, or make them again"


def _counted(outs: Mapping[str, set[str]]) -> str:
    return ", ".join(f"{len(some)} of {whose}" for whose, some in outs.items() if some)
