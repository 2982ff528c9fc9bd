"""How large an archive for a node gets, by what lies here: nothing is fetched."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, files

from ferlab.code.git import git
from ferlab.project import Project


def of_packages(names: Iterable[str]) -> tuple[int, int]:
    """Bytes of these packages as they are installed here, and how many of them aren't. Wheels are smaller."""
    size = unknown = 0
    for name in names:
        try:
            size += sum(path.size or 0 for path in files(name) or ())
        except PackageNotFoundError:
            unknown += 1
    return size, unknown


def of_data(project: Project) -> int:
    """Bytes of data/."""
    return sum(path.stat().st_size for path in project.data.glob("*") if path.is_file())


def of_commit(project: Project) -> int:
    """Bytes of the files of the commit that is checked out; git compresses them."""
    listed = git(project.root, "ls-tree", "-r", "--long", "--full-tree", "HEAD")
    return sum(int(line.split(maxsplit=4)[3]) for line in listed.splitlines() if line.split(maxsplit=2)[1] == "blob")
