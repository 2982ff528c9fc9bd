"""One archive of all that a node without network needs: the committed project, data, wheels, and what runs them."""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from ferlab import params as schema
from ferlab.bundle.manifest import FILE, Manifest
from ferlab.bundle.wheels import Lacking, fetch
from ferlab.code.commit import read_commit, uncommitted
from ferlab.code.git import git
from ferlab.datasets.containers import DATASETS
from ferlab.errors import UserError
from ferlab.files import disk_errors, sha256_file
from ferlab.params import Params
from ferlab.params.budgets import with_budget
from ferlab.project import Project

ROOM = "ferlab-node"  # the folder that the archive unpacks to
RUN = Path(__file__).with_name("run.sh")
_NAMED = 5  # uncommitted files that are named


def must_be_free(target: Path) -> None:
    """Raise a UserError if `target` can't be written, or it or parts of it are there."""
    if not target.parent.is_dir():
        raise UserError("there is no such folder", where=str(target.parent), next_step="make it first")
    old = [path for path in (target, *sorted(target.parent.glob(f"{escape(target.name)}.[0-9]*"))) if path.exists()]
    if old:
        raise UserError(
            f"{old[0].name} is there already" + (f", with {len(old) - 1} more" if old[1:] else ""),
            where=str(target.parent),
            next_step="remove it, or name another file; parts of two archives would be joined to one",
        )


def clean_commit(project: Project) -> str:
    """The commit that the whole project, not only its code, stands at.

    Raises:
        UserError: it isn't known, or something differs from it; what, is named. Or the project has no source.
    """
    known = read_commit(project)
    if known.reason:
        raise UserError(
            f"a node's results would name no commit: {known.reason}", where=str(project.root), next_step=known.mend
        )
    if changed := uncommitted(project):
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        raise UserError(
            f"this checkout has what no commit holds: {', '.join(changed[:_NAMED])}{more}",
            where=str(project.root),
            next_step="commit it, on a branch of its own if need be; or `git stash --include-untracked`",
        )
    if not (project.root / "src" / "ferlab").is_dir():
        raise UserError(
            "this project has no source of its own, so a node couldn't run it",
            where=str(project.root / "src"),
            next_step="bundle a clone of ferlab",
        )
    return known.commit


def settings_of(project: Project, budget: str | None) -> Params:
    """What a node's params.yaml will say.

    Raises:
        UserError: there is no such budget, or it is meant for real faces and params.yaml names drawn ones.
    """
    settings = schema.load(project.params)
    if budget and budget != settings.budget:
        _, settings = with_budget(project.root, budget)
    if settings.data.kind == "demo" and not settings.data.allow_demo:
        raise UserError(
            f"the budget '{settings.budget}' is meant for real faces, and params.yaml names drawn ones",
            where="params.yaml: data",
            next_step="`ferlab data add fer2013.zip ckplus48.zip`, commit params.yaml and data.dvc, and bundle again",
        )
    return settings


def pack(
    project: Project,
    target: Path,
    commit: str,
    settings: Params,
    python: str,
    lacking: Lacking,
    *,
    data: bool,
    part_size: int | None = None,
) -> list[Path]:
    """Write the archive, whole or not at all.

    Args:
        commit, settings: of `clean_commit` and `settings_of`.
        lacking: the wheels to pack, and what the node must have.
        data: whether to pack data/.
        part_size: in bytes; a larger archive is written in parts, target.000 and so on, which `cat` joins.

    Returns:
        The files written.

    Raises:
        UserError: as `must_be_free`; data/ isn't what params.yaml names; or as `wheels.fetch`.
    """
    must_be_free(target)
    with _beside(target) as scratch:
        room = scratch / ROOM
        (room / "wheels").mkdir(parents=True)
        shutil.copy(RUN, room)
        if data:
            _copy_data(project, settings, room / "data")
        folder = _copy_commit(project, commit, room / "project.git")
        fetch(lacking.pins, python, room / "wheels")
        files = [path for path in sorted(room.rglob("*")) if path.is_file()]
        parts = {path.relative_to(room).as_posix(): sha256_file(path) for path in files}
        Manifest(
            commit=commit,
            folder=folder,
            budget=settings.budget,
            python=python,
            left_out=tuple(sorted(lacking.left_out)),
            parts=parts,
        ).write(room / FILE)
        with tarfile.open(scratch / target.name, "w") as tar:  # what is in it is compressed already
            tar.add(room, ROOM, filter=_nobodys)
        if part_size is None or (scratch / target.name).stat().st_size <= part_size:
            return [(scratch / target.name).rename(target)]
        return [part.rename(target.with_name(part.name)) for part in _split(scratch / target.name, part_size)]


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    with disk_errors(target), tempfile.TemporaryDirectory(".part", f".{target.name}.", target.parent) as scratch:
        yield Path(scratch)


def _copy_data(project: Project, settings: Params, room: Path) -> None:
    room.mkdir()
    for dataset in DATASETS:
        path = project.data / f"{dataset}.zip"
        if not path.is_file() or sha256_file(path) != getattr(settings.data, dataset):
            raise UserError(
                f"data/{path.name} is {'not the file that params.yaml names' if path.is_file() else 'missing'}",
                where=str(project.data),
                next_step="`ferlab data show` says what is there; `ferlab data add` puts others there",
            )
        shutil.copyfile(path, room / path.name)


def _copy_commit(project: Project, commit: str, room: Path) -> str:
    """A bare repository of one commit, without the others before it; returns the project's folder in it."""
    try:
        top = Path(git(project.root, "rev-parse", "--show-toplevel"))
        git(room.parent, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", room.name)
        git(room, "-c", "fetch.unpackLimit=1", "fetch", "--quiet", "--depth=1", top.as_uri(), "HEAD")
        git(room, "update-ref", "refs/heads/main", commit)
    except subprocess.CalledProcessError as refused:
        raise UserError(f"git can't copy this commit: {refused.stderr.strip()}", where=str(project.root)) from None
    (room / "FETCH_HEAD").unlink()  # it names a folder of this machine
    return project.root.resolve().relative_to(top.resolve()).as_posix()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what is this machine's: whoever unpacks it owns it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.name.endswith(".sh") else 0o644
    return member


def _split(whole: Path, size: int) -> list[Path]:
    parts = list[Path]()
    with whole.open("rb") as source:
        while piece := source.read(size):
            parts.append(whole.with_name(f"{whole.name}.{len(parts):03d}"))
            parts[-1].write_bytes(piece)
    return parts
