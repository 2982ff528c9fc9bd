"""Sections `compute`, `run`, `arms` and `runtime`: what is run, and how."""

from typing import Annotated, Literal

from pydantic import Field

from ferlab.params.section import Name, NonNegative, Positive, Section

NONE = "none"  # the synthetic source of an arm that trains on real images only


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
    """One row of the experiment: a classifier and what it is trained on."""

    classifier: Name
    tuned: bool
    synthetic: Name
    labels: Literal["drop_contempt", "contempt_as_neutral"]
    match_steps_of: Name | None


class Runtime(Section):
    """Settings that can't change a result; no stage depends on them."""

    checkpoint_seconds: Annotated[float, Field(ge=0)]
    look_every: Positive  # epochs
