"""Sections `data` and `audit`."""

from typing import Annotated, Literal

from pydantic import Field

from ferlab.params.section import Section, Sha256


class Data(Section):
    kind: Literal["demo", "real"]
    allow_demo: bool
    fer2013: Sha256
    ckplus: Sha256


class Audit(Section):
    near_constant_std: Annotated[float, Field(ge=0, le=127)]
    near_correlation: Annotated[float, Field(gt=0, le=1)]
