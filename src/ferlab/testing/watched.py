"""Observers that remember, and checkpoints that kill."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ferlab.training.checkpoint import Checkpoints


class KilledError(Exception):
    """Ends a training where a kill would."""


class Dying(Checkpoints):
    """Writes after every step and dies right after its n-th write."""

    def __init__(self, folder: Path, writes: int) -> None:
        super().__init__(folder, every_seconds=0)
        self.left = writes

    def save(self, state: Mapping[str, Any]) -> None:
        super().save(state)
        self.left -= 1
        if not self.left:
            raise KilledError


class Record:
    """An observer that keeps what it is told, and dies at an epoch if asked to."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.dies_at = dies_at

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        self.rows.append((step, dict(values)))
        if step == self.dies_at:
            raise KilledError

    @property
    def steps(self) -> list[int]:
        return [step for step, _ in self.rows]
