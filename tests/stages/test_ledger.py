"""What a process tells of itself: instruction set, libraries, and what isn't installed as locked."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from ferlab.code.source import SOURCE, Code
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.project import Project
from ferlab.stages.ledger import circumstances, circumstances_of_training, differences, note_training
from ferlab.training.instructions import AVX2
from temporary import REPOSITORY, TemporaryProject


def test_circumstances(untouched: TemporaryProject) -> None:
    told = circumstances(Project(untouched.root), "avx2", "cpu")
    assert told.commit == untouched.run("git", "rev-parse", "HEAD").strip()
    assert told.package == Code.of(SOURCE).package
    assert told.lock == sha256_file(untouched.root / "requirements.lock")
    assert told.machine.gpu is None
    assert told.machine.python == platform.python_version()
    assert told.libraries
    assert told.libraries.torch == torch.__version__
    assert told.instructions
    if platform.machine() == "x86_64":
        assert told.instructions.variables == {name: os.environ[name] for name in AVX2}
        assert told.instructions.torch == "AVX2"
        assert {name.split()[-1] for name in told.instructions.blas} == {"Haswell"}


def test_what_a_training_ran_with_is_kept_until_it_is_evaluated(tmp_path: Path, untouched: TemporaryProject) -> None:
    told = circumstances(Project(untouched.root), "native", "cpu")
    assert circumstances_of_training(Project(tmp_path), "abc") is None
    note_training(Project(tmp_path), "abc", told)
    assert circumstances_of_training(Project(tmp_path), "abc") == told
    assert circumstances_of_training(Project(tmp_path), "abd") is None


def test_differences_to_a_lock(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lines = [
        f"numpy=={version('numpy')}",
        "Scikit_Learn==0.1",
        "no-such-package==1.0",
        "no-such-on-windows==1.0 ; sys_platform == 'win32'",
        f"packaging[extra]=={version('packaging')} ; python_full_version >= '3.11'",
    ]
    lock.write_text("\n".join(lines) + "\n")
    wanted = {"scikit-learn": ("0.1", version("scikit-learn")), "no-such-package": ("1.0", None)}
    assert differences(lock) == wanted


def test_without_a_lock_everything_is_a_difference(tmp_path: Path) -> None:
    everything = differences(tmp_path / "absent.lock")
    assert everything["numpy"] == (None, version("numpy"))
    assert len(everything) > 50


def test_the_projects_own_lock_is_understood() -> None:
    locked = [line.partition("==")[0] for line in (REPOSITORY / "requirements.lock").read_text().splitlines()]
    assert set(differences(REPOSITORY / "requirements.lock")) <= set(locked)


def test_a_lock_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("numpy == \n")
    with pytest.raises(UserError, match="names no package"):
        differences(tmp_path / "requirements.lock")
