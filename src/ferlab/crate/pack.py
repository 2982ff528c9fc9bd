"""Writes a report's archive: checked first, whole or not at all, and the same bytes from the same files."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ferlab.crate import optional
from ferlab.crate.actions import actions
from ferlab.crate.citation import read_citation
from ferlab.crate.contents import LEDGER, WORKFLOW, Part, parts
from ferlab.crate.metadata import FILE, metadata
from ferlab.errors import UserError
from ferlab.files import atomic_write
from ferlab.project import Project
from ferlab.records.seal import read_seals
from ferlab.report.check import faults
from ferlab.report.evidence import Evidence
from ferlab.report.missing import missing

_NAMED = 3  # faults that are told


@dataclass(frozen=True)
class Packed:
    """What was written.

    Attributes:
        runs: how many the archive tells of.
        files: how many it holds, its metadata among them.
        left_out: files of the report's folder that no stage is declared to make.
    """

    runs: int
    files: int
    left_out: list[str]


def must_be_free(target: Path) -> None:
    """Raise a UserError if `target` is there, its folder isn't, or its name isn't that of a zip file."""
    if target.suffix.lower() != ".zip":
        raise UserError(f"'{target.name}' doesn't end with .zip", where=str(target.parent), next_step="name it so")
    if not target.parent.is_dir():
        raise UserError("there is no such folder", where=str(target.parent), next_step="make it first")
    if target.exists():
        raise UserError(
            f"{target.name} is there already", where=str(target.parent), next_step="remove it, or name another file"
        )


def must_be_possible(project: Project, target: Path) -> None:
    """Refuse at once what needs no look at the report.

    Raises:
        UserError: as `must_be_free` and `read_citation`; or a package of the extra `archive` is missing.
    """
    must_be_free(target)
    read_citation(project.root)
    for package in ("rocrate.rocrate", "mlcroissant"):
        optional(package)


def must_be_sound(project: Project, evidence: Evidence) -> None:
    """Refuse to archive a report that has lost files, or doesn't follow from those that it has.

    Raises:
        UserError: so it is, or it has no ledger and so no runs to tell of.
    """
    folder = evidence.folder
    if not (folder / LEDGER).is_file():
        raise UserError(
            f"reports/{folder.name}/ has no ledger, which says how each run was made",
            where=str(folder / LEDGER),
            next_step="`dvc repro` writes it with the first result; `git restore` brings a lost one back",
        )
    wrong = [f"{path}: missing" for path in missing(folder, evidence)]
    wrong += islice(faults(evidence, read_seals(project.root / "reports").get(folder.name)), _NAMED + 1)
    if wrong:
        told = [one.replace(f"{project.root}/", "") for one in wrong[:_NAMED]] + ["…"] * (len(wrong) > _NAMED)
        raise UserError(
            "\n".join(["the report doesn't follow from its files:", *told]),
            where=str(folder),
            next_step=f"`ferlab verify --budget {folder.name}` names every fault and what helps",
        )


def pack(project: Project, evidence: Evidence, target: Path) -> Packed:
    """Write the archive of a report as a zip file: an RO-Crate.

    Raises:
        UserError: `target` isn't free; CITATION.cff or another file is missing; no run is published; or a package of
            the extra `archive` is.
    """
    must_be_free(target)
    citation = read_citation(project.root)
    runs = actions(evidence, WORKFLOW)
    if not runs:
        raise UserError(
            "no run is published here",
            where=str(evidence.folder),
            next_step=f"`ferlab reproduce --budget {evidence.params.budget}` makes them",
        )
    files, left_out = parts(project, evidence, citation)
    about = Part(FILE, metadata(evidence, files, runs, citation).encode(), "application/ld+json")
    _write(target, [about, *files])
    return Packed(len(runs), len(files) + 1, left_out)


def _write(target: Path, files: Sequence[Part]) -> None:
    with atomic_write(target) as handle, zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in files:
            entry = zipfile.ZipInfo(part.name)  # its time is 1980, whenever it is written
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, part.content)
