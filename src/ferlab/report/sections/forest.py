"""All arms at a glance: how far each lies from its arm of comparison, and where the paper's gain would be."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ferlab.evaluation.comparison import Difference
from ferlab.files import canonical_json
from ferlab.papers import Paper
from ferlab.params import Params
from ferlab.report.differences import difference, interval, points
from ferlab.report.drawing import BLUE, GREY, INK, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.matching import ADDS, kind, plain_of, reference_of
from ferlab.report.page import Album, PageSection
from ferlab.report.rows import orders_of
from ferlab.report.spoken import spoken
from ferlab.report.tables import purpose
from ferlab.report.words import drawn, signed

WIDTH = 4.7  # inches; a wider figure can't be read on a telephone
LETTERS = 25  # a line of a label
TARGETS = {
    "majority": "the majority's label",
    "votes": "the shares of the votes",
    "drawn": "labels drawn from the votes",
}
"""What a network learns, in words."""


@dataclass(frozen=True)
class Line:
    """An arm against its group's reference.

    Attributes:
        says: what the arm is.
        gan: whether a GAN's images are added to it.
        difference: of accuracy (0-1).
        printed: where the paper's gain over the plain arm would put it (0-1); None where the paper has none.
    """

    arm: str
    says: str
    gan: bool
    difference: Difference
    printed: float | None


@dataclass(frozen=True)
class Group:
    """The arms of one classifier that have run, against one of them: `reference`, in words `against`."""

    network: str
    reference: str
    against: str
    lines: tuple[Line, ...]

    @property
    def marked(self) -> bool:
        """Whether the paper prints a gain of any of them."""
        return any(line.printed is not None for line in self.lines)


def section(evidence: Evidence, album: Album) -> PageSection:
    """One figure of all arms that can be held against another of their network, and its numbers."""
    found = groups(evidence)
    rows = sum(len(group.lines) + 1 for group in found)
    alt = "Difference of each arm's accuracy to its arm of comparison, with 95% intervals; the numbers stand below."
    pictures = album.panels("forest", 1, (WIDTH, 1.3 + 0.42 * rows), {alt: panel(found)} if found else {})
    numbers = dict[str, dict[str, Any]]()
    for group in found:
        own = {line.arm: points(line.difference) | _printed(line) for line in group.lines}
        numbers.setdefault(group.reference, {}).update(own)
    shown = {arm for group in found for arm in (group.reference, *(line.arm for line in group.lines))}
    alone = [spoken(arm, evidence.params, evidence.paper) or arm for arm in evidence.runs if arm not in shown]
    values = {
        "groups": found,
        "pictures": pictures,
        "alone": alone,
        "marked": any(group.marked for group in found),
        "interval": interval,
        "signed": signed,
    }
    return PageSection("forest", "At a glance", "All arms at a glance", values, numbers)


def _printed(line: Line) -> dict[str, float]:
    return {} if line.printed is None else {"printed_points": round(100 * line.printed, 4)}


def groups(evidence: Evidence) -> list[Group]:
    """A group a classifier of which two arms or more have run, in the order of the settings; then those of targets."""
    arms = evidence.params.arms
    by_classifier: dict[str, list[str]] = {}
    for name in evidence.params.run.arms:
        if name in evidence.runs:
            by_classifier.setdefault(arms[name].classifier, []).append(name)
    found = [_group(evidence, classifier, names) for classifier, names in by_classifier.items()]
    return [group for group in (*found, *_by_targets(evidence)) if group and group.lines]


def _by_targets(evidence: Evidence) -> list[Group]:
    """A group for each network whose plain arms learn from different targets, against that of the majority's labels."""
    arms = evidence.params.arms
    alike: dict[str, dict[str, str]] = {}  # a network but for its targets -> arm -> targets
    for name in evidence.params.run.arms:
        settings = evidence.params.plain(f"classifiers.{arms[name].classifier}")
        targets = settings.pop("targets", None)
        if targets and name in evidence.runs and kind(name, arms[name]) == "plain":
            common = [settings, arms[name].model_dump(mode="json", exclude={"classifier", *ADDS})]
            alike.setdefault(canonical_json(common), {})[name] = targets
    return [_learning(evidence, targets) for targets in alike.values() if len(targets) > 1]


def _learning(evidence: Evidence, targets: Mapping[str, str]) -> Group:
    """Arms that differ in their targets alone: arm -> targets."""
    reference = next((name for name, own in targets.items() if own == "majority"), next(iter(targets)))
    lines = [
        Line(name, TARGETS[own], False, one, None)
        for name, own in targets.items()
        if name != reference and (one := difference(evidence, name, reference))
    ]
    against = f"the one that learns {TARGETS[targets[reference]]}"
    return Group(f"{reference} by its targets", reference, against, tuple(lines))


def _group(evidence: Evidence, classifier: str, names: Sequence[str]) -> Group | None:
    params, paper = evidence.params, evidence.paper
    reference = _reference(evidence, names)
    if reference is None:
        return None
    printed = _printed_gains(evidence, reference)
    lines = [
        Line(name, _says(name, params, paper), kind(name, params.arms[name]) == "gan", one, printed.get(name))
        for name in names
        if name != reference and (one := difference(evidence, name, reference))
    ]
    plain = classifier.removesuffix("-paper")
    network = paper.networks.get(plain, plain) + (", the paper's setting" if plain != classifier else "")
    return Group(network, reference, spoken(reference, params, paper) or reference, tuple(lines))


def _reference(evidence: Evidence, names: Sequence[str]) -> str | None:
    """The training split's own images repeated, by which verdicts are judged; where that hasn't run, the plain arm."""
    targets = [name for name in names if kind(name, evidence.params.arms[name]) == "gan"]
    for find in (reference_of, plain_of):
        found = (find(evidence, name) for name in (targets or names))
        if reference := next((name for name in found if name in evidence.runs), None):
            return reference
    return None


def _printed_gains(evidence: Evidence, reference: str) -> Mapping[str, float]:
    """Arm -> where the paper's gain over the plain arm would put it, seen from the reference (0-1)."""
    if drawn(evidence.params):
        return {}
    places = {}
    for claim in orders_of(evidence.params, evidence.paper):
        (higher, lower), *_ = claim.pairs
        start = difference(evidence, lower.arm, reference) if claim.lifts and higher.arm in evidence.runs else None
        if start:
            places[higher.arm] = (0.0 if lower.arm == reference else start.mean) + claim.gains[0] / 100
    return places


def _says(name: str, params: Params, paper: Paper) -> str:
    """An arm in words, without the network that heads its group."""
    arm = params.arms[name]
    words = spoken(name, params, paper)
    if words:
        return words.removeprefix(paper.networks[arm.classifier]).strip()
    return (
        purpose(name, params, paper)
        .removeprefix("control: ")
        .replace(arm.synthetic, paper.gans.get(arm.synthetic, f"{arm.synthetic}'s")[:-2], 1)
    )


def panel(found: Sequence[Group]) -> Panel:
    """A line an arm, grouped by network: dots are means, bars 95% intervals; hollow dots are single runs."""
    rows = list[Group | Line]()
    for group in found:
        rows += (group, *group.lines)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=GREY, lw=1)
        for y, row in enumerate(rows):
            if isinstance(row, Line):
                _draw(axes, y, row)
        labels = [row.network if isinstance(row, Group) else textwrap.fill(row.says, LETTERS) for row in rows]
        axes.set_yticks(range(len(rows)), labels, fontsize=8.5)
        for row, label in zip(rows, axes.get_yticklabels(), strict=True):
            label.set_fontweight("bold" if isinstance(row, Group) else "normal")
        axes.tick_params(axis="y", length=0)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="difference of accuracy to the\narm of comparison, points")
        axes.grid(axis="x", color="#e4e4e4")
        figure.legend(handles=_legend(rows), loc="outside upper left", ncols=2, fontsize=8)

    return draw


def _draw(axes: Axes, y: int, line: Line) -> None:
    one = line.difference
    half = 100 * (one.high - one.mean) if one.varies else None
    axes.errorbar(100 * one.mean, y, xerr=half, capsize=3, **_dot(line.gan, one.varies))
    if line.printed is not None:
        axes.plot(100 * line.printed, y, "D", color=ORANGE, mfc="white", ms=6, mew=1.6)


def _dot(gan: bool, varies: bool) -> dict[str, Any]:
    """An arm's mark: its colour says what is added, hollow that there is no interval."""
    colour = BLUE if gan else INK
    return {"marker": "o", "color": colour, "mfc": colour if varies else "white"}


def _legend(rows: Sequence[Group | Line]) -> list[Line2D]:
    """What is drawn, and nothing else."""
    lines = [row for row in rows if isinstance(row, Line)]
    styles: dict[str, Any] = {}
    for label, gan in (("with a GAN's images", True), ("without", False)):
        if own := [line for line in lines if line.gan == gan]:
            styles[label] = _dot(gan, any(line.difference.varies for line in own))
    if not all(line.difference.varies for line in lines):
        styles["one run: no interval"] = {"marker": "o", "color": GREY, "mfc": "white"}
    if any(line.printed is not None for line in lines):
        styles["the paper's gain"] = {"marker": "D", "color": ORANGE, "mfc": "white", "mew": 1.6}
    return [Line2D([], [], ls="none", label=label, **style) for label, style in styles.items()]
