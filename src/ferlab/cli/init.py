"""`ferlab init`: a study of one's own, outside ferlab's checkout."""

from pathlib import Path
from typing import Annotated

import typer

NO_PAPER = """# What the paper that you rebuild claims: its numbers then stand beside yours. Empty: there is none.
# `ferlab init FOLDER --from yan2021` lays out a full one; docs/guide/own_study.md explains the keys.
"""


def init(
    folder: Annotated[Path, typer.Argument(help="The study's folder: a new one, or an empty one.")],
    paper: Annotated[
        str | None,
        typer.Option("--from", help="A paper that ferlab knows (yan2021); without it, the study has none yet."),
    ] = None,
) -> None:
    """Lay out a study: pipeline, parameters, budgets and a paper.yaml, under git and DVC."""
    from ferlab.code.source import SOURCE
    from ferlab.errors import UserError, printable
    from ferlab.layout.lay import lay
    from ferlab.params.near import did_you_mean

    known = {path.stem: path for path in sorted((SOURCE / "papers").glob("*.yaml"))}
    if paper is not None and paper not in known:
        raise UserError(
            f"ferlab knows no paper '{paper}'",
            where="--from",
            next_step=f"it knows {', '.join(known)}{did_you_mean(paper, known)}; or leave --from out",
        )
    lay(folder, known[paper].read_text(encoding="utf-8") if paper else NO_PAPER)
    typer.echo(f"a study is laid out in {printable(folder)}")
    typer.echo(f"next: cd {printable(folder)}; `ferlab data demo`, or `ferlab data add --as folder` with your faces;")
    typer.echo("then commit it all with git, so that runs name a commit, and `ferlab reproduce`")
