"""Conformance suites for classifiers, GAN families and readers of data sets, ferlab's own and other packages'.

A package subclasses `classifiers.ClassifierConformance`, `gans.GanConformance` or `datasets.DatasetConformance` in its
tests, says in fixtures what is tested, and pytest does the rest (docs/guide/own_parts.md). Needs pytest.
"""

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in ("classifiers", "gans", "datasets")))
