"""The table of methods: cheap to import, true to settings and classes; one method's code is apart from another's."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any, get_args

import pytest

from ferlab.classifiers.catalogue import METHODS, create, must_see
from ferlab.code.closure import closure
from ferlab.errors import UserError
from ferlab.params import Section, load
from ferlab.records.run import RunRecord
from ferlab.testing.faces import coloured
from small import REPOSITORY, barred, dfsvm, network, svm

CLASSIFIERS = load(REPOSITORY / "params.yaml").classifiers.values()
SHARED = {"ferlab.classifiers.base"}  # the protocol


def test_it_needs_neither_torch_nor_scikit_learn() -> None:
    code = "import sys, ferlab.classifiers.catalogue; print({'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


@pytest.mark.parametrize("settings", CLASSIFIERS, ids=lambda settings: str(settings.method))
def test_what_it_says_of_a_method_is_what_its_settings_have(settings: Section) -> None:
    (name,) = get_args(type(settings).model_fields["method"].annotation)
    method, keys = METHODS[name], type(settings).model_fields.keys()
    assert method.counts_steps == ({"epochs", "batch_size"} <= keys)
    assert method.augments == ("augmentation" in keys)


@pytest.mark.parametrize(("name", "make"), [("network", network), ("svm", svm), ("dfsvm", dfsvm)])
def test_a_method_makes_its_own_class(name: str, make: Callable[[], Any]) -> None:
    assert type(create(make())).__name__ == METHODS[name].name


def test_an_svms_code_ages_no_network_nor_the_reverse() -> None:
    of_network, of_svm = (
        {module for module in closure(f"ferlab.classifiers.{METHODS[name].module}") if ".classifiers." in module}
        for name in ("network", "svm")
    )
    assert of_network & of_svm == SHARED
    assert "ferlab.classifiers.visual_words" not in of_svm
    assert {"ferlab.classifiers.fit", "ferlab.classifiers.dropout"} < of_network
    assert {"ferlab.classifiers.svm_solver", "ferlab.classifiers.features"} < of_svm


@pytest.mark.parametrize("known", [None, 1, 3])
def test_a_run_is_asked_about_faces_of_its_own_channels_alone(known: int | None) -> None:
    """One that doesn't say was trained on grey faces."""
    about: dict[str, Any] = {"arm": "svm", "seed": 0, "identity": "a", "manifest": {}, "settings": svm()}
    judged: dict[str, Any] = {"select_on": "valid", "selected_epoch": 1, "valid_accuracy": 0.5, "notes": {}}
    record = RunRecord(**about, **judged, channels=known)
    right, wrong = barred(1), coloured(barred(1))
    if known == 3:
        right, wrong = wrong, right
    must_see(record, right)
    with pytest.raises(UserError, match=r"svm-0 was trained on (grey|RGB) faces, and the images of 'train' are"):
        must_see(record, wrong)
