"""Git, as it is asked about a project."""

import os
import subprocess
from pathlib import Path


def git(folder: Path, *words: str) -> str:
    """What git prints in a folder, without the last line's end. It takes no lock: others may be committing.

    Raises:
        OSError: there is no git that can be run.
        subprocess.CalledProcessError: git refused; its words are in `stderr`.
    """
    environment = os.environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")
