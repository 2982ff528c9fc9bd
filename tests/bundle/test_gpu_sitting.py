"""What is run in a short sitting on a GPU, as far as it can be without one."""

import subprocess
from pathlib import Path

import pytest
import torch

from small import REPOSITORY

SCRIPT = REPOSITORY / "deploy" / "gpu_sitting.sh"


def sit(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", str(SCRIPT), *words], capture_output=True, text=True, check=False)


def test_without_words_it_says_how_it_is_used() -> None:
    done = sit()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: gpu_sitting.sh OUT MINUTES")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here, so it would run")
def test_without_a_gpu_it_ends_before_anything_runs(tmp_path: Path) -> None:
    done = sit(str(tmp_path), "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no GPU here" in done.stderr
    assert list(tmp_path.iterdir()) == []
