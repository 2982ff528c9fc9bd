"""What became of a point."""

from dataclasses import asdict, dataclass
from typing import Any

from ferlab.ablation.question import Point
from ferlab.records.answer import Answer


@dataclass(frozen=True)
class Result:
    """What became of a point in a question.

    Attributes:
        source: `run` (now), `earlier` (for an earlier question), `pipeline` (by the checkout's own `dvc repro`) or
            `failed`.
        error: what went wrong, for people.
    """

    point: Point
    source: str
    answer: Answer | None = None
    error: str | None = None

    @property
    def accuracy(self) -> float | None:
        """On the images that validate, 0-1."""
        return self.answer.accuracy if self.answer else None

    @property
    def seconds(self) -> float | None:
        """Of the training, if it was run now."""
        return self.answer.seconds if self.answer and self.source == "run" else None

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        found = self.answer.model_dump(mode="json") if self.answer else dict.fromkeys(Answer.model_fields)
        own = {"point": asdict(self.point), "source": self.source, "seconds": self.seconds, "error": self.error}
        return found | own
