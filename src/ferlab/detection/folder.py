"""The picture files that a user means."""

import os
from collections.abc import Iterable
from pathlib import Path

Problem = tuple[Path, str]
"""What can't be read, and why."""


def files_of(paths: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    """Files as they are; of a folder all files in it and below, by name.

    Hidden files and folders are skipped, links to folders aren't followed.

    Returns:
        the files, and the folders that can't be read or hold none.
    """
    files, problems = list[Path](), list[Problem]()
    for path in paths:
        try:
            is_folder = path.is_dir()
        except OSError as error:  # a name that is too long
            problems.append((path, error.strerror or str(error)))
            continue
        if not is_folder:
            files.append(path)
            continue
        unread, below = list[OSError](), list[Path]()
        for place, folders, names in os.walk(path, onerror=unread.append):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below += [Path(place, name) for name in names if not name.startswith(".")]
        problems += [(Path(error.filename), error.strerror or str(error)) for error in unread]
        if not below and not unread:
            problems.append((path, "is a folder that holds no files"))
        files += sorted(below)
    return files, problems
