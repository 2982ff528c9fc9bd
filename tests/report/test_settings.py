"""Numbers and settings as the page writes them."""

import pytest

from ferlab.report.sections.settings import compare
from ferlab.report.words import decimal
from reports import PAPER


@pytest.mark.parametrize(
    ("value", "digits", "says"),
    [(-0.004, 2, "0.00"), (-0.31, 2, "\N{MINUS SIGN}0.31"), (0.005001, 2, "0.01"), (-0.4, 0, "0"), (12.6, 0, "13")],
)
def test_a_negative_number_has_a_minus_sign_and_zero_has_none(value: float, digits: int, says: str) -> None:
    assert decimal(value, digits) == says


def test_a_list_of_settings_is_written_out() -> None:
    """Recorded: the page showed Python's own text of the list, quotes and braces included."""
    members = [
        {"network": "vgg13", "weights": "none", "weights_sha256": None, "trained": True, "frozen": 8},
        {"network": "vgg16", "weights": "none", "weights_sha256": None, "trained": True, "frozen": 13},
    ]
    says = "network vgg13, weights none, trained True, frozen 8; network vgg16, weights none, trained True, frozen 13"
    assert ("members", "", says) in compare(PAPER, "dfsvm", {"members": members, "C": 1.0})
