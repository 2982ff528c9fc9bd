"""Sections `gan`, `synthesis` and `quality`."""

from typing import Annotated

from pydantic import Field

from ferlab.params.section import Fraction, Name, NonNegative, Positive, Rate, Section


class GanFamily(Section):
    base_channels: Positive
    latent: Positive
    lr: Rate
    beta1: Fraction
    beta2: Fraction
    batch_size: Positive
    epochs: Positive
    critic_steps: Positive


class Gan(Section):
    seed: NonNegative
    families: dict[Name, GanFamily]


class Synthesis(Section):
    per_class: Positive
    seed: NonNegative
    shown: Annotated[int, Field(ge=1, le=16)]


class Quality(Section):
    collapse_ratio: Annotated[float, Field(gt=0, lt=1)]
    copy_correlation: Annotated[float, Field(gt=0, le=1)]
