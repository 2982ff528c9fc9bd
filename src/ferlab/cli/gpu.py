"""What asks for a GPU isn't begun without one: a CPU could take weeks."""

MOST_AT_ONCE = 32  # torch has no more streams, and each training of a pack needs one of its own


def is_here() -> bool:
    """Whether this machine has a GPU."""
    from ferlab.errors import UserError
    from ferlab.training.seeding import resolve_device

    try:
        return resolve_device("cuda") == "cuda"
    except UserError:
        return False


def must_be_here(seconds: float | None, where: str, instead: str) -> None:
    """Raise a UserError with an estimate unless this machine has a GPU.

    Args:
        seconds: roughly what the work takes on this machine's CPU; None where nobody has said.
        where: the option, or the key of a file, that asks for a GPU.
        instead: what asks for the CPU.
    """
    from ferlab.cli.progress import duration
    from ferlab.errors import UserError
    from ferlab.training.seeding import resolve_device

    try:
        resolve_device("cuda")
    except UserError as error:
        cost = "" if seconds is None else f"; a CPU would take about {duration(seconds)}"
        raise UserError(
            f"this asks for a GPU, and {error.what}{cost}",
            where=where,
            next_step="type it on a machine with a GPU, or use a budget for two cores (`ferlab budget use cpu`); "
            f"{instead} runs it on the CPU",
        ) from None
