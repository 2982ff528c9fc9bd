"""Which instructions of the processor the libraries may use: another kernel adds in another order, so other last bits.

Each library chooses its kernels by what the processor has, when it is loaded. This module therefore imports none of
them, and is called before any is imported.
"""

import os
import platform
import sys

AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # torch's convolutions
    "MKL_CBWR": "AVX2",  # torch's matrix products and exponentials
    "OPENBLAS_CORETYPE": "Haswell",  # matrix products of NumPy and SciPy
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # NumPy's own kernels; NumPy's names
}
"""Keeps an x86-64 processor to AVX2 (FMA included), which all of them have had since about 2015."""


def limit(instructions: str) -> None:
    """Set the environment of this process and its children so that every library keeps to an instruction set.

    Args:
        instructions: `avx2`, or `native` for whatever the processor has (params.yaml: compute.instructions).

    Processors that aren't x86-64 have only the latter, whatever is asked for.
    """
    wanted = AVX2 if instructions == "avx2" and platform.machine() in ("x86_64", "AMD64") else {}
    if {name: os.environ[name] for name in AVX2 if name in os.environ} == wanted:
        return
    loaded = {"numpy", "torch"} & sys.modules.keys()
    assert not loaded, f"{', '.join(loaded)} chose its kernels before the instruction set was"
    for name in AVX2:
        os.environ.pop(name, None)
    os.environ |= wanted
