"""reports/<study>/gans.jsonl: one line a GAN that a study has trained and assessed; appended, never rewritten."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ferlab.errors import UserError
from ferlab.files import canonical_json, disk_errors
from ferlab.params import GanFamily
from ferlab.params.section import Sha256
from ferlab.records.ledger import Circumstances
from ferlab.records.quality import ClassQuality
from ferlab.records.record import Record, first_fault

FILE = "gans.jsonl"


class AssessedGan(Record):
    """One GAN: what made it, and how varied its images are.

    Attributes:
        identity: of its training: the hash of `manifest`.
        label: the expression that it makes.
        seed: of its weights, its order and its noise.
        steps: of the discriminator.
        images: SHA-256 of the set that was assessed.
        made: what it ran with: commit, code, machine, libraries.
        ended: when it was assessed, UTC.
    """

    identity: str
    manifest: dict[str, Any]
    family: str
    label: str
    draw: int
    settings: GanFamily
    seed: int
    steps: int
    images: Sha256
    quality: ClassQuality
    made: Circumstances
    ended: str

    @property
    def key(self) -> tuple[str, str, int, GanFamily]:
        """What a study asks for. A line of the same key is of other code, data or another device."""
        return self.family, self.label, self.draw, self.settings

    @property
    def diversity(self) -> float:
        """Of its images, as a share of real faces'; NaN where CK+ shows too few of this expression to say."""
        return self.quality.diversity.value if self.quality.diversity else float("nan")


def read_assessed(folder: Path) -> list[AssessedGan]:
    """All lines, oldest first; none where there is no file.

    Raises:
        UserError: a line is damaged; it is numbered.
    """
    path = folder / FILE
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [_read(line, number, path) for number, line in enumerate(lines, 1)]


def _read(line: bytes, number: int, path: Path) -> AssessedGan:
    try:
        return AssessedGan.model_validate_json(line, strict=True)
    except ValidationError as error:
        raise UserError(
            f"line {number} is no GAN of a study: {first_fault(error, 'the line')}",
            where=str(path),
            next_step="restore it from git",
        ) from None


def append_assessed(folder: Path, line: AssessedGan) -> None:
    """Append one line."""
    folder.mkdir(parents=True, exist_ok=True)
    with disk_errors(folder / FILE), (folder / FILE).open("ab", buffering=0) as handle:
        handle.write(f"{canonical_json(line.model_dump(mode='json'))}\n".encode())  # one write: no half a line


def latest(lines: Sequence[AssessedGan]) -> list[AssessedGan]:
    """The last line of each key, in the order of the keys' first lines."""
    return list({line.key: line for line in lines}.values())
