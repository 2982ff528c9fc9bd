"""An archive of results from somewhere else: unpacked without trusting it."""

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from ferlab.errors import UserError
from ferlab.files import disk_errors, must_be_a_file

LARGEST = 2**29  # bytes that it may unpack to; a budget's results are some MB
_AGAIN = "bring it here again; run.sh leaves it on the node as OUT/results.tgz"


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of a gzipped tar archive below `folder`. Owners, modes and links aren't taken over.

    Raises:
        UserError: absent, cut off, no such archive; or a member is a link or device, would be written elsewhere or a
            second time, or is far larger than results are. It is named.
    """
    must_be_a_file(archive, _AGAIN)
    if not archive.exists():
        raise UserError("there is no such file", where=str(archive), next_step=_AGAIN)
    try:
        with disk_errors(folder), gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            total = 0
            for member in tar:
                path = PurePosixPath(member.name)
                total += member.size
                if member.isdir():
                    continue  # made where a file wants it
                if problem := _problem(member, path, folder, total):
                    raise UserError(f"{member.name} {problem}: nothing is taken from this archive", where=str(archive))
                source, target = tar.extractfile(member), folder / path
                assert source is not None
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as handle:
                    shutil.copyfileobj(source, handle)
            while stream.read(2**20):  # up to gzip's own checksum, which stands at the end
                pass
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise UserError(f"it isn't a whole archive: {error}", where=str(archive), next_step=_AGAIN) from None


def _problem(member: tarfile.TarInfo, path: PurePosixPath, folder: Path, total: int) -> str:
    """Why a member can't be one of run.sh's."""
    if not member.isfile():
        return "is no plain file"
    if path.is_absolute() or ".." in path.parts or "\\" in member.name:
        return "would be written outside of its folder"
    if total > LARGEST:
        return "makes it far larger than results are"
    if (folder / path).exists() or any(parent.is_file() for parent in (folder / path).parents):
        return "is there twice"
    return ""
