"""What a cluster costs a run: tiny questions answered side by side here, and on a Ray cluster of this machine.

    python benchmarks/cluster.py [--runs 200] [--jobs 2]

In two copies of one temporary project on the demo's faces, `ferlab ablate` asks for so many settings of the support
vector machine on pixels: by `--jobs` alone, and by `--on ray` with as many jobs. Each is then asked again, when all is
answered: what `--on ray` takes longer then is the cluster's start and end, which all runs share. It prints the seconds
that both take, how much longer a run takes on the cluster apart from that, and whether any answer, or any training in
MLflow, is lost, doubled or another. It ends with code 1 if one is.
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
    words = ["ferlab", "--quiet", "ablate", "--arm", "svm", "--grid", grid, "--seeds", "1", *how]
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
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    runs, jobs = arguments.runs, str(arguments.jobs)
    with tempfile.TemporaryDirectory() as name:
        here, there = Path(name) / "here", Path(name) / "there"
        here.mkdir()
        make_project(here)
        shutil.copyfile(ROOT / check.NAME, here / check.NAME)
        shutil.copytree(here, there, symlinks=True)
        local = asked(here, runs, "--jobs", jobs)
        cluster = asked(there, runs, "--on", "ray", "--jobs", jobs)
        begin = asked(there, runs, "--on", "ray", "--jobs", jobs) - asked(here, runs, "--jobs", jobs)
        each = (cluster - begin - local) * arguments.jobs / runs
        ours, theirs = answers(here), answers(there)
        lost, others = (
            len(ours.keys() - theirs.keys()),
            sum(ours[name] != theirs[name] for name in ours.keys() & theirs.keys()),
        )
        counts = trained(here), trained(there)
        print(f"{runs} runs, {jobs} side by side: {local:.0f} s here, {cluster:.0f} s on the cluster")
        print(f"of those the cluster's start and end: {begin:.0f} s")
        print(f"overhead apart from that: {each:+.2f} s a run, {each / 60:+.1%} of a run of a minute")
        print(f"answers: {len(ours)} here, {len(theirs)} there; lost: {lost}, with other predictions: {others}")
        print(f"trainings in MLflow, distinct, finished: {counts[0]} here, {counts[1]} there; each must be {runs}")
        if lost or others or len(ours) != runs or counts != ((runs,) * 3,) * 2:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
