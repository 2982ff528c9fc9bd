"""data/: two container files, one a dataset, replaced together or not at all."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ferlab.data import forms
from ferlab.data.forms import CKPLUS, FER2013, Form
from ferlab.errors import UserError
from ferlab.files import atomic_folder, sha256_file

DATASETS = (FER2013, CKPLUS)


@dataclass(frozen=True)
class Found:
    """An archive that was read whole: its form, its counts, and how they differ from the published dataset's."""

    path: Path
    form: Form
    counts: dict[str, dict[str, int]]
    differences: list[str]


def examine(paths: Sequence[Path], allow_partial: bool) -> dict[str, Found]:
    """Read archives whole and check their counts; nothing is changed.

    Returns:
        What was found, by dataset (`fer2013`, `ckplus`).

    Raises:
        UserError: an archive is absent, cut off, neither dataset, the second of its dataset, or its counts differ from
            the published ones and `allow_partial` is False.
    """
    found: dict[str, Found] = {}
    for path in paths:
        form, sets = forms.read(path)
        if form.dataset in found:
            raise UserError(
                f"both {found[form.dataset].path.name} and {path.name} hold {form.dataset}",
                where=str(path),
                next_step="give one archive of FER-2013 and one of CK+48",
            )
        counts = {split: images.counts() for split, images in sets.items()}
        found[form.dataset] = Found(path, form, counts, forms.differences(form.dataset, sets))
        if found[form.dataset].differences and not allow_partial:
            raise UserError(
                f"{form.name}: the counts are not the published ones:\n  "
                + "\n  ".join(found[form.dataset].differences),
                where=str(path),
                next_step="get the whole archive, or accept this one as it is with --allow-partial",
            )
    return found


def install(archives: dict[str, Path], folder: Path) -> dict[str, str]:
    """Put copies of both archives into `folder` in the place of what is there, all or nothing.

    Returns:
        SHA-256 by dataset.
    """
    assert set(archives) == set(DATASETS)
    with atomic_folder(folder) as fresh:
        for dataset, path in archives.items():
            shutil.copyfile(path, fresh / f"{dataset}.zip")
    return {dataset: sha256_file(folder / f"{dataset}.zip") for dataset in DATASETS}
