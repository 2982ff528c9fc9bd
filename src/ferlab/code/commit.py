"""The commit that a project stands at, and what of it no commit holds, as git tells."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ferlab.code.git import git
from ferlab.project import Project

Known = Literal["true", "false", "unknown"]

COUNTED = ("src", "dvc.yaml", "params.yaml", "requirements.lock")
"""What makes a result "dirty" while git has it uncommitted. Not data.dvc: params.yaml names the data by its hash."""


@dataclass(frozen=True)
class Commit:
    """What git knows of a project.

    Attributes:
        commit: the hash of HEAD, or "unknown".
        uncommitted: those of COUNTED that differ from it.
        reason: why the commit is unknown, in git's words where it has any; else "".
        mend: what makes it known.
    """

    commit: str
    uncommitted: tuple[str, ...] = ()
    reason: str = ""
    mend: str = ""

    @property
    def dirty(self) -> Known:
        """Whether a result of this project isn't what its commit would give."""
        return self._any(self.uncommitted)

    @property
    def code_dirty(self) -> Known:
        """The same of what is made from a budget's small files, beside which the settings lie."""
        return self._any(tuple(name for name in self.uncommitted if name != "params.yaml"))

    def _any(self, names: tuple[str, ...]) -> Known:
        if self.reason:
            return "unknown"
        return "true" if names else "false"

    def __str__(self) -> str:
        if self.reason:
            return f"unknown: {self.reason}"
        changed = f", with uncommitted changes in {', '.join(self.uncommitted)}" if self.uncommitted else ""
        return self.commit + changed


def read_commit(project: Project) -> Commit:
    """Ask git. Whatever it can't say is unknown, with the reason; it never counts as clean."""
    root = project.code_home
    try:
        prefix, head = git(root, "rev-parse", "--show-prefix", "--verify", "HEAD").split("\n")
        git(root, "ls-files", "--error-unmatch", "--", *_must_be_tracked(root))
        paths = _changed(root, prefix, *COUNTED)
    except OSError as error:
        reason = "there is no git" if isinstance(error, FileNotFoundError) else f"git can't be run: {error.strerror}"
        return Commit("unknown", reason=reason, mend="install git, and see that PATH names it")
    except subprocess.CalledProcessError as refused:
        return _unknown(root, refused)
    return Commit(head, tuple(sorted({path.split("/")[0] for path in paths})))


def uncommitted(project: Project, below: str = ".") -> list[str]:
    """Every file below a folder of the project that no commit holds as it is, new ones too; ignored ones don't count.

    Raises:
        OSError, subprocess.CalledProcessError: as `git`; never where `read_commit` knows the commit.
    """
    root = project.code_home
    return _changed(root, git(root, "rev-parse", "--show-prefix"), below)


def _changed(root: Path, prefix: str, *below: str) -> list[str]:
    words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *below)
    lines = git(root, *words).split("\0")
    return [line[3:].removeprefix(prefix) for line in lines if line]  # two letters and a blank stand before each


def _must_be_tracked(root: Path) -> list[str]:
    """Files that every project has; a repository further up that lacks them is another's."""
    return [name for name in ("dvc.yaml", "params.yaml", "src/ferlab/__init__.py") if (root / name).exists()]


def _unknown(root: Path, refused: subprocess.CalledProcessError) -> Commit:
    lines = refused.stderr.strip().splitlines() or [f"git ended with {refused.returncode}"]
    line = next((line for line in lines if line.startswith("fatal: ")), lines[0])
    said = line.partition(": ")[2] or line  # without git's own "fatal: "
    if "dubious ownership" in said:
        return Commit("unknown", reason=said, mend=f"git config --global --add safe.directory {root}")
    if "did not match any file" in said:
        said = "the git repository that holds this folder doesn't track this project"
    elif "single revision" in said:
        return Commit("unknown", reason="nothing has been committed yet", mend="commit this project")
    return Commit("unknown", reason=said, mend="work in a clone of the repository, or `git init` here and commit")
