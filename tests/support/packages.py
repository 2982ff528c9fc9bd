"""Packages that are installed for a test: a folder on the path, with what pip would write beside the source."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from small import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "ferlab-example"


def install(site: Path, name: str, entries: Mapping[str, Mapping[str, str]], version: str = "0.1.0") -> None:
    """Put a distribution's metadata into a folder.

    Args:
        entries: group to name to object of its entry points.
    """
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items()) for group, named in entries.items())
    (folder / "entry_points.txt").write_text("".join(lines))


def install_example(site: Path) -> None:
    """The example's metadata, as its pyproject.toml has it; its source is on pytest's path."""
    about = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    install(site, about["name"], about["entry-points"], about["version"])
