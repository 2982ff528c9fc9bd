"""There and back: a bundle runs where there is no network, and its results come home."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from ferlab.bundle.pack import ROOM
from temporary import TemporaryProject

LACKS = {"dvc": "dvc", "hydra-core": "hydra", "omegaconf": "omegaconf", "antlr4-python3-runtime": "antlr4"}
"""What the node lacks, and how it is imported: each needs the next, and the last comes as source alone."""

NOWHERE = "http://127.0.0.1:9/simple"


class Node:
    """An environment of its own that has what ours has, but for LACKS, and no index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        subprocess.run([sys.executable, "-m", "venv", str(root / "venv")], check=True)
        self.python = root / "venv" / "bin" / "python3"
        (root / "packages").mkdir()
        hidden = {file.parts[0] for name in LACKS for file in distribution(name).files or []}
        for path in Path(sysconfig.get_path("purelib")).iterdir():
            if path.name not in hidden:
                (root / "packages" / path.name).symlink_to(path)
        folder = subprocess.run(
            [self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        (Path(folder) / "has.pth").write_text(f"{root / 'packages'}\n")
        kept = ("HOME", "LANG", "OMP_WAIT_POLICY", "TMPDIR")
        self.env = {key: value for key, value in os.environ.items() if key in kept} | {
            "PATH": os.pathsep.join([str(self.python.parent), os.defpath]),
            "PIP_INDEX_URL": NOWHERE,
            "PIP_CONFIG_FILE": os.devnull,
            "DVC_SITE_CACHE_DIR": str(root / "site-cache"),
        }

    def run(self, *words: str | Path, code: int = 0) -> str:
        done = subprocess.run(words, cwd=self.root, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node(tmp_path_factory.mktemp("node"))


def test_the_node_of_these_tests_lacks_what_it_should(node: Node) -> None:
    for module in LACKS.values():
        assert "ModuleNotFoundError" in node.run(node.python, "-c", f"import {module}", code=1)
    node.run(node.python, "-c", "import torch, mlflow, numpy")


@pytest.mark.long  # a whole pipeline, and wheels from the index that pip is set to here
@pytest.mark.timeout(5400)
def test_a_bundle_runs_without_an_index_and_its_results_come_home(
    node: Node, fresh: TemporaryProject, finished: TemporaryProject
) -> None:
    """In two sittings, the first cut short; by parts of a size; the same results as here."""
    have = fresh.beside("have.txt")
    have.write_text(node.run(node.python, "-m", "pip", "list", "--path", str(node.root / "packages")))
    file = fresh.beside("node.tar")
    said = fresh.ferlab("bundle", str(file), "--data", "--have", str(have), "--part-size", "500K")
    assert f"wheels: {len(LACKS)} for Python" in said
    assert "data: 0 MiB, packed" in said
    assert not file.exists()
    parts = sorted(file.parent.glob(f"{file.name}.*"))
    assert len(parts) > 1
    assert max(part.stat().st_size for part in parts) <= 500 * 2**10
    for part in parts:
        shutil.copy(part, node.root)
    (told,) = (line.partition("on the node: ")[2] for line in said.splitlines() if "on the node: " in line)
    unpack, _, run = told.rpartition(" && ")
    node.run("sh", "-c", unpack)
    command, out = node.root / run.split()[0], node.root / "out"
    assert "to go; the same command continues" in node.run(command, out, "20s", "2", code=3)
    assert (out / "results.tgz").stat().st_size
    node.run(command, out, "30m", "2", "--resume")
    site = node.root / ROOM / "site"
    assert {module for module in LACKS.values() if (site / module).is_dir()} == set(LACKS.values())
    with tarfile.open(out / "results.tgz") as tar:
        assert sum(member.size for member in tar) < 2**22
        assert "./logs/run.log" in tar.getnames()

    assert "2 new results" in fresh.ferlab("bring", str(out / "results.tgz"))
    fresh.ferlab("report")
    assert "reports/tiny/: follows from its files" in fresh.ferlab("verify")
    keys = ("identity", "predictions", "commit", "dirty", "test_accuracy", "package")
    ours, theirs = ({tuple(line[key] for key in keys) for line in project.ledger()} for project in (finished, fresh))
    assert ours == theirs
    for path in sorted((finished.root / "reports" / "tiny" / "valid").iterdir()):
        assert path.read_bytes() == (fresh.root / path.relative_to(finished.root)).read_bytes()
