"""Git, as it is asked about a project."""

import os
import subprocess
from pathlib import Path

_ELSEWHERE = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"}
"""What a hook of git sets: with it git would speak of the hook's repository, whatever the folder."""


def git(folder: Path, *words: str) -> str:
    """What git prints in a folder, without the last line's end. It takes no lock: others may be committing.

    Raises:
        OSError: there is no git that can be run.
        subprocess.CalledProcessError: git refused; its words are in `stderr`.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")
