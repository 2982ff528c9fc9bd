"""`ferlab bundle` and `ferlab bring`: a run on a node without network, there and back."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete

if TYPE_CHECKING:
    from ferlab.bundle.wheels import Lacking
    from ferlab.project import Project

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


def bundle(
    file: Annotated[Path, typer.Argument(help="The archive to write, such as node.tar.")],
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", help="What the node runs; default: params.yaml's budget.", autocompletion=complete.budget
        ),
    ] = None,
    python: Annotated[
        str, typer.Option("--python", help="The node's version of Python; default: this one's.")
    ] = f"{sys.version_info.major}.{sys.version_info.minor}",
    have: Annotated[
        Path | None,
        typer.Option("--have", help="What `python3 -m pip list` says on the node: those packages aren't packed."),
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="Pack data/ too.")] = False,
    part_size: Annotated[
        str | None, typer.Option("--part-size", help="Write parts of at most this size, such as 60M.")
    ] = None,
) -> None:
    """Make one archive of all that a Linux node (x86-64) without network needs to run a budget.

    The commit of this checkout, which must be clean; the wheels of requirements.lock that the node lacks; and run.sh,
    which installs them, runs `ferlab reproduce` and leaves one archive of results for `ferlab bring`.
    """
    from ferlab.bundle import pack, wheels
    from ferlab.project import Project

    project = Project.find()
    size = parse_size(part_size) if part_size else None
    pack.must_be_free(file)
    wheels.must_run(project.root, python)
    there = wheels.read_list(have) if have else {}
    commit = pack.clean_commit(project)
    settings = pack.settings_of(project, budget)
    lacking = wheels.lacking(project.root, python, there)
    typer.echo(f"the project: commit {commit[:10]}, budget {settings.budget}, {settings.data.kind} faces")
    _describe(lacking, python)
    _tell_sizes(project, lacking, data=data)
    made = pack.pack(project, file, commit, settings, python, lacking, data=data, part_size=size)
    if not data and settings.data.kind == "real":
        typer.echo(f"no data: on the node, put fer2013.zip and ckplus.zip of data/ into {pack.ROOM}/data/")
    typer.echo(", ".join(f"{path} ({path.stat().st_size / 2**20:.1f} MiB)" for path in made))
    join = f"cat {file.name}.[0-9]* > {file.name} && " if len(made) > 1 else ""
    typer.echo(f"on the node: {join}tar xf {file.name} && {pack.ROOM}/run.sh OUT 12m 4")
    typer.echo("which runs 4 stages side by side for 12 minutes; here then: ferlab bring results.tgz")


def bring(file: Annotated[Path, typer.Argument(help="The results.tgz that run.sh left on the node.")]) -> None:
    """Check results from a node, and lay them into reports/<budget>/.

    They must be of a commit and settings known here, and what their ledger says. The ledger here is appended to;
    where anything doesn't fit, nothing is changed.
    """
    from ferlab.bundle.results import bring as lay_in
    from ferlab.execution.locks import exclusive
    from ferlab.project import Project

    project = Project.find()
    with exclusive(project, "bring"):
        brought = lay_in(project, file)
    name = brought.manifest.budget
    typer.echo(
        f"reports/{name}/: {len(brought.added)} new results of commit {brought.manifest.commit[:10]}"
        + (f" ({', '.join(brought.added)})" if brought.added else "")
        + (f"; {brought.known} were known" if brought.known else "")
    )
    typer.echo(f"`ferlab report --budget {name}` makes tables, figures and page; `ferlab verify --budget {name}` then")
    typer.echo(f"recomputes them; git diff reports/{name} shows what is new")


def parse_size(text: str) -> int:
    """Bytes of `500K`, `60M` or `2G`.

    Raises:
        UserError: none of them.
    """
    from ferlab.errors import UserError

    found = re.fullmatch(r"(\d+)([KMG])", text.strip())
    if not found or not int(found[1]):
        raise UserError(f"'{text}' is not a size", where="--part-size", next_step="write 500K, 60M or 2G")
    return int(found[1]) * _UNITS[found[2]]


def _tell_sizes(project: "Project", lacking: "Lacking", *, data: bool) -> None:
    """How large what will be packed is, before anything is fetched or written."""
    from ferlab.bundle.sizes import of_commit, of_data, of_packages

    packages, unknown = of_packages(lacking.pins)
    more = f" and {unknown} that aren't installed here" if unknown else ""
    typer.echo(f"packages: about {_mib(packages)} unpacked{more}, less as wheels; --have leaves out what the node has")
    if found := of_data(project):
        without = "packed; without --data the archive is that much smaller" if data else "not packed; --data packs it"
        typer.echo(f"data: {_mib(found)}, {without}")
    typer.echo(f"the commit: at most {_mib(of_commit(project))}")


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _describe(lacking: "Lacking", python: str) -> None:
    typer.echo(f"wheels: {len(lacking.pins)} for Python {python} that the node lacks")
    for name, (version, locked) in sorted(lacking.unlike.items()):
        typer.echo(f"  the node has {name} {version or 'of unknown version'}, and requirements.lock names {locked}")
    for sentence in lacking.unmet:
        typer.echo(f"  warning: {sentence}; take it out of the list, and it is packed")
