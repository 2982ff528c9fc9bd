"""What must be there before anything is begun, and what may not be what it seems."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ferlab.params.data import Data
    from ferlab.project import Project

BRING_BACK = (
    "`dvc checkout data.dvc` brings back what DVC has noted, if its cache has it; `ferlab data demo` draws the demo's "
    "faces; `ferlab data add …` takes your own"
)


def data_must_be_here(project: "Project") -> None:
    """Raise a UserError that says how data/ is filled where it is empty, as in a new clone."""
    from ferlab import params
    from ferlab.errors import UserError

    if project.data.is_dir() and any(project.data.iterdir()):
        return
    data = params.load(project.params).data
    own = "`ferlab data add fer2013.zip ckplus48.zip` takes your own FER-2013 and CK+48"
    if others := [name for name in data.used if name in data.sets]:
        own = f"`ferlab data add ARCHIVE --as FORM` takes your {' and '.join(others)} (docs/guide/data_sets.md)"
    drawn = "`ferlab data demo` draws the demo's faces"
    ways = [drawn, own] if data.kind == "demo" else [own]
    if _has_a_remote(project):
        ways.insert(0, "`dvc pull data.dvc` fetches them from the DVC remote")
    raise UserError(
        "there are no faces yet: data/ is empty, as a clone brings none",
        where=str(project.data),
        next_step="; ".join(ways),
    )


def params_must_be_free(project: "Project") -> None:
    """Raise a UserError where a command is at work whose stages, as each begins, read params.yaml."""
    from ferlab.errors import UserError
    from ferlab.execution.lifeline import holders
    from ferlab.execution.locks import command_of

    if pids := holders(project.state):
        users = " and ".join(f"process {pid} ({command_of(pid) or 'unknown'})" for pid in pids)
        stop = f"kill {' '.join(map(str, pids))}"
        raise UserError(
            f"params.yaml is in use by {users}",
            where=str(project.params),
            next_step=f"wait until it ends, or stop it: {stop}; then type the same command again",
        )


def warn_of_swapped(project: "Project", data: "Data") -> None:
    """Warn where data/ holds another archive than params.yaml names.

    What trains sees the faces that were prepared of the one that is named: nothing false is kept.
    """
    from ferlab.execution.archives import swapped

    if found := swapped(project, data):
        names = " and ".join(f"data/{name}" for name in found)
        print(
            f"warning: {names}: NOT what params.yaml names. This trains on the faces of work/prepared, made before; "
            + BRING_BACK,
            file=sys.stderr,
        )


def _has_a_remote(project: "Project") -> bool:
    """Whether the project names a DVC remote; asking DVC itself would take a second."""
    places = [project.root / ".dvc" / name for name in ("config", "config.local")]
    return any('remote "' in path.read_text(encoding="utf-8") for path in places if path.is_file())
