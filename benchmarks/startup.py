"""What a stage costs before it works, beside the plain way: importing torch and MLflow's client in a bare script.

    python benchmarks/startup.py [--rounds 5]

Processor seconds of a child process from start to end, medians of several starts taken in turns; a stage is started as
`ferlab stage` does it, up to where it would read its arguments. Stages that need less than torch or MLflow are held
against what they do need.
"""

import argparse
import os
import resource
import subprocess
import sys
from statistics import median

PLAIN = {
    "NumPy": "import numpy",
    "pandas": "import pandas",
    "torch": "import torch",
    "MLflow": "from mlflow import MlflowClient",
    "torch + MLflow": "import torch; from mlflow import MlflowClient",
}
"""What any script would import that holds arrays or tables, trains, tracks, or does both."""

STAGES = {
    "prepare": "NumPy",
    "mix": "pandas",
    "synthesize": "torch",
    "gan": "torch + MLflow",
    "tune": "torch + MLflow",
    "train": "torch + MLflow",
    "evaluate": "torch + MLflow",
}
"""Stage to what it is held against."""


def seconds(program: str) -> float:
    """Processor seconds, the system's included, of a child that runs a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"OMP_WAIT_POLICY": "passive"}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    programs = PLAIN | {name: f"import ferlab.cli.main, ferlab.stages.{name}" for name in STAGES}
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for round_ in range(arguments.rounds + 1):
        for name, program in programs.items():
            spent = seconds(program)
            if round_:  # the first start of each reads its files into memory
                taken[name].append(spent)
    found = {name: median(times) for name, times in taken.items()}
    for name in PLAIN:
        print(f"{name:15} {found[name]:5.2f} s")
    for name, plain in STAGES.items():
        print(f"{name:15} {found[name]:5.2f} s, {found[name] / found[plain]:5.2f} times {plain}")


if __name__ == "__main__":
    main()
