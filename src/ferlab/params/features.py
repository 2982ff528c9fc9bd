"""Settings of features made by hand, on which a support vector machine learns."""

from typing import Annotated, Literal

from pydantic import Field

from ferlab.params.section import NUMBER, Positive, Section
from ferlab.params.visual_words import DenseSift


class PixelFeatures(Section):
    kind: Literal["pixels"]
    components: Positive | None


class HogFeatures(Section):
    kind: Literal["hog"]
    orientations: Positive
    cell: Annotated[Literal[4, 6, 8, 12, 16], NUMBER]
    block: Annotated[int, Field(ge=1, le=3)]


class LbpFeatures(Section):
    kind: Literal["lbp"]
    radius: Annotated[int, Field(ge=1, le=8)]
    grid: Annotated[Literal[1, 2, 3, 4, 6, 8, 12], NUMBER]


class SiftFeatures(DenseSift):
    kind: Literal["sift"]
    grid: Annotated[Literal[1, 2, 3, 4, 6, 8, 12], NUMBER]


Features = Annotated[PixelFeatures | HogFeatures | LbpFeatures | SiftFeatures, Field(discriminator="kind")]
