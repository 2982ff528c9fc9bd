"""A data set that lies in data/, as params.yaml names it."""

from pathlib import Path

from ferlab.datasets import forms
from ferlab.datasets.fitting import fit
from ferlab.datasets.reading import Reading
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.params.data import PAPERS_OWN, Data

ADD = "`ferlab data add fer2013.zip ckplus48.zip` puts your own archives there, `ferlab data demo` the drawn faces"


def read_stored(folder: Path, data: Data, name: str) -> Reading:
    """A data set whole.

    Args:
        folder: data/.
        data: the section of params.yaml.
        name: `fer2013`, `ckplus` or one of `data.sets`.

    Raises:
        UserError: its archive is missing, isn't the one that params.yaml names, or can't be read.
    """
    path, own = folder / f"{name}.zip", data.sets.get(name)
    add = f"`ferlab data add --as {own.form} --name {name} ARCHIVE` puts it there" if own else ADD
    if not path.is_file():
        raise UserError(f"data/{path.name} is missing", where=str(folder), next_step=add)
    actual, expected = sha256_file(path), data.sha256(name)
    if actual != expected:
        raise UserError(
            f"data/{path.name} is not the file that params.yaml names: its SHA-256 is {actual}, "
            f"params.yaml says {expected}",
            where=f"params.yaml: data.{f'sets.{name}.sha256' if own else name}",
            next_step=f"if you meant to change the data: {add}, and notes the hash; else bring the file back "
            "(`dvc checkout data.dvc`)",
        )
    if own:
        # what can't be used was accepted when the archive was added, and its hash says that it is that archive
        return forms.read_as(
            path, own.form, side=data.side, classes=own.classes, channels=data.channels, allow_partial=True
        )
    assert name in PAPERS_OWN, name
    read = forms.read(path, channels=data.channels)
    reading = fit(read, side=data.side, classes=None, where=str(path), channels=data.channels)
    if reading.dataset != name:
        raise UserError(f"data/{path.name} holds {reading.form}", where=str(path), next_step=ADD)
    return reading
