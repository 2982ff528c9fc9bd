"""Sections `classifiers` and `tune`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ferlab.params.section import Fraction, NonNegative, Positive, Rate, Section


class Augmentation(Section):
    rotation: Annotated[float, Field(ge=0, le=180)]
    translation: Annotated[float, Field(ge=0, le=0.5)]
    flip: bool


class NetworkClassifier(Section):
    method: Literal["network"]
    network: Literal["resnet50"]
    width: Annotated[float, Field(gt=0, le=2)]
    stem: Literal["imagenet", "3x3_pool", "3x3"]
    zero_init_residual: bool
    lr: Rate
    momentum: Fraction
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    schedule: Literal["constant", "one_cycle"]
    batch_size: Annotated[int, Field(ge=2)]
    epochs: Positive
    augmentation: Augmentation


class SvmClassifier(Section):
    method: Literal["pixel_svm"]
    C: Annotated[float, Field(gt=0)]
    tolerance: Annotated[float, Field(gt=0)]
    max_iterations: Positive


Classifier = Annotated[NetworkClassifier | SvmClassifier, Field(discriminator="method")]


class Tune(Section):
    seed: NonNegative
    trials: Positive
    epochs: Positive
    train_fraction: Annotated[float, Field(gt=0, le=1)]
    lr: Annotated[list[Rate], Field(min_length=2, max_length=2)]
    batch_sizes: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _range_not_empty(self) -> "Tune":
        if not self.lr[0] < self.lr[1]:
            raise ValueError(f"tune.lr must be [low, high] with low < high, not {self.lr}")
        return self
