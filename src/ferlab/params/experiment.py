"""Sections `compute`, `run`, `arms` and `runtime`: what is run, and how."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ferlab.params.section import Name, NonNegative, Positive, Section

NONE = "none"  # the synthetic source of an arm that adds nothing to FER-2013
CKPLUS = "ckplus"  # of a control that adds the real images which the GANs were trained on


class Compute(Section):
    threads: Positive  # CPU threads of one process; changes the last bits of every result
    device: Literal["auto", "cpu", "cuda"]


class Run(Section):
    """What this budget runs. Rows that are defined below and not named here are reported as "not run yet"."""

    families: list[Name]
    tuned: list[Name]
    arms: list[Name]
    seeds: list[NonNegative]


class Arm(Section):
    """One row of the experiment: a classifier, what it is trained on, for how long, and who picks its epoch."""

    classifier: Name
    tuned: bool
    synthetic: Name  # a GAN family, or one of the two words above
    labels: Literal["drop_contempt", "contempt_as_neutral"]
    match_steps_of: Name | None
    oversample_to: Name | None
    drop_train_copies: bool
    augmentation: bool
    select_on: Literal["valid", "test"]

    @model_validator(mode="after")
    def _adds_one_thing(self) -> Self:
        if self.oversample_to is not None and self.synthetic != NONE:
            raise ValueError(f"an arm adds '{self.synthetic}' or oversamples to '{self.oversample_to}', not both")
        return self


class Runtime(Section):
    """Settings that can't change a result; no stage depends on them."""

    checkpoint_seconds: Annotated[float, Field(ge=0)]
    look_every: Positive  # epochs
