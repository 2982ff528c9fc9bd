"""Sections `data` and `audit`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ferlab.params.section import NUMBER, Name, Section, Sha256

PAPERS_OWN = ("fer2013", "ckplus")
"""The data sets that the paper names; `sets` has others."""


class DataSet(Section):
    """One more data set, in data/<its name>.zip."""

    form: Name  # how its archive is read: docs/guide/data_sets.md
    sha256: Sha256
    classes: Annotated[list[Name], Field(min_length=2)]


class Data(Section):
    kind: Literal["demo", "real"]
    allow_demo: bool
    fer2013: Sha256 | None
    ckplus: Sha256 | None
    sets: dict[Name, DataSet]
    train: Name
    gans: Name
    side: Annotated[int, Field(ge=16, le=512)]
    channels: Annotated[Literal[1, 3], NUMBER]

    @model_validator(mode="after")
    def _sets_are_here(self) -> Self:
        for name in PAPERS_OWN:
            if name in self.sets:
                raise ValueError(f"data.sets: '{name}' is the paper's own set, and has a key of its own: data.{name}")
        for name, one in self.sets.items():
            if len(set(one.classes)) != len(one.classes):
                raise ValueError(f"data.sets.{name}.classes: {one.classes} names a class twice")
        for key, name in (("train", self.train), ("gans", self.gans)):
            if name not in (*PAPERS_OWN, *self.sets):
                raise ValueError(f"data.{key}: '{name}' is not one of {', '.join((*PAPERS_OWN, *self.sets))}")
            if self.sha256(name) is None:
                raise ValueError(f"data.{key}: '{name}' has no archive: data.{name} names none")
        return self

    def sha256(self, name: str) -> str | None:
        """Of the archive of a data set, data/<name>.zip; None where there is none."""
        if name in PAPERS_OWN:
            found: str | None = getattr(self, name)
            return found
        return self.sets[name].sha256

    def form(self, name: str) -> str:
        """How the archive of a data set is read; the paper's own two are named after their forms."""
        return name if name in PAPERS_OWN else self.sets[name].form

    @property
    def in_colour(self) -> bool:
        """Whether images are RGB."""
        return self.channels == 3

    @property
    def all(self) -> tuple[str, ...]:
        """The names of the data sets that have an archive."""
        return tuple(name for name in (*PAPERS_OWN, *self.sets) if self.sha256(name) is not None)

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the data sets that something is read from, each once."""
        return tuple(dict.fromkeys((self.train, self.gans)))


def archives(data: Mapping[str, Any]) -> dict[str, str]:
    """The archives that results rest on: data set -> SHA-256.

    Args:
        data: a section `data` as plain values, of this version or an earlier one, which knew the paper's two sets.
    """
    used = dict.fromkeys((data.get("train", PAPERS_OWN[0]), data.get("gans", PAPERS_OWN[1])))
    others: Mapping[str, Any] = data.get("sets", {})
    named = {name: data.get(name) if name in PAPERS_OWN else others.get(name, {}).get("sha256") for name in used}
    return {name: sha256 for name, sha256 in named.items() if sha256}


def rests_on(data: Mapping[str, Any]) -> dict[str, Any]:
    """What of a section `data` can change a number; it is told as for `archives`."""
    made = {"side": data.get("side", 48), "channels": data.get("channels", 1)}
    return {"kind": data["kind"], **made, "archives": archives(data)}


class Audit(Section):
    near_constant_std: Annotated[float, Field(ge=0, le=127)]
    near_correlation: Annotated[float, Field(gt=0, le=1)]
