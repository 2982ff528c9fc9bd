"""What paper.yaml may say. Every key may be left out, and so may the whole: a study need not rebuild a paper."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Annotated

from pydantic import Field, model_validator

from ferlab.params.near import did_you_mean
from ferlab.params.section import Name, Positive, Section

Percent = Annotated[float, Field(ge=0, le=100)]
Text = Annotated[str, Field(min_length=1)]
Pair = Annotated[list[Name], Field(min_length=2, max_length=2)]


class Row(Section):
    """A row of the paper's table of results.

    Attributes:
        model: as the paper prints it.
        short: the name that the paper's text gives to it, if that is another one.
        percent: accuracy on the test split; the paper prints no interval and no number of runs.
        arm: the arm of ours that rebuilds it, at our own setting; claims call the row by it.
        as_stated: the arm that rebuilds it at the setting that the paper states; left out where `arm` does.
        best: printed bold.
    """

    model: Text
    short: str = ""
    percent: Percent
    arm: Name
    as_stated: Name | None = None
    best: bool = False


class Claim(Section):
    """A claim that rows of the table make: in each pair the first is more accurate than the second.

    Attributes:
        key: its name in files.
        says: in a sentence.
        section: where it stands.
        pairs: of rows, by their arms.
        row: the row that it speaks of; by default the first of the first pair.
        added: of a claim that a GAN's images lift a network, the images in words; its one pair is with them, without.
        primary: whether it is one of those that decide (docs/evidence.md); they are about images.
    """

    key: Name
    says: Text
    section: Text
    pairs: Annotated[list[Pair], Field(min_length=1)]
    row: Name | None = None
    added: str = ""
    primary: bool = False

    def faults(self, rows: Iterable[str]) -> Iterator[str]:
        """What is wrong with it in a file that has these rows, a sentence each."""
        for arm in dict.fromkeys(chain(*self.pairs, [self.row or self.pairs[0][0]])):
            if arm not in rows:
                yield f"claims.{self.key}: no row has the arm '{arm}'{did_you_mean(arm, rows)}"
        if self.added and len(self.pairs) > 1:
            yield f"claims.{self.key}: a claim about added images has one pair, with them and without"
        if self.primary and not self.added:
            yield (
                f"claims.{self.key}: a primary claim says which images it is about: add `added`, in words such as "
                "“DCGAN's images”, or leave `primary` out"
            )


class ImageClaim(Section):
    """A claim about generated images: `of` is better (nearer to real faces) than each of `others`, or has collapsed."""

    key: Name
    says: Text
    section: Text
    of: Name
    others: list[Name] = Field(default_factory=list)


class Human(Section):
    """Human accuracy on the test split, as the paper cites it."""

    percent: Percent
    plus_minus: Percent


class FigureRow(Section):
    """A row of the paper's figure of generated faces: one image for each expression, from one GAN family."""

    name: Text
    family: Name
    says: Text


class Faces(Section):
    """The paper's figure of generated faces: its rows from the top line to the bottom, and its caption."""

    rows: Annotated[list[FigureRow], Field(min_length=1)]
    caption: Text


class Neighbour(Section):
    """A system whose accuracy on the same test split somebody printed, or that the paper names without a figure.

    Attributes:
        name: in words.
        source: who printed it.
        percent: the printed accuracy; left out where none was printed for this test split.
        plus_minus: as printed, in points.
        arms: ours, by preference; the first that has run stands beside it. Left out for what can't be run.
        ensemble: whether the seeds of the arm are averaged; or, with no arm, all networks.
        assumed: what ours takes where the source is silent or too large.
        differs: why the two figures differ.
    """

    name: Text
    source: Text
    percent: Percent | None = None
    plus_minus: Percent | None = None
    arms: list[Name] = Field(default_factory=list)
    ensemble: bool = False
    assumed: str = ""
    differs: str = ""


class Paper(Section):
    """paper.yaml, whole.

    Attributes:
        question: what the study asks, as the page's heading.
        data_sets: data set of params.yaml -> its name in words; FER-2013 and CK+ have theirs.
        generated_per_class: pictures that the paper's GANs add to each class.
        rows: of the table of results, in the paper's order.
        claims: what the rows claim: two families of tests, the primary claims and the others.
        settings: classifier or GAN family of ours -> key of ours, or a name of its own where we have no such key ->
            the value, as the paper gives it.
        networks: classifier -> its name in words.
        gans: GAN family -> its name in words, in the genitive: "DCGAN's".
        purposes: classifier outside of the table -> what it rebuilds.
        neighbours: the systems that the paper compares itself with, in the order of the page.
        deviations: topic -> what the paper leaves open there, and what we do.
        not_given: what else the paper doesn't give.
        puzzle: what the paper finds of the images' quality and their use.
    """

    title: str = ""
    authors: str = ""
    question: str = ""
    data_sets: dict[Name, Text] = Field(default_factory=dict)
    generated_per_class: Positive | None = None
    rows: list[Row] = Field(default_factory=list)
    claims: list[Claim] = Field(default_factory=list)
    image_claims: list[ImageClaim] = Field(default_factory=list)
    human: Human | None = None
    figure: Faces | None = None
    settings: dict[Name, dict[str, str]] = Field(default_factory=dict)
    networks: dict[Name, Text] = Field(default_factory=dict)
    gans: dict[Name, Text] = Field(default_factory=dict)
    purposes: dict[Name, Text] = Field(default_factory=dict)
    neighbours: list[Neighbour] = Field(default_factory=list)
    deviations: dict[str, Text] = Field(default_factory=dict)
    not_given: str = ""
    puzzle: str = ""

    @model_validator(mode="after")
    def _names_exist(self) -> "Paper":
        arms = [row.arm for row in self.rows]
        keys = [claim.key for claim in self.claims] + [claim.key for claim in self.image_claims]
        named = {"rows": arms, "claims": keys, "neighbours": [one.name for one in self.neighbours]}
        faults = [f"{what}: '{name}' stands there twice" for what, names in named.items() for name in _twice(names)]
        faults += [fault for claim in self.claims for fault in claim.faults(arms)]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @property
    def main_claim(self) -> Claim | None:
        """The first primary claim."""
        return next((claim for claim in self.claims if claim.primary), None)

    @property
    def arms(self) -> Iterator[tuple[str, str]]:
        """Every arm that it names outside of claims, and where."""
        for i, row in enumerate(self.rows):
            yield from ((f"rows.{i}.{key}", arm) for key in ("arm", "as_stated") if (arm := getattr(row, key)))
        for i, one in enumerate(self.neighbours):
            yield from ((f"neighbours.{i}.arms", arm) for arm in one.arms)

    @property
    def families(self) -> Iterator[tuple[str, str]]:
        """Every GAN family that it names, and where."""
        for claim in self.image_claims:
            yield from ((f"image_claims.{claim.key}", family) for family in (claim.of, *claim.others))
        if self.figure:
            yield from ((f"figure.rows.{i}.family", row.family) for i, row in enumerate(self.figure.rows))


def _twice(names: list[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]
