"""code.json: the code that a project's results are made with, and the refusal to work with any other.

In a checkout it follows the checkout's own source. A project without source of its own (a study, a machine that has
ferlab installed) says in it which ferlab it is worked on with.
"""

import json
from dataclasses import asdict
from pathlib import Path

from ferlab.code.source import SOURCE, Code
from ferlab.errors import UserError
from ferlab.files import write_json
from ferlab.project import Project

NAME = "code.json"


def check(project: Project) -> None:
    """Let the imported package work on a project, or refuse it. A checkout's code.json is brought up to date.

    Raises:
        UserError: as `fault` says.
    """
    if refusal := fault(project):
        raise refusal
    if own_source(project):
        record(project)


def fault(project: Project) -> UserError | None:
    """Why the imported package must not work on a project; None where it may.

    It must be the checkout's own, whatever its content: another clone's may change while this one is at work. The
    copies that DVC makes for experiments run the checkout's, as long as it is equal to theirs.
    """
    own = own_source(project)
    if own is None:
        return _unlike_record(project.code_home)
    if own.samefile(SOURCE) or (project.home != project.code_home and Code.of(own) == Code.of(SOURCE)):
        return None
    if project.home != project.code_home:
        return UserError(
            "this experiment's code is not the code that would run: the checkout has been edited since",
            where=f"the experiment has {own}; ferlab is imported from {SOURCE}",
            next_step="put PYTHONPATH=src before the command (`PYTHONPATH=src dvc queue start`), "
            "and each experiment runs its own code",
        )
    return UserError(
        "the code that would run is not this project's own: the environment of another clone is active",
        where=f"the project is {project.code_home}; ferlab is imported from {SOURCE}",
        next_step="type `make setup` here, then `. .venv/bin/activate`; "
        f"or keep the environment and `export PYTHONPATH={own.parent}`",
    )


def record(project: Project) -> bool:
    """Write code.json for the imported package; returns whether it had to be.

    Raises:
        UserError: the project has source of its own, and it is another.
    """
    if own_source(project) and (refusal := fault(project)):
        raise refusal
    code = Code.of(SOURCE)
    path = project.code_home / NAME
    if read(path) == code:
        return False
    write_json(path, asdict(code))
    return True


def read(path: Path) -> Code | None:
    """The code that a code.json names; None where there is no such file, or it is damaged."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        return Code(tree["package"], tree["rooms"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def own_source(project: Project) -> Path | None:
    """The package's folder in a checkout; None in a project without source of its own."""
    source = project.code_home / "src" / "ferlab"
    return source if (source / "__init__.py").is_file() else None


def _unlike_record(root: Path) -> UserError | None:
    path = root / NAME
    known = read(path)
    running = Code.of(SOURCE)
    if known is None:
        return UserError(
            "nothing says which ferlab this project is worked on with" + (": damaged" if path.exists() else ""),
            where=str(path),
            next_step=f"`ferlab code` puts the one that is installed on record ({SOURCE})",
        )
    if known == running:
        return None
    return UserError(
        f"the ferlab that would run is not the one that this project names; they differ in "
        f"{', '.join(known.differences(running)) or 'their hashes'}",
        where=f"{path} names {known.package[:10]}; {SOURCE} is {running.package[:10]}",
        next_step="install that version, or go on with this one: `ferlab code` puts it on record",
    )
