"""The suites' costlier rows."""

import pytest

COSTLY = {"bovw-local", "dfsvm-scratch", "l2svm", "l2svm-folds", "local_learning", "mapped_lbp", "two_level"}
"""Classifiers that see colour as a cheaper row does, and take longer to say so."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        of = getattr(item, "callspec", None)
        if item.name.startswith("test_faces_in_colour") and of and of.params.get("name") in COSTLY:
            item.add_marker(pytest.mark.long)
