"""What ferlab ships for studies: its own pipeline, parameters and budgets."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from ferlab.code.source import SOURCE
from ferlab.errors import UserError

PIPELINE, PARAMS, BUDGETS = "dvc.yaml", "params.yaml", "budgets"


def template() -> Path:
    """The folder that holds them: ferlab's checkout, or share/ferlab of the environment that it is installed in.

    Raises:
        UserError: neither is there.
    """
    checkout = SOURCE.parents[1]
    if (checkout / BUDGETS).is_dir() and (checkout / PIPELINE).is_file():
        return checkout
    try:
        shipped = files("ferlab") or []
    except PackageNotFoundError:
        shipped = []
    beside = [Path(str(file.locate())) for file in shipped if file.name == PIPELINE]
    for path in (*beside, SOURCE.parent / "share" / "ferlab" / PIPELINE):
        if path.is_file():
            return path.resolve().parent
    raise UserError(
        "the pipeline that ferlab ships isn't here", where=str(SOURCE), next_step="install ferlab anew, from its wheel"
    )
