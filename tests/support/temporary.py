"""A real project in a temporary folder: its own source, git, DVC, MLflow store and tiny faces."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ferlab.code.source import Code
from ferlab.files import write_json
from ferlab.params import Params, load
from ferlab.params.budgets import WHOLE
from ferlab.yaml_file import dump_yaml, overlay, read_yaml

REPOSITORY = Path(__file__).parents[2]
TRACKED = ("params.yaml", "dvc.yaml", "requirements.lock", ".dvcignore", ".gitignore", "pyproject.toml")

TINY = """\
budget: tiny
compute: { threads: 1 }
run: { families: [dcgan], tuned: [resnet50], draws: [0], arms: {resnet50-dcgan: dcgan, svm: none}, seeds: [0] }
gan: { families: { dcgan: { base_channels: 2, epochs: 2 } } }
synthesis: { per_class: 4 }
classifiers: { resnet50: { width: 0.0625, epochs: 2 }, svm: { max_iterations: 300 } }
tune: { trials: 1, epochs: 1, train_fraction: 0.5, space: { batch_size: [8, 16] }, transfer: { best: 1, epochs: 1 } }
"""
"""Seconds of work; laid on params.yaml as `ferlab budget use` does."""

START = "2026-01-01T00:00:00Z"  # of the first commit, which so has one name in all of pytest's processes

PARTS = {"Training": 6, "PublicTest": 3, "PrivateTest": 4}  # images a class; of CK+: two sequences of three frames


def take_handful(demo: Path, target: Path) -> dict[str, str]:
    """Make tiny archives from the demo's, in the same layout; returns their SHA-256 by dataset."""
    members: dict[str, list[str]] = {"fer2013": [], "ckplus": []}
    for dataset, chosen in members.items():
        taken: dict[tuple[str, str], int] = defaultdict(int)
        with zipfile.ZipFile(demo / f"{dataset}.zip") as archive:
            for name in archive.namelist():
                label, stem = name.split("/")[-2:]
                split = stem.split("_")[0] if dataset == "fer2013" else "all"
                taken[label, split] += 1
                if taken[label, split] <= PARTS.get(split, 6):
                    chosen.append(name)
            with zipfile.ZipFile(target / f"{dataset}.zip", "w") as tiny:
                for name in chosen:
                    tiny.writestr(zipfile.ZipInfo(name), archive.read(name))
    return {name: hashlib.sha256((target / f"{name}.zip").read_bytes()).hexdigest() for name in members}


class TemporaryProject:
    """A project whose commands run as real processes, on its own copy of the source."""

    def __init__(self, root: Path) -> None:
        self.root = root
        hidden = ("MLFLOW_", "GIT_", "DVC_", "PYTHON")
        self.env = (
            {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(root / "src"),
                "DVC_NO_ANALYTICS": "1",
                "DVC_SITE_CACHE_DIR": str(root.parent / f"{root.name}-site-cache"),
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1",
            }
            | {f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        )

    @classmethod
    def create(cls, root: Path, data: Path | None, changes: dict[str, Any] | None = None) -> "TemporaryProject":
        """A committed project with the tiny budget, `changes` laid on it, and the archives of the folder `data`."""
        root.mkdir(parents=True)
        project = cls(root)
        for name in TRACKED:
            shutil.copyfile(REPOSITORY / name, root / name)
        shutil.copytree(REPOSITORY / "budgets", root / "budgets")
        shutil.copytree(REPOSITORY / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        write_json(root / "code.json", asdict(Code.of(root / "src" / "ferlab")))
        (root / "mlruns").mkdir()
        (root / "mlruns" / ".gitkeep").touch()
        project.change(YAML(typ="safe").load(TINY))
        project.change(changes or {})
        project.run("git", "init", "--quiet")
        project.run("dvc", "init", "--quiet")
        project.run("dvc", "config", "core.autostage", "false")
        if data:
            hashes = {f.stem: hashlib.sha256(f.read_bytes()).hexdigest() for f in data.glob("*.zip")}
            project.change({"data": {"kind": "demo", **hashes}})
            shutil.copytree(data, root / "data")
            project.run("dvc", "add", "--quiet", "data")
        project.commit("Start", at=START)
        return project

    def copy(self, root: Path, *, store: bool = True) -> "TemporaryProject":
        """The whole project elsewhere; MLflow keeps whole paths, so those are rewritten (or the store left behind)."""
        # another process may be just writing DVC's lock of the original
        left = ("rwlock*", *(() if store else ("mlflow.db", "mlruns", ".ferlab")))
        shutil.copytree(self.root, root, symlinks=True, ignore=shutil.ignore_patterns(*left))
        database = root / "mlflow.db"
        if database.exists():
            with sqlite3.connect(database) as connection:
                for table, column in (
                    ("experiments", "artifact_location"),
                    ("runs", "artifact_uri"),
                    ("logged_models", "artifact_location"),
                ):
                    connection.execute(
                        f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(self.root), str(root))
                    )
            connection.close()
        return TemporaryProject(root)

    def run(self, *words: str, code: int = 0, timeout: float = 1800) -> str:
        """Run a command to its end; returns its output. Fails unless it exits with `code`."""
        done = subprocess.run(
            words, cwd=self.root, env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )
        output = done.stdout + done.stderr
        assert done.returncode == code, f"{words}: exit code {done.returncode}, not {code}\n{output}"
        return output

    def ferlab(self, *words: str, code: int = 0) -> str:
        return self.run("ferlab", *words, code=code)

    def python(self, program: str, *words: str, code: int = 0) -> str:
        return self.run("python", "-c", program, *words, code=code)

    def repro(self, *targets: str, code: int = 0) -> str:
        return self.run("dvc", "repro", *targets, code=code)

    def start(self, *words: str, log: str = "log.txt") -> "subprocess.Popen[bytes]":
        """Start a command in a process group of its own; what it prints goes to `log` beside the project."""
        with self.beside(log).open("wb") as output:
            return subprocess.Popen(
                words, cwd=self.root, env=self.env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def beside(self, name: str) -> Path:
        return self.root.parent / f"{self.root.name}-{name}"

    def change(self, values: dict[str, Any]) -> None:
        """Lay values on params.yaml, as a budget in budgets/ would; `run.arms` may be a list of names."""
        tree = read_yaml(self.root / "params.yaml")
        values = json.loads(json.dumps(values))
        named = values.get("run", {}).get("arms", {})
        if isinstance(named, list):
            rows = {name: dict(tree["arms"][name]) | values.get("arms", {}).get(name, {}) for name in named}
            values["run"]["arms"] = {name: row["synthetic"] for name, row in rows.items()}
        overlay(tree, YAML().load(json.dumps(values)), WHOLE)
        (self.root / "params.yaml").write_text(dump_yaml(tree))

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that occurs once in a file."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path}"
        (self.root / path).write_text(text.replace(old, new))

    @property
    def params(self) -> Params:
        return load(self.root / "params.yaml")

    def commit(self, message: str, at: str | None = None) -> None:
        """Commit all there is, now or as if it were then."""
        self.run("git", "add", "--all")
        then = ("env", f"GIT_AUTHOR_DATE={at}", f"GIT_COMMITTER_DATE={at}") if at else ()
        self.run(*then, "git", "commit", "--quiet", "--allow-empty", "--message", message)

    def dirt(self) -> str:
        """What git says has changed."""
        return self.run("git", "status", "--porcelain")

    def locked(self) -> dict[str, dict[str, str]]:
        """Stage to out to MD5, as dvc.lock has them."""
        stages = read_yaml(self.root / "dvc.lock")["stages"]
        return {name: {out["path"]: out["md5"] for out in stage["outs"]} for name, stage in stages.items()}

    def written(self, *names: str, below: Path | None = None) -> dict[Path, int]:
        """Files of these names under a folder (default: .ferlab) with the times of their last writes.

        Others may write and remove them.
        """
        found = {}
        for folder, _, files in os.walk(
            below or self.root / ".ferlab"
        ):  # unlike rglob, it outlives a folder that vanishes
            for path in (Path(folder, name) for name in files if name in names):
                with contextlib.suppress(FileNotFoundError):
                    found[path] = path.stat().st_mtime_ns
        return found

    def ledger(self) -> list[dict[str, Any]]:
        path = self.root / "reports" / "tiny" / "ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def due(self) -> set[str]:
        """The stages that `dvc repro` would look at again, as `dvc status` names them."""
        from dvc.repo import Repo

        with Repo(str(self.root)) as repo:
            return {address.rpartition(":")[2] for address in repo.status()}  # seen from elsewhere it has a path too

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the MLflow store, read without MLflow."""
        connection = sqlite3.connect(f"file:{self.root / 'mlflow.db'}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


def stages_run(output: str) -> set[str]:
    """The stages that a `dvc repro` ran (not: skipped or took from the run cache)."""
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage '")}


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process's whole group, if any of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def json_in(output: str) -> Any:
    """The JSON in what a command has printed, whatever notes of stderr stand around it."""
    return json.JSONDecoder().raw_decode(output[output.index("{") :])[0]
