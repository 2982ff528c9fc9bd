"""The Data section: what it computes from audit.json, and that older and absent audits are shown too."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from ferlab.data.labels import FER_CLASSES
from ferlab.report.drawing import png, raster
from ferlab.report.sections.data import SIZE, conflicts, leaks, panels


def audit(near: bool = True) -> dict[str, Any]:
    copies = {"test_in_train": {"all": 3, "happy": 2, "sad": 1}}
    images = {split: dict.fromkeys(FER_CLASSES, 10) for split in ("train", "valid", "test")}
    images["test"]["disgust"] = 0
    return {
        "fer2013": {
            "images": images,
            "copies": copies | ({"test_near_train": {"all": 4, "happy": 3, "sad": 1}} if near else {}),
            "conflicts": [{"labels": ["neutral", "angry"], "groups": 5}, {"labels": ["fear", "sad"], "groups": 1}],
        }
    }


def test_leaks_by_class_and_in_all() -> None:
    """CASE 21."""
    rows = {row.pop("name"): row for row in leaks(audit())}
    assert list(rows) == [*FER_CLASSES, "all"]
    assert rows["happy"] == {"tested": 10, "exact": 2, "share": 0.2, "near": 3}
    assert rows["disgust"] == {"tested": 0, "exact": 0, "share": 0.0, "near": 0}
    assert rows["all"] == {"tested": 60, "exact": 3, "share": 0.05, "near": 4}


def test_conflicting_labels_stand_in_the_order_of_the_classes() -> None:
    assert conflicts(audit()) == [("angry, neutral", 5), ("fear, sad", 1)]


@pytest.mark.parametrize("near", [True, False])
def test_pictures_of_an_older_audit_too(near: bool) -> None:
    drawn = panels(audit(near))
    assert len(drawn) == 2
    for alt, panel in drawn.items():
        assert alt
        with Image.open(BytesIO(png(raster(panel, SIZE), 150))) as picture:
            assert picture.getextrema() != ((255, 255),) * len(picture.getbands())
    assert leaks(audit(near))[3]["near"] == (3 if near else None)


def test_without_an_audit() -> None:
    assert (panels({}), leaks({}), conflicts({})) == ({}, [], [])
