"""The records of a report, of this version or an earlier one. Earlier ones are read as today's, and never written back.

What an earlier version left out is what every run did before there was a choice.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from ferlab.errors import UserError
from ferlab.files import canonical_json
from ferlab.params.migration import migrated_arm
from ferlab.records.audit import Audit
from ferlab.records.plan import ArmSummary
from ferlab.records.quality import Quality
from ferlab.records.record import ANEW, Record
from ferlab.records.run import Selection
from ferlab.records.search import SearchRecord

R = TypeVar("R", bound=Record)
ARMS, EARLIER_ARMS = "arms", "arms.json"  # a folder with a file an arm; earlier, one file of all arms


def has_arms(folder: Path) -> bool:
    """Whether reports/<budget>/ holds what its arms come to."""
    return (folder / ARMS).is_dir() or (folder / EARLIER_ARMS).is_file()


def read_arms(folder: Path, names: Iterable[str]) -> dict[str, ArmSummary]:
    """What the arms of reports/<budget>/ come to, by name and in the order of names; without those not planned yet.

    Args:
        names: the arms that the report is of.

    Raises:
        UserError: a file is damaged.
    """
    if not (folder / ARMS).is_dir():
        return _earlier_arms(folder / EARLIER_ARMS)
    files = {name: folder / ARMS / f"{name}.json" for name in sorted(names)}
    return {name: _summary(path) for name, path in files.items() if path.exists()}


def _summary(path: Path) -> ArmSummary:
    tree = _tree(path)
    if isinstance(tree.get("arm"), dict):
        migrated_arm(tree["arm"])
    return _checked(ArmSummary, tree, path)


def _earlier_arms(path: Path) -> dict[str, ArmSummary]:
    trees = _tree(path) if path.exists() else {}
    return {name: _checked(ArmSummary, _parted(tree), path) for name, tree in trees.items()}


def _parted(tree: Any) -> Any:
    """The arm's own row apart from what it comes to; earlier versions put both into one level."""
    if not isinstance(tree, dict):
        return tree
    come_to = {key: tree[key] for key in ArmSummary.model_fields if key in tree}
    return come_to | {"arm": migrated_arm({key: value for key, value in tree.items() if key not in come_to})}


def read_selection(path: Path) -> Selection | None:
    """A file of selection/; None where there is none.

    Raises:
        UserError: it is damaged.
    """
    if not path.exists():
        return None
    tree = _tree(path)
    tree.pop("tuned_by", None)  # stands with the arm now
    return _checked(Selection, tree, path)


def read_quality(folder: Path) -> Quality | None:
    """quality.json of reports/<budget>/; None where there is none.

    Raises:
        UserError: it is damaged.
    """
    return _optional(Quality, folder / "quality.json")


def read_audit(folder: Path) -> Audit | None:
    """audit.json of reports/<budget>/; None where there is none.

    Raises:
        UserError: it is damaged.
    """
    return _optional(Audit, folder / "audit.json")


def read_search(folder: Path, classifier: str) -> SearchRecord | None:
    """What the search for a classifier's settings came to; None where there is no file of it.

    Raises:
        UserError: it is damaged.
    """
    return _optional(SearchRecord, folder / "tuning" / f"{classifier}.json")


def _optional(kind: type[R], path: Path) -> R | None:
    return kind.read(path) if path.exists() else None


def _tree(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path.name} is not JSON: {error}", where=str(path), next_step=ANEW) from None
    if not isinstance(tree, dict):
        raise UserError(f"{path.name} is not a JSON object", where=str(path), next_step=ANEW)
    return tree


def _checked(kind: type[R], tree: Any, path: Path) -> R:
    return kind.parse(canonical_json(tree), path)
