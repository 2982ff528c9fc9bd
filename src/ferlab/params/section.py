"""What every section of params.yaml is made of: strict, frozen, and ranges with names."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, le=10)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
NUMBER = BeforeValidator(_no_truth_value)
"""Of a Literal of numbers: True equals 1, and would be taken for that even where all else is strict."""
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$", max_length=80)]  # also of files and folders


class Section(BaseModel):
    """A frozen part of params.yaml in which unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
