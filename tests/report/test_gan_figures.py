"""The second sheet of generated faces, and the page's table of their quality."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.params import load
from ferlab.report.drawing import raster
from ferlab.report.gan_figures import note, samples_panel
from ferlab.report.render import build
from small import REPOSITORY

FIGURE = {"value": 0.25, "low": 0.125, "high": 0.5}
KEYS = ("diversity", "kid", "fid", "precision", "recall", "density", "coverage", "label_consistency", "cas")


def figures(collapsed: bool = False, copies: int = 0) -> dict[str, Any]:
    return dict.fromkeys(KEYS, FIGURE) | {"collapsed": collapsed, "copies": copies, "samples": 9}


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({}, ("", False)),
        (figures(copies=1), ("diversity 0.25\n1 copy", False)),
        (figures(collapsed=True, copies=3), ("▲ collapsed\n0.25, 3 copies", True)),
        ({"diversity": 0.5, "copies": 0, "collapsed": False}, ("diversity 0.50\n0 copies", False)),
        (figures() | {"diversity": None}, ("", False)),
    ],
)
def test_note(known: dict[str, Any], text: tuple[str, bool]) -> None:
    assert note(known) == text


def test_the_sheet_shows_each_face_and_marks_a_collapsed_class() -> None:
    """CASE 28: in colour and in words."""
    faces = np.zeros((7, 2, 48, 48), np.uint8)
    plain = {"dcgan": dict.fromkeys(CKPLUS_CLASSES, figures())}
    marked = {"dcgan": plain["dcgan"] | {"fear": figures(collapsed=True)}}
    sheets = [raster(*samples_panel({"dcgan": faces}, quality, 2)) for quality in (plain, marked)]
    assert sheets[0].shape == sheets[1].shape
    black = (sheets[0] < 40).all(axis=2).mean()
    white = np.full_like(faces, 255)
    assert black > 0.4
    assert (raster(*samples_panel({"dcgan": white}, plain, 2)) < 40).all(axis=2).mean() < 0.1 * black

    def colourful(sheet: np.ndarray[Any, Any]) -> int:
        return int((sheet.max(axis=2).astype(int) - sheet.min(axis=2) > 100).sum())

    assert colourful(sheets[0]) == 0
    assert colourful(sheets[1]) > 100


def test_the_page_shows_a_family_beside_the_yardstick(tmp_path: Path) -> None:
    params = load(REPOSITORY / "params.yaml")
    quality = {
        "real": {"all": figures()},
        "cgan": {name: figures(name == "sad", 2) for name in CKPLUS_CLASSES}
        | {"all": figures() | {"collapsed": ["sad"], "kid": None}},
    }
    (tmp_path / "quality.json").write_text(json.dumps(quality))
    html = build(tmp_path, params).read_text()
    table = html[html.index('aria-label="Quality of cgan"') :].split("</table>")[0]
    assert table.count("▲ collapsed") == 1
    assert table.count("<tr>") == 1 + 7 + 2
    assert "0.25 <span" in table
    assert "0.12 to 0.50" in table
    assert html.count("not run yet") >= 3
