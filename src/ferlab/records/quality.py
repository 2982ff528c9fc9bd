"""reports/<budget>/quality.json: how varied, how new and how near to CK+ each family's images are."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field

from ferlab.records.record import Record

METRICS = (
    "cas", "copies", "coverage", "density", "diversity", "fid", "kid", "label_consistency", "precision", "recall",
    "nearest_real",
)  # fmt: skip
"""What can be held against a gain, in the report's order."""


class Estimate(Record):
    """A metric with its 95% interval."""

    value: float
    low: float
    high: float


class _Metrics(Record):
    """What is said of a class and of all classes alike. A metric is None where it isn't defined.

    Attributes:
        samples: how many images were judged.
        copies: how many of them are copies of a real frame.
    """

    samples: int
    copies: int
    diversity: Estimate | None
    kid: Estimate | None
    fid: Estimate | None
    precision: Estimate | None
    recall: Estimate | None
    density: Estimate | None
    coverage: Estimate | None
    label_consistency: Estimate | None
    cas: Estimate | None

    def value(self, metric: str) -> float | None:
        """One of METRICS as a number; None where it isn't defined."""
        known = getattr(self, metric, None)
        if isinstance(known, Estimate):
            return known.value
        return None if known is None else float(known)


class ClassQuality(_Metrics):
    """One expression.

    Attributes:
        real, sequences: images and sequences of CK+ that it was held against.
        collapsed: whether its samples differ too little to count as varied.
        nearest_real: median correlation of a sample with the real frame nearest to it; None for real faces.
    """

    real: int
    sequences: int
    collapsed: bool
    nearest_real: float | None


class MeanQuality(_Metrics):
    """All expressions: means, sums of counts, and the names of those that collapsed."""

    collapsed: tuple[str, ...]


class FamilyQuality(Record):
    """One family, or real faces held against other real faces: `all`, and beside it a key an expression."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, ClassQuality] = Field(init=False)

    all: MeanQuality

    @property
    def classes(self) -> Mapping[str, ClassQuality]:
        """Expression -> what is known of it; one without images is absent."""
        return self.__pydantic_extra__


class Quality(Record):
    """The whole file: a key a family, among them `real`, the yardstick; and how the metrics were made, in words."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, FamilyQuality] = Field(init=False)

    protocol: dict[str, Any]

    @property
    def families(self) -> Mapping[str, FamilyQuality]:
        """Family -> its figures; `real` among them."""
        return self.__pydantic_extra__
