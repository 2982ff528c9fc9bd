"""`--on`: a Ray cluster that runs a command's tasks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ferlab.execution.ray.executor import OnRay
    from ferlab.params import Params
    from ferlab.project import Project
    from ferlab.stages.returned import Returned

DEVICE = "params.yaml: compute.device"
On = Annotated[
    str | None,
    typer.Option("--on", help="A Ray cluster: `ray` for one of its own here, else auto, HOST:PORT or ray://HOST:PORT."),
]


@contextmanager
def cluster(address: str, jobs: int, asked: "Sequence[Params]", device_is: str) -> Iterator[str | None]:
    """Connect to a cluster, and see that it can run what some parameters ask for, before anything is begun there.

    Args:
        jobs: tasks side by side on a cluster of its own; another one runs as many as fit.
        device_is: where it is said on which device the tasks work.

    Returns:
        The URL of the store of checkpoints in flight, if there is one.
    """
    from ferlab.errors import UserError
    from ferlab.execution.away import must_be_usable
    from ferlab.execution.ray.cluster import connected, must_fit
    from ferlab.execution.task import resources

    if any(params.compute.device == "auto" for params in asked):
        raise UserError(
            "compute.device is auto, and this machine can't know what a node has",
            where=device_is,
            next_step="say cpu or cuda",
        )
    url = asked[0].runtime.checkpoints
    if url:
        must_be_usable(url)
    with connected(address, jobs * max(params.compute.threads for params in asked)):
        must_fit(map(resources, asked))
        yield url


def must_suit(settings: "Params", pack: int, resume: bool) -> None:
    """Raise a UserError for options that mean nothing, or would be passed over, where other machines train."""
    from ferlab.errors import UserError

    if pack:
        raise UserError(
            "trainings are packed on this machine's GPU", where="--pack", next_step="leave out --on or --pack"
        )
    if not resume and settings.runtime.checkpoints:
        raise UserError(
            "the store of checkpoints has those of earlier sittings, and nodes go on from them",
            where=f"--no-resume with runtime.checkpoints: {settings.runtime.checkpoints}",
            next_step="empty the store, or name another one",
        )


@contextmanager
def pipeline_on(
    address: str, jobs: int, project: "Project", params: "Params"
) -> "Iterator[tuple[OnRay, Returned, int]]":
    """Connect to a cluster that trains a pipeline's GANs and arms, for one driver at a time.

    Args:
        jobs: tasks side by side on a cluster of its own, and of those that stay here.

    Returns:
        The executor, what of the pipeline travels, and how many tasks the cluster runs at once.
    """
    from ferlab.execution.locks import exclusive

    with exclusive(project, "reproduce-on"), cluster(address, jobs, [params], DEVICE) as url:
        from ferlab.execution.ray.cluster import room
        from ferlab.execution.ray.executor import OnRay
        from ferlab.stages.returned import Returned, back

        away = Returned(project, params)
        yield OnRay(project, away, away.given(), back(), url, jobs), away, room(params.compute.threads)
