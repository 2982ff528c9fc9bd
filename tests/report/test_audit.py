"""The Data section: what it computes from audit.json."""

from io import BytesIO

from PIL import Image

from ferlab.data.labels import FER_CLASSES
from ferlab.report.drawing import png, raster
from ferlab.report.sections.data import SIZE, Leak, conflicts, leaks, panels
from reports import fer_audit


def test_leaks_by_class_and_in_all() -> None:
    rows = {row.name: row for row in leaks(fer_audit(disgust=0), FER_CLASSES)}
    assert list(rows) == [*FER_CLASSES, "all"]
    assert rows["happy"] == Leak("happy", tested=10, exact=2, near=3)
    assert rows["happy"].share == 0.2
    assert rows["disgust"] == Leak("disgust", tested=0, exact=0, near=0)
    assert rows["disgust"].share == 0
    assert rows["all"] == Leak("all", tested=60, exact=3, near=4)


def test_conflicting_labels_stand_in_the_order_of_the_classes() -> None:
    assert conflicts(fer_audit(), FER_CLASSES) == [("angry, neutral", 5), ("fear, sad", 1)]


def test_pictures() -> None:
    drawn = panels(fer_audit(), FER_CLASSES)
    assert len(drawn) == 2
    for alt, panel in drawn.items():
        assert alt
        with Image.open(BytesIO(png(raster(panel, SIZE), 150))) as picture:
            assert picture.getextrema() != ((255, 255),) * len(picture.getbands())
