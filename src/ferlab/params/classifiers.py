"""Sections `classifiers` and `tune`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ferlab.params.section import Fraction, NonNegative, Positive, Rate, Section, Sha256


class Augmentation(Section):
    rotation: Annotated[float, Field(ge=0, le=180)]
    translation: Annotated[float, Field(ge=0, le=0.5)]
    crop: Annotated[float, Field(gt=0, le=1)]
    flip: bool


class NetworkClassifier(Section):
    """What every convolutional network is told; each family below adds what only it has."""

    method: Literal["network"]
    network: str
    width: Annotated[float, Field(gt=0, le=2)]
    input_size: Literal[48, 224]
    weights: Annotated[str, Field(min_length=1)]  # none, imagenet, or a file's path
    weights_sha256: Sha256 | None  # of that file
    lr: Rate
    momentum: Fraction
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    label_smoothing: Fraction
    schedule: Literal["constant", "one_cycle"]
    batch_size: Annotated[int, Field(ge=2)]
    epochs: Positive
    compile: Literal["none", "default", "reduce-overhead"]
    amp: bool
    deterministic: bool
    augmentation: Augmentation

    @model_validator(mode="after")
    def _weights_are_named(self) -> Self:
        if (self.weights not in ("none", "imagenet")) != (self.weights_sha256 is not None):
            raise ValueError(
                f"weights: '{self.weights}' with weights_sha256 '{self.weights_sha256}': a file needs its SHA-256, "
                "and only a file has one"
            )
        if self.weights == "imagenet" and self.width != 1:
            raise ValueError(f"weights: imagenet's are for width 1, not {self.width}")
        return self


class ResnetClassifier(NetworkClassifier):
    network: Literal["resnet18", "resnet50"]
    stem: Literal["imagenet", "3x3_pool", "3x3"]
    zero_init_residual: bool

    @model_validator(mode="after")
    def _weights_fit_the_stem(self) -> Self:
        if self.weights == "imagenet" and self.stem != "imagenet":
            raise ValueError(f"weights: imagenet's are for the stem imagenet, not {self.stem}")
        return self


class VggClassifier(NetworkClassifier):
    network: Literal["vgg13", "vgg16", "vgg19"]
    batch_norm: bool
    dropout: Fraction


class SvmClassifier(Section):
    method: Literal["pixel_svm"]
    C: Annotated[float, Field(gt=0)]
    tolerance: Annotated[float, Field(gt=0)]
    max_iterations: Positive


Network = Annotated[ResnetClassifier | VggClassifier, Field(discriminator="network")]
Classifier = Annotated[Network | SvmClassifier, Field(discriminator="method")]


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
