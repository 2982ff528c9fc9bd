"""`--on`: a Ray cluster that runs a command's tasks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ferlab.params import Params

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
