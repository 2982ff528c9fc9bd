"""Which processor's golden records hold here.

MKL, with which torch multiplies matrices, has other kernels on other makers' processors, so other last bits.
"""

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"


def maker() -> str:
    """As the processor calls its maker, e.g. `GenuineIntel`; `unknown` where Linux doesn't say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split()[-1] for line in lines if line.startswith("vendor_id")), "unknown")


def on_record(name: str) -> Any:
    """What tests/golden/ holds of this maker's processors; skips the module where it holds nothing."""
    path = GOLDEN / maker() / name
    if not path.is_file():
        pytest.skip(f"no golden record of processors of {maker()}", allow_module_level=True)
    return json.loads(path.read_text())
