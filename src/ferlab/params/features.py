"""Settings of features made by hand, on which a support vector machine learns."""

from typing import Annotated, Literal

from pydantic import Field

from ferlab.params.section import Positive, Section
from ferlab.params.visual_words import DenseSift


class PixelFeatures(Section):
    kind: Literal["pixels"]
    components: Positive | None


class HogFeatures(Section):
    kind: Literal["hog"]
    orientations: Positive
    cell: Literal[4, 6, 8, 12, 16]
    block: Annotated[int, Field(ge=1, le=3)]


class LbpFeatures(Section):
    kind: Literal["lbp"]
    radius: Annotated[int, Field(ge=1, le=8)]
    grid: Literal[1, 2, 3, 4, 6, 8, 12]


class SiftFeatures(DenseSift):
    kind: Literal["sift"]
    grid: Literal[1, 2, 3, 4, 6, 8, 12]


Features = Annotated[PixelFeatures | HogFeatures | LbpFeatures | SiftFeatures, Field(discriminator="kind")]
