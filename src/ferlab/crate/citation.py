"""CITATION.cff: by what name, from whom and under which licence a project is cited (citation-file-format.github.io)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.yaml_file import read_yaml

FILE = "CITATION.cff"
_NEEDED = ("title", "authors", "version", "license")
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
    if faults := list(_faults(tree)):
        raise UserError(
            f"{FILE} doesn't say what an archive must know:\n  " + "\n  ".join(faults),
            where=str(path),
            next_step=f"correct it; {_FORMAT} says how",
        )
    return Citation(
        work=_work(tree),
        persons=tuple("name" not in author for author in tree["authors"]),
        version=str(tree["version"]),
        licence=str(tree["license"]),
        references=tuple(map(_work, tree.get("references") or ())),
    )


def _faults(tree: Any) -> Iterator[str]:
    """All that is wrong, a sentence each."""
    if not isinstance(tree, Mapping):
        yield f"it needs {', '.join(_NEEDED)}, and holds no keys"
        return
    yield from (f"{key} is missing" for key in _NEEDED if tree.get(key) in (None, "", []))
    yield from _faults_of_work(tree, "")
    references = tree.get("references") or []
    if not isinstance(references, list):
        yield "references: not a list of works"
        return
    for i, one in enumerate(references):
        if isinstance(one, Mapping):
            yield from (f"references.{i}.{key} is missing" for key in ("title", "authors") if not one.get(key))
            yield from _faults_of_work(one, f"references.{i}.")
        else:
            yield f"references.{i}: not a work with title and authors"


def _faults_of_work(tree: Mapping[str, Any], place: str) -> Iterator[str]:
    """What is wrong with the authors and the year that it names."""
    authors = tree.get("authors") or []
    if not isinstance(authors, list):
        yield f"{place}authors: not a list of persons and groups"
        authors = []
    for i, author in enumerate(authors):
        if not isinstance(author, Mapping) or not _name(author):
            yield f"{place}authors.{i}: neither a person (family-names, given-names) nor a group (name)"
    date = _date(tree)
    if date and not date.isdecimal():
        yield f"{place}{'year' if tree.get('year') else 'date-released'}: doesn't begin with a year"


def _work(tree: Mapping[str, Any]) -> Work:
    date = _date(tree)
    return Work(str(tree["title"]), tuple(map(_name, tree["authors"])), int(date) if date else None)


def _date(tree: Mapping[str, Any]) -> str:
    """The year as it stands there; "" where none does."""
    return str(tree.get("year") or tree.get("date-released") or "")[:4]


def _name(author: Mapping[str, Any]) -> str:
    """Of a group, or of a person: `Given Family`."""
    parts = [author[key] for key in ("given-names", "name-particle", "family-names", "name-suffix") if key in author]
    return str(author["name"] or "") if "name" in author else " ".join(map(str, parts))
