"""What an archive wants: a report as a research object, its data sets described, and cards of its models."""

from importlib import import_module
from typing import Any

from ferlab.errors import UserError


def optional(package: str) -> Any:
    """A package of the extra `archive`, imported when it is needed.

    Raises:
        UserError: it isn't installed.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise UserError(
            f"{package.partition('.')[0]} isn't installed here: {error}",
            where="the extra `archive`",
            next_step="pip install 'ferlab[archive]'",
        ) from None
