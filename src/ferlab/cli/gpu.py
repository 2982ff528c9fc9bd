"""What asks for a GPU isn't begun without one: a CPU could take weeks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ferlab.params import Params
    from ferlab.project import Project


def must_be_here(seconds: float, where: str, instead: str) -> None:
    """Raise a UserError with an estimate unless this machine has a GPU.

    Args:
        seconds: roughly what the work takes on this machine's CPU.
        where: the file that asks for a GPU.
        instead: what asks for the CPU.
    """
    from ferlab.cli.progress import duration
    from ferlab.errors import UserError
    from ferlab.training.seeding import resolve_device

    try:
        resolve_device("cuda")
    except UserError as error:
        raise UserError(
            f"this asks for a GPU, and {error.what}; a CPU would take about {duration(seconds)}",
            where=f"{where}: compute.device",
            next_step="type it on a machine with a GPU, or lay a budget for two cores (`ferlab budget use cpu`); "
            f"{instead} computes here all the same",
        ) from None


def seconds_of_budget(project: "Project", params: "Params") -> float:
    """Roughly what a budget's GANs, searches and trainings take on a CPU, one after the other."""
    from ferlab.execution.cost import expected

    # a budget that isn't meant for drawn faces can't be run on them, though they may lie here
    data = params.data if params.data.allow_demo else params.data.model_copy(update={"kind": "real"})
    seconds, run = expected(project, params.model_copy(update={"data": data})), params.run
    stages: list[tuple[str, ...]] = [("gan", family, str(draw)) for family in run.families for draw in run.draws]
    stages += [("tune", classifier) for classifier in run.tuned]
    stages += [("train", arm, str(seed)) for arm in run.arms for seed in run.seeds]
    return sum(seconds(("ferlab", "stage", *words)) for words in stages)
