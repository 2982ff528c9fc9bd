"""The second sheet of generated faces, and the page's table of their quality."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.params import load
from ferlab.records.quality import ClassQuality
from ferlab.report.drawing import png, raster, read_png
from ferlab.report.faces import Wall, figure1_panel, note, samples_panel
from ferlab.report.render import build
from reports import class_quality, quality_of
from small import REPOSITORY


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (None, ("", False)),
        (class_quality(diversity=0.25, copies=1), ("diversity 0.25\n1 copy", False)),
        (class_quality(diversity=0.25, collapsed=True, copies=3), ("▲ collapsed\n0.25, 3 copies", True)),
        (class_quality(diversity=0.5), ("diversity 0.50\n0 copies", False)),
        (class_quality(diversity=None), ("", False)),
    ],
)
def test_note(known: ClassQuality | None, text: tuple[str, bool]) -> None:
    assert note(known) == text


def test_the_sheet_shows_each_face_and_marks_a_collapsed_class() -> None:
    """In colour and in words."""
    faces = np.zeros((7, 2, 48, 48), np.uint8)
    plain = dict.fromkeys(CKPLUS_CLASSES, class_quality())
    marked = plain | {"fear": class_quality(collapsed=True)}
    qualities = [quality_of(dcgan=classes).families for classes in (plain, marked)]
    wall = Wall(CKPLUS_CLASSES, 48, {})
    sheets = [raster(*samples_panel({"dcgan": faces}, quality, 2, wall)) for quality in qualities]
    assert sheets[0].shape == sheets[1].shape
    black = (sheets[0] < 40).all(axis=2).mean()
    white = np.full_like(faces, 255)
    assert black > 0.4
    assert (raster(*samples_panel({"dcgan": white}, qualities[0], 2, wall)) < 40).all(axis=2).mean() < 0.1 * black

    def colourful(sheet: np.ndarray[Any, Any]) -> int:
        return int((sheet.max(axis=2).astype(int) - sheet.min(axis=2) > 100).sum())

    assert colourful(sheets[0]) == 0
    assert colourful(sheets[1]) > 100


def test_faces_in_colour_are_shown_in_their_colours_beside_grey_ones() -> None:
    faces = np.zeros((7, 2, 48, 48, 3), np.uint8)
    faces[..., 0] = np.arange(200, 248)
    samples = {"dcgan": faces, "cgan": np.zeros((7, 2, 48, 48), np.uint8)}
    wall = Wall.of(samples, CKPLUS_CLASSES, [])
    sheet = raster(*figure1_panel(samples, wall))
    red = (sheet[..., 0] > 190) & (sheet[..., 1] < 30)
    black = sheet.max(axis=2) < 30
    assert min(red.mean(), black.mean()) > 0.2
    kept = read_png(png(sheet, 300, every_colour=True))
    np.testing.assert_array_equal(kept, sheet)


def test_grey_faces_hang_on_a_grey_wall() -> None:
    wall = Wall.of({"dcgan": np.zeros((7, 2, 48, 48), np.uint8)}, CKPLUS_CLASSES, [])
    assert wall.blank(5).shape == (5, wall.width)


def test_the_page_shows_a_family_beside_the_yardstick(tmp_path: Path) -> None:
    params = load(REPOSITORY / "params.yaml")
    judged = {name: class_quality(collapsed=name == "sad", copies=2) for name in CKPLUS_CLASSES}
    quality_of(real={"sad": class_quality()}, cgan=judged).write(tmp_path / "quality.json")
    html = build(tmp_path, params).read_text()
    table = html[html.index('aria-label="Quality of cgan"') :].split("</table>")[0]
    assert table.count("▲ collapsed") == 1
    assert table.count("<tr>") == 1 + 7 + 2
    assert "0.25 <span" in table
    assert "0.12 to 0.50" in table
    assert html.count("not run yet") >= 3
