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
    components: Positive | None  # of patches, at most, in which filters are drawn; empty: of pixels
    patches: Annotated[int, Field(ge=2)]
    threshold: Annotated[float, Field(ge=0)]
    pooling: Literal["mean", "square", "max"]
    grid: Annotated[int, Field(ge=1, le=24)]  # places a side
    alpha: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _has_a_middle(self) -> Self:
        if self.window and self.window % 2 == 0:
            raise ValueError(f"window: {self.window} pixels have no middle; an odd number has, and 0 is none")
        return self
