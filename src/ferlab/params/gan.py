"""Sections `gan`, `synthesis` and `quality`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ferlab.params.section import Fraction, Name, NonNegative, Positive, Rate, Section


class GanFamily(Section):
    base_channels: Positive
    latent: Positive
    lr: Rate
    beta1: Fraction
    beta2: Fraction
    batch_size: Annotated[int, Field(ge=2)]
    epochs: Positive
    critic_steps: Positive
    critic_norm: Literal["batch", "layer", "instance"]
    penalty: Annotated[float, Field(ge=0, le=1000)]

    @model_validator(mode="after")
    def _images_are_judged_alone(self) -> "GanFamily":
        if self.penalty and self.critic_norm == "batch":
            raise ValueError(
                "critic_norm: with a gradient penalty it must be layer or instance, because batch norm ties the "
                "images of a batch together (Gulrajani et al. 2017, section 4)"
            )
        return self


class Gan(Section):
    seed: NonNegative
    families: dict[Name, GanFamily]


class Synthesis(Section):
    per_class: Annotated[int, Field(ge=2)]
    seed: NonNegative
    shown: Annotated[int, Field(ge=1, le=16)]


class Quality(Section):
    collapse_ratio: Annotated[float, Field(gt=0, lt=1)]
    copy_correlation: Annotated[float, Field(gt=0, le=1)]
    neighbours: Positive
    ridge: Annotated[float, Field(gt=0)]
    folds: Annotated[int, Field(ge=2, le=20)]
    halves: Positive
    resamples: Annotated[int, Field(ge=20)]
    seed: NonNegative
