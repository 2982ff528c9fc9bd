"""What a cluster costs a run: tiny questions answered side by side here, and on a Ray cluster of this machine.

    python benchmarks/cluster.py [--runs 200] [--here 40] [--jobs 2]

In two copies of one temporary project on the demo's faces, `ferlab ablate` asks for so many settings of the support
vector machine on pixels: by `--on ray`, and for the first of them by `--jobs` alone, with as many side by side. It
prints the seconds that both take, apart from the cluster's start how much longer a run takes there, and whether each
answer is there once, with the same predictions as here, and each training once in MLflow.
"""

import argparse
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

from ablation import make_project
from ferlab.code import check

ROOT = Path(__file__).parents[1]
TRAINED = """
    SELECT count(*), count(DISTINCT t.value), sum(r.status = 'FINISHED') FROM runs r
    JOIN tags s ON s.run_uuid = r.run_uuid AND s.key = 'stage' AND s.value = 'train'
    JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'ferlab.identity'
"""


def asked(root: Path, runs: int, *how: str) -> float:
    """Seconds that a question of so many runs takes."""
    grid = "C=" + ",".join(f"{0.001 * (1 + i):.3f}" for i in range(runs))
    words = ["ferlab", "--quiet", "ablate", "--arm", "svm", "--grid", grid, "--seeds", "1", "--yes", *how]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
    begun = time.perf_counter()
    done = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - begun


def answers(root: Path) -> dict[str, bytes]:
    folder = root / ".ferlab" / "ablation" / "answers"
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/valid.parquet")}


def trained(root: Path) -> tuple[int, int, int]:
    """Trainings in MLflow, distinct ones, and finished ones."""
    with closing(sqlite3.connect(root / "mlflow.db")) as connection:
        return tuple(connection.execute(TRAINED).fetchone())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--here", type=int, default=40, help="of them without a cluster")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    runs, few, jobs = arguments.runs, min(arguments.here, arguments.runs), str(arguments.jobs)
    with tempfile.TemporaryDirectory() as name:
        here, there = Path(name) / "here", Path(name) / "there"
        here.mkdir()
        make_project(here)
        shutil.copyfile(ROOT / check.NAME, here / check.NAME)
        shutil.copytree(here, there, symlinks=True)
        local = asked(here, few, "--jobs", jobs)
        cluster = asked(there, runs, "--on", "ray", "--jobs", jobs)
        begin = asked(there, runs, "--on", "ray", "--jobs", jobs) - asked(here, few, "--jobs", jobs)
        each = arguments.jobs * ((cluster - begin) / runs - local / few)
        ours, theirs = answers(here), answers(there)
        others = sum(predictions != theirs.get(name) for name, predictions in ours.items())
        counts = trained(here), trained(there)
        print(f"{jobs} side by side: {few} runs in {local:.0f} s here, {runs} in {cluster:.0f} s on the cluster")
        print(f"of those the cluster's start and end: {begin:.0f} s")
        print(f"overhead apart from that: {each:+.2f} s a run, {each / 60:+.1%} of a run of a minute")
        print(f"answers: {len(ours)} here, {len(theirs)} there; with other predictions: {others}")
        print(f"trainings in MLflow, distinct, finished: {counts[0]} here, {counts[1]} there")
        if others or (len(ours), len(theirs)) != (few, runs) or counts != ((few,) * 3, (runs,) * 3):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
