"""What the audit found in the data: class balance, leaks and label conflicts, from audit.json alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.report.drawing import BLUE, GREEN, GREY, ORANGE, Panel
from ferlab.report.evidence import Evidence
from ferlab.report.section import Album, Section

SIZE = (5.2, 3.4)
_SPLITS = {"train": BLUE, "valid": GREEN, "test": ORANGE}
_HATCHES = {"train": "", "valid": "///", "test": "xxx"}


def section(evidence: Evidence, album: Album) -> Section:
    """Counts by class and split, copies across splits, conflicting labels."""
    audit = evidence.audit
    values = {
        "audit": audit,
        "leaks": leaks(audit),
        "conflicts": conflicts(audit),
        "pictures": album.panels("data", 2, SIZE, panels(audit)),
        "classes": FER_CLASSES,
        "ckplus_classes": CKPLUS_CLASSES,
        "splits": tuple(_SPLITS),
    }
    return Section("data", "Data", "The data", values)


def panels(audit: Mapping[str, Any]) -> dict[str, Panel]:
    """What each figure shows in words, and how it is drawn; none without an audit."""
    if "fer2013" not in audit:
        return {}
    images, copies = audit["fer2013"]["images"], audit["fer2013"]["copies"]
    return {
        "Share of each class in each split; the numbers stand in the table.": _balance(images),
        "Percent of each class of the test split that has a copy in the training split.": _leak(images, copies),
    }


def conflicts(audit: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Sets of labels that images of equal pixels carry, and how many groups do; the commonest first."""
    found = audit.get("fer2013", {}).get("conflicts", [])
    return [(", ".join(name for name in FER_CLASSES if name in one["labels"]), one["groups"]) for one in found]


def leaks(audit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a class, and one of all: images of the test split, exact and near copies in train, and their shares (0-1).

    `near` is None in audits that didn't count it.
    """
    fer = audit.get("fer2013")
    if not fer:
        return []
    tested = fer["images"].get("test", {})
    exact, near = fer["copies"]["test_in_train"], fer["copies"].get("test_near_train")
    return [
        {"name": name, "tested": n, "exact": (e := exact.get(name, 0)), "share": e / n if n else 0.0}
        | {"near": None if near is None else near.get(name, 0)}
        for name, n in [*((c, tested.get(c, 0)) for c in FER_CLASSES), ("all", sum(tested.values()))]
    ]


def _balance(images: Mapping[str, Mapping[str, int]]) -> Panel:
    def draw(figure: Figure) -> None:
        axes, place = figure.subplots(), np.arange(len(FER_CLASSES))
        for k, (split, colour) in enumerate(_SPLITS.items()):
            counts = np.array([images.get(split, {}).get(name, 0) for name in FER_CLASSES])
            share = 100 * counts / max(counts.sum(), 1)
            style: Any = {"color": colour, "hatch": _HATCHES[split], "edgecolor": "white", "label": split}
            axes.barh(place + 0.27 * (k - 1), share, 0.25, **style)
        axes.set_yticks(place, FER_CLASSES)
        axes.invert_yaxis()
        axes.set(xlabel="% of the split's images")
        axes.grid(axis="x", color="#e4e4e4")
        figure.legend(loc="outside upper center", ncols=3, fontsize=8.5)

    return draw


def _leak(images: Mapping[str, Mapping[str, int]], copies: Mapping[str, Mapping[str, int]]) -> Panel:
    tested = images.get("test", {})
    kinds = {"exact copy": ("test_in_train", ORANGE, ""), "near copy": ("test_near_train", GREY, "///")}

    def draw(figure: Figure) -> None:
        axes, place = figure.subplots(), np.arange(len(FER_CLASSES))
        for k, (label, (key, colour, hatch)) in enumerate(kinds.items()):
            if key in copies:
                share = [100 * copies[key].get(name, 0) / max(tested.get(name, 0), 1) for name in FER_CLASSES]
                style: Any = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": f"{label} in train"}
                axes.barh(place + 0.4 * k - 0.2, share, 0.36, **style)
        axes.set_yticks(place, FER_CLASSES)
        axes.invert_yaxis()
        axes.set(xlabel="% of the class's test images")
        axes.set_xlim(0, max(5.0, axes.get_xlim()[1]))
        axes.grid(axis="x", color="#e4e4e4")
        figure.legend(loc="outside upper center", ncols=2, fontsize=8.5)

    return draw
