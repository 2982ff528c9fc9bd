"""Settings of the null model, in which only a linear readout learns (section `classifiers`)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ferlab.params.section import Positive, Section


class NullModelClassifier(Section):
    method: Literal["null_model"]
    window: Annotated[int, Field(ge=0, le=47)]  # pixels a side of the local normalisation; 0: none
    floor: Annotated[float, Field(gt=0, le=1)]  # a smaller local spread counts as this
    filters: Positive
    size: Annotated[int, Field(ge=2, le=24)]  # pixels a side of a filter
    components: Positive | None  # of patches, in which filters are drawn; empty: of pixels
    patches: Annotated[int, Field(ge=2)]
    threshold: Annotated[float, Field(ge=0)]
    pooling: Literal["mean", "square", "max"]
    grid: Annotated[int, Field(ge=1, le=24)]  # places a side
    alpha: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.window and self.window % 2 == 0:
            raise ValueError(f"window: a window has a middle, so {self.window} must be odd, or 0 for none")
        if self.components is not None and self.components >= self.size**2:
            raise ValueError(
                f"components: a patch of {self.size}x{self.size} pixels without its mean has at most "
                f"{self.size**2 - 1} components, not {self.components}"
            )
        return self
