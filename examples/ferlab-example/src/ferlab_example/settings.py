"""What params.yaml says of the nearest centroid. Read whenever params.yaml names it, so it imports little."""

from typing import Annotated, Literal

from pydantic import Field

from ferlab.params import OwnClassifier
from ferlab.parts import ClassifierPart


class CentroidSettings(OwnClassifier):
    method: Literal["centroid"]
    prior: Literal["uniform", "empirical"]
    shrink: Annotated[float, Field(gt=0)] | None


PART = ClassifierPart(
    settings=CentroidSettings,
    module="ferlab_example.centroid",
    name="Centroid",
    title="nearest centroid",
    draws=False,
    colour=True,
)
