"""What a stage's work on another machine needs beside its inputs, and whose checkpoints it goes on from."""

from functools import cached_property
from pathlib import Path

from ferlab.code import check
from ferlab.execution.node import INFLIGHT
from ferlab.project import Project
from ferlab.stages.context import Context


class Elsewhere(Context):
    """A call of a stage that another machine works on, which may have the GPU that this one lacks."""

    @cached_property
    def device(self) -> str:
        return self.params.compute.device


def given(project: Project) -> dict[str, Path]:
    """What each task is given beside its inputs, by its place: the project's small files, and a store for its runs."""
    from ferlab.adapters.adopt import DATABASE, empty_store

    files = (project.params, project.root / "dvc.yaml", project.code_home / check.NAME)
    return {str(path.relative_to(project.home)): path for path in files} | {DATABASE: empty_store(project)}


def resumed(project: Project, *place: str) -> tuple[Path, ...]:
    """The checkpoints in flight here of what is named by an identity, and maybe of a part of it; none if there are."""
    folder = project.state.joinpath(INFLIGHT, *place)
    return (folder,) if folder.is_dir() else ()
