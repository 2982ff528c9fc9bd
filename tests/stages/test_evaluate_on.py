"""Another data set's images, as a run knows them. tests/layout/test_study.py runs the stage."""

import numpy as np
import pytest

from ferlab.errors import UserError
from ferlab.stages.evaluate_on import known_to
from small import barred


def test_classes_are_matched_by_name_and_unknown_ones_left_out() -> None:
    images = barred(2, classes=("happy", "contempt", "sad"))
    known = known_to(("sad", "neutral", "happy"), images)
    assert known.classes == ("sad", "neutral", "happy")
    assert [known.classes[label] for label in known.labels] == ["happy", "sad", "happy", "sad"]
    assert np.array_equal(known.images, images.images[[0, 2, 3, 5]])


def test_no_class_in_common() -> None:
    with pytest.raises(UserError, match="none of which this run knows"):
        known_to(("sad", "neutral"), barred(1, classes=("calm", "cross")))
