"""A budget's page where `ferlab reproduce` ends before all is done: made of what there is, or left as it was."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ferlab.project import Project


def make_page(project: "Project", page: Path, done: Sequence[str], say: Callable[[str], None]) -> None:
    """The page of what there is so far; the pipeline's last stage makes it anew. Without a new run it stays.

    Args:
        done: stages that this sitting has ended.
    """
    from ferlab.cli.folder import evidence_of
    from ferlab.code.commit import read_commit
    from ferlab.errors import UserError
    from ferlab.report.render import build
    from ferlab.report.whose import Whose

    stays = "the page stays as it was" if page.is_file() else "there is no page now"
    if not any(name.startswith("evaluate@") for name in done):
        say(f"{stays}: no run was evaluated")
        return
    try:
        evidence = evidence_of(project, None)
        whose = Whose(project, evidence.folder)
        build(evidence.folder, evidence.params, evidence.paper, dirty=read_commit(project).code_dirty, whose=whose.of)
    except UserError:  # no results yet, or some are still of the settings before a change
        say(f"{stays}: some results still belong to earlier settings")


@contextmanager
def told_if_stopped(page: Path) -> Iterator[None]:
    """Say after Ctrl-C what the page is then: whoever stops waits for no new one, which takes seconds."""
    before = _content(page)
    try:
        yield
    except KeyboardInterrupt:
        after = _content(page)
        if after is None:
            said = f"there is no page now; the same command makes {page} at its end"
        elif after == before:
            said = f"the page stays as it was, {page}; the same command makes it anew at its end"
        else:
            said = f"the page was made anew, {page}"
        typer.echo(said, err=True)
        raise


def _content(page: Path) -> bytes | None:
    return page.read_bytes() if page.is_file() else None
