"""What a stage pays before it works: a pipeline starts it dozens of times, and a library that costs seconds adds up.

Modules are counted, not seconds: those hang on the machine and on what else it does. `benchmarks/startup.py` has them.
"""

import json
import os
import subprocess
import sys

import pytest

from ferlab.stages.table import NAMES

COSTLY = {
    "torch", "mlflow", "pandas", "scipy", "matplotlib", "sklearn", "torchvision", "skimage", "statsmodels", "optuna",
    "dvc", "jinja2",
}  # fmt: skip
TRACKING = {"mlflow", "pandas", "scipy"}
"""MLflow's client imports pandas, and that imports SciPy: beside it both are free."""

PAID: dict[str, set[str]] = {
    "prepare": set(),
    "audit": {"pandas", "scipy"},
    "gan": TRACKING | {"torch"},
    "synthesize": {"torch"},
    "code": set(),
    "settings": set(),
    "quality": {"pandas", "scipy", "skimage", "sklearn"},
    "tune": TRACKING | {"torch", "optuna", "sklearn"},
    "mix": {"pandas"},
    "train": TRACKING | {"torch"},
    "evaluate": TRACKING | {"torch"},
    "further": set(),
    "evaluate_on": TRACKING | {"torch"},
    "report": {"pandas", "scipy", "matplotlib", "sklearn", "statsmodels", "jinja2"},
}
"""Stage to the costly libraries that it may import before it knows its arguments."""

IMPORT = "import json, sys; import ferlab.cli.main, ferlab.stages.{name}; print(json.dumps(list(sys.modules)))"


def imported(name: str) -> set[str]:
    """The top-level packages that `ferlab stage name` has imported before it works."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT.format(name=name)], stdout=subprocess.PIPE, text=True, check=True
    )
    return {module.partition(".")[0] for module in json.loads(done.stdout)}


@pytest.mark.parametrize("name", NAMES)
def test_a_stage_imports_no_library_that_it_may_not_need(name: str) -> None:
    assert imported(name) & COSTLY <= PAID[name]


def test_mlflow_tells_nobody_what_is_run_here() -> None:
    """Its telemetry starts with its import unless it is switched off before."""
    program = "import ferlab.adapters.tracking, mlflow.telemetry as t; assert t.get_telemetry_client() is None"
    hidden = ("CI", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "PYTEST_CURRENT_TEST")  # each switches it off too
    env = {key: value for key, value in os.environ.items() if key not in hidden}
    subprocess.run([sys.executable, "-c", program], env=env, check=True)
