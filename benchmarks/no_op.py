"""What `dvc repro` and `ferlab reproduce` take where nothing is due, beside a bare start of DVC.

    python benchmarks/no_op.py [BUDGET ...] [--rounds 3]

A clone of this checkout's commit gets a small placeholder for each out that its budget declares, and `dvc commit` notes
them: to DVC the pipeline is finished then, as it never looks into an out. Real outs are larger, but are hashed once and
known by their time of change after that.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("budgets", nargs="*", default=["demo", "design"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for budget in arguments.budgets:
        with tempfile.TemporaryDirectory() as folder:
            stages = finished(Path(folder) / "clone", budget)
            commands = {
                "dvc --version": ["dvc", "--version"],
                "dvc repro": ["dvc", "repro"],
                "ferlab reproduce": ["ferlab", "--quiet", "reproduce"],
            }
            taken = {name: rounds(words, Path(folder) / "clone", arguments.rounds) for name, words in commands.items()}
        for name, seconds in taken.items():
            ratio = seconds / taken["dvc --version"]
            print(f"{budget}, {stages} stages: {name:16} {seconds:5.2f} s, {ratio:5.1f} bare starts of DVC")


def finished(clone: Path, budget: str) -> int:
    """Make a clone in which DVC takes a budget's pipeline for finished; return its number of stages."""
    subprocess.run(["git", "clone", "--quiet", str(HERE), str(clone)], check=True)
    run(["ferlab", "data", "demo", "--if-missing"], clone)
    run(["ferlab", "budget", "use", budget], clone)
    program = (
        "from dvc.repo import Repo\n"
        "from pathlib import Path\n"
        "stages = [stage for stage in Repo('.').index.stages if stage.is_repo_import is False and stage.cmd]\n"
        "paths = [Path(item.fs_path) for stage in stages for item in (*stage.outs, *stage.deps) if item.fs_path]\n"
        "for path in (path for path in paths if not path.exists()):\n"
        "    file = path if path.suffix else path / 'placeholder'\n"
        "    file.parent.mkdir(parents=True, exist_ok=True)\n"
        "    file.write_text(path.name)\n"
        "print(len(stages))"
    )
    number = int(run([sys.executable, "-c", program], clone))
    run(["dvc", "commit", "--force"], clone)
    return number


def rounds(words: list[str], clone: Path, number: int) -> float:
    """Median seconds of a command, after one start that isn't counted."""
    taken = []
    for _ in range(number + 1):
        began = time.monotonic()
        run(words, clone)
        taken.append(time.monotonic() - began)
    return median(taken[1:])


def run(words: list[str], clone: Path) -> str:
    env = os.environ | {"PYTHONPATH": str(clone / "src"), "OMP_WAIT_POLICY": "passive", "DVC_NO_ANALYTICS": "1"}
    ended = subprocess.run(words, cwd=clone, env=env, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


if __name__ == "__main__":
    main()
