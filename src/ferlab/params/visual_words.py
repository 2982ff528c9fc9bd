"""Settings of what is made of dense SIFT: visual words, and the support vector machine on their presence."""

from typing import Annotated, Literal

from pydantic import Field

from ferlab.params.section import Positive, Section


class DenseSift(Section):
    """Where descriptors are, and how large."""

    # one of 12 pixels would have no place within an image
    bins: Annotated[list[Annotated[int, Field(ge=1, le=11)]], Field(min_length=1)]
    step: Annotated[int, Field(ge=1, le=48)]


class VisualWords(Section):
    sift: DenseSift
    words: Annotated[int, Field(ge=2, le=65534)]
    vocabulary_images: Positive
    pyramid: Annotated[list[Annotated[int, Field(ge=1, le=48)]], Field(min_length=1)]


class BovwClassifier(Section):
    method: Literal["bovw"]
    features: VisualWords
    C: Annotated[float, Field(gt=0)]
    tolerance: Annotated[float, Field(gt=0)]
    max_iterations: Positive
