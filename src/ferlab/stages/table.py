"""The table of stages, each imported only when it is run: a stage should pay for its own imports alone."""

from importlib import import_module

from ferlab.errors import UserError
from ferlab.stages.context import Stage

NAMES = (
    "prepare", "audit", "gan", "synthesize", "quality", "code", "settings", "tune", "mix", "train", "evaluate",
    "further", "evaluate_on", "report",
)  # fmt: skip


def find(name: str) -> Stage:
    """The declaration of a stage.

    Raises:
        UserError: there is no such stage.
    """
    if name not in NAMES:
        raise UserError(f"no stage is called '{name}'", next_step=f"the stages are {', '.join(NAMES)}")
    stage: Stage = import_module(f"ferlab.stages.{name}").STAGE
    return stage
