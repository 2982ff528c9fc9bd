"""CITATION.cff: by what name, from whom and under which licence a project is cited (citation-file-format.github.io)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.yaml_file import read_yaml

FILE = "CITATION.cff"
_FORMAT = "https://citation-file-format.github.io"


@dataclass(frozen=True)
class Work:
    """Something that is cited; `year` is None where the file doesn't say it."""

    title: str
    authors: tuple[str, ...]
    year: int | None


@dataclass(frozen=True)
class Citation:
    """What the archive takes from the file.

    Attributes:
        work: the project itself.
        persons: whether each of its authors is a person; else a group.
        licence: by its SPDX name.
        references: what it rests on.
    """

    work: Work
    persons: tuple[bool, ...]
    version: str
    licence: str
    references: tuple[Work, ...]


def read_citation(root: Path) -> Citation:
    """The CITATION.cff of a project.

    Raises:
        UserError: there is none, or what an archive must know isn't in it.
    """
    path = root / FILE
    if not path.is_file():
        raise UserError(
            f"there is no {FILE}, and an archive must know whose work it holds, and its licence",
            where=str(root),
            next_step=f"write one; {_FORMAT} says how",
        )
    tree = read_yaml(path)
    try:
        return Citation(
            work=_work(tree),
            persons=tuple("name" not in author for author in tree["authors"]),
            version=str(tree["version"]),
            licence=str(tree["license"]),
            references=tuple(map(_work, tree.get("references", []))),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(
            f"{FILE} doesn't say what an archive must know: {error}",
            where=str(path),
            next_step=f"it needs title, authors, version and license; {_FORMAT}",
        ) from None


def _work(tree: Mapping[str, Any]) -> Work:
    date = tree.get("year") or str(tree.get("date-released", ""))[:4]
    return Work(str(tree["title"]), tuple(map(_name, tree["authors"])), int(date) if date else None)


def _name(author: Mapping[str, Any]) -> str:
    """Of a group, or of a person: `Given Family`."""
    parts = [author[key] for key in ("given-names", "name-particle", "family-names", "name-suffix") if key in author]
    return str(author["name"]) if "name" in author else " ".join(map(str, parts))
