"""Where the real archives are, for the tests that need them."""

import os
from pathlib import Path

import pytest

from small import REPOSITORY

FOLDER = Path(os.environ.get("FERLAB_REAL_DATA") or REPOSITORY.parent / "shared" / "data")


def archive(name: str) -> Path:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{path} is absent; FERLAB_REAL_DATA names another folder")
    return path
