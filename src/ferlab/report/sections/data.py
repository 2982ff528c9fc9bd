"""What the audit found in the data: class balance, leaks and label conflicts, from audit.json alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ferlab.records.audit import FerAudit
from ferlab.report.drawing import BLUE, GREEN, GREY, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album, PageSection

SIZE = (5.2, 3.4)
_SPLITS = {"train": BLUE, "valid": GREEN, "test": ORANGE}
_HATCHES = {"train": "", "valid": "///", "test": "xxx"}


@dataclass(frozen=True)
class Leak:
    """Images of the test split of one class, or of `all`, and how many have an exact or a near copy in train."""

    name: str
    tested: int
    exact: int
    near: int

    @property
    def share(self) -> float:
        """Of exact copies among the images tested, 0-1."""
        return self.exact / self.tested if self.tested else 0.0


def section(evidence: Evidence, album: Album) -> PageSection:
    """Counts by class and split, copies across splits, conflicting labels."""
    audit, classes = evidence.audit, evidence.classes
    values = {
        "audit": audit,
        "leaks": leaks(audit.fer2013, classes) if audit else [],
        "conflicts": conflicts(audit.fer2013, classes) if audit else [],
        "pictures": album.panels("data", 2, SIZE, panels(audit.fer2013, classes) if audit else {}),
        "classes": classes,
        "gan_classes": evidence.gan_classes,
        "splits": tuple(_SPLITS),
    }
    return PageSection("data", "Data", "The data", values)


def panels(fer: FerAudit, classes: Sequence[str]) -> dict[str, Panel]:
    """What each figure shows in words, and how it is drawn."""
    return {
        "Share of each class in each split; the numbers stand in the table.": _balance(fer.images, classes),
        "Percent of each class of the test split that has a copy in the training split.": _leak(fer, classes),
    }


def conflicts(fer: FerAudit, classes: Sequence[str]) -> list[tuple[str, int]]:
    """Sets of labels that images of equal pixels carry, and how many groups do; the commonest first."""
    return [(", ".join(name for name in classes if name in one.labels), one.groups) for one in fer.conflicts]


def leaks(fer: FerAudit, classes: Sequence[str]) -> list[Leak]:
    """A row a class, and one of all."""
    tested = fer.images.get("test", {})
    counts = {name: tested.get(name, 0) for name in classes} | {"all": sum(tested.values())}
    exact, near = fer.copies.test_in_train, fer.copies.test_near_train
    return [Leak(name, number, exact.get(name, 0), near.get(name, 0)) for name, number in counts.items()]


def _balance(images: Mapping[str, Mapping[str, int]], classes: Sequence[str]) -> Panel:
    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        place = np.arange(len(classes))
        for k, (split, colour) in enumerate(_SPLITS.items()):
            counts = np.array([images.get(split, {}).get(name, 0) for name in classes])
            share = 100 * counts / max(counts.sum(), 1)
            style: Any = {"color": colour, "hatch": _HATCHES[split], "edgecolor": "white", "label": split}
            axes.barh(place + 0.27 * (k - 1), share, 0.25, **style)
        axes.set_yticks(place, classes)
        axes.invert_yaxis()
        axes.set(xlabel="% of the split's images")
        axes.grid(axis="x", color="#e4e4e4")
        figure.legend(loc="outside upper center", ncols=3, fontsize=8.5)

    return draw


def _leak(fer: FerAudit, classes: Sequence[str]) -> Panel:
    tested = fer.images.get("test", {})
    kinds = {
        "exact copy": (fer.copies.test_in_train, ORANGE, ""),
        "near copy": (fer.copies.test_near_train, GREY, "///"),
    }

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        place = np.arange(len(classes))
        for k, (label, (copies, colour, hatch)) in enumerate(kinds.items()):
            share = [100 * copies.get(name, 0) / max(tested.get(name, 0), 1) for name in classes]
            style: Any = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": f"{label} in train"}
            axes.barh(place + 0.4 * k - 0.2, share, 0.36, **style)
        axes.set_yticks(place, classes)
        axes.invert_yaxis()
        axes.set(xlabel="% of the class's test images")
        axes.set_xlim(0, max(5.0, axes.get_xlim()[1]))
        axes.grid(axis="x", color="#e4e4e4")
        figure.legend(loc="outside upper center", ncols=2, fontsize=8.5)

    return draw
