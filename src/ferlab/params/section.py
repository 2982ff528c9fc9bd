"""What every section of params.yaml is made of: strict, frozen, and ranges with names."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=10)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$", max_length=80)]  # also of files and folders


class Section(BaseModel):
    """A frozen part of params.yaml in which unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
