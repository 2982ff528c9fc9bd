"""requirements.lock: the version of every package that a project was made with."""

from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from ferlab.errors import UserError


def read_lock(path: Path, environment: Mapping[str, str] | None = None) -> dict[NormalizedName, str]:
    """Name to locked version. Lines whose markers are of another system or Python don't count.

    Args:
        environment: values of markers that aren't this process's own, such as `python_version`.

    Raises:
        UserError: a line names no package.
    """
    locked = dict[NormalizedName, str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise UserError(f"'{line}' names no package: {error}", where=str(path), next_step="`make lock`") from None
        if requirement.marker is None or requirement.marker.evaluate(dict(environment or {})):
            locked[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return locked
