"""What must be equal on every machine that works on one result: the code, Python, and the packages it imports."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Self

from packaging.version import Version

from ferlab.code.source import SOURCE, Code
from ferlab.errors import UserError

DECIDE = (
    "mlflow", "numpy", "pandas", "pillow", "pyarrow", "pydantic", "safetensors", "scikit-image", "scikit-learn",
    "scipy", "threadpoolctl", "torch", "torchvision",
)  # fmt: skip
"""Packages that a number, or what is written of it, can hang on."""


@dataclass(frozen=True)
class Environment:
    """One machine's.

    Attributes:
        host: its name.
        code: that of ferlab.
        versions: package to version (of whatever build: for a CPU, for CUDA), None for one that isn't installed;
            `python` among them.
    """

    host: str
    code: Code
    versions: dict[str, str | None]

    @classmethod
    def here(cls) -> Self:
        found = {"python": platform.python_version(), **{name: _version(name) for name in DECIDE}}
        return cls(platform.node(), Code.of(SOURCE), found)

    def must_equal(self, other: "Environment") -> None:
        """Raise a UserError that names what another machine has otherwise than this one."""
        if self.code != other.code:
            raise UserError(
                f"the node {other.host} has another ferlab: it differs in "
                f"{', '.join(self.code.differences(other.code)) or 'its hash'}",
                where=f"here {self.code.package[:10]}, there {other.code.package[:10]}",
                next_step="install this one there",
            )
        unlike = [
            f"{name} {theirs or 'none'} (here {self.versions[name] or 'none'})"
            for name, theirs in other.versions.items()
            if theirs != self.versions[name]
        ]
        if unlike:
            raise UserError(
                f"the node {other.host} has other versions: {', '.join(unlike)}",
                next_step="install what requirements.lock names, there or here",
            )


def _version(name: str) -> str | None:
    try:
        return Version(version(name)).public
    except PackageNotFoundError:
        return None
