"""Croissant descriptions of the data sets: what is in them and who may have them, without an image.

The format is Croissant 1.0 of MLCommons (Akhtar et al. 2024, "Croissant: A Metadata Format for ML-Ready Datasets").
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ferlab.crate import optional
from ferlab.crate.data_sets import about, form_of
from ferlab.data.colour import NAMES
from ferlab.datasets import folders
from ferlab.datasets.forms import CKPLUS, FER2013
from ferlab.params import Params
from ferlab.records.audit import Audit

VERSION = "http://mlcommons.org/croissant/1.0"
SPLITS = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
"""Split -> how the files of FER-2013 name it."""
PICTURES = "pictures"  # the files in the container
_FOR = {"train": "TrainingSplit", "valid": "ValidationSplit", "test": "TestSplit"}
_FOLDER = "(?:.*/)?([^/]+)/[^/]+$"  # of a path: the folder that a file lies in
_IN_FOLDERS = (FER2013, CKPLUS, folders.NAME)  # forms whose pictures lie in a folder of their class


def describe(dataset: str, params: Params, audit: Audit) -> dict[str, Any]:
    """The Croissant description of a data set, as JSON-LD: licence, the container's hash, fields, classes, counts.

    The fields are given as they lie in folders of pictures, the form in which FER-2013 and CK+48 are given out. Of a
    set whose labels lie elsewhere, only the image is.

    Args:
        dataset: one of `described_sets`.
        params: the settings of a report, which name its data.
        audit: what was counted in them.

    Raises:
        UserError: mlcroissant isn't installed.
    """
    mlc = optional("mlcroissant")
    logging.getLogger("absl").setLevel(logging.ERROR)  # it warns that there is no date and no version: none is known
    known, form, counts = about(dataset, params), form_of(dataset, params), _counts(dataset, params, audit)
    classes = _classes(dataset, params, counts)
    total = sum(number for row in counts.values() for number in row.values())
    size = f"{total:,} images" if total else "Images"
    side, kind, container = params.data.side, NAMES[params.data.channels], f"{dataset}.zip"
    metadata = mlc.Metadata(
        conforms_to=[VERSION],
        name=known.name,
        description=f"{size} in {len(classes)} classes: {known.faces}. ferlab reads them as {kind} faces of {side} by "
        f"{side} pixels.",
        license=[known.licence],
        url=known.source,
        cite_as=known.cited,
        personal_sensitive_information=[known.faces],
        distribution=[
            mlc.FileObject(
                id=container,
                name=container,
                description="The container as ferlab keeps it. It isn't part of this description.",
                content_url=f"data/{container}",
                encoding_formats=["application/zip"],
                sha256=params.data.sha256(dataset),
            ),
            mlc.FileSet(
                id=PICTURES,
                name=PICTURES,
                contained_in=[container],
                encoding_formats=["image/*"],
                includes=["**/*.jpg", "**/*.png", "**/*.pgm"],
            ),
        ],
        record_sets=[_images(form), *_tables(form, counts, classes)],
    )
    described: dict[str, Any] = metadata.to_json()
    return described


def _counts(dataset: str, params: Params, audit: Audit) -> dict[str, Mapping[str, int]]:
    """Split -> class -> images; empty for a set that is only tested on, which no audit counts."""
    if dataset == params.data.train:
        return dict(audit.fer2013.images)
    return {"all": audit.ckplus.images} if dataset == params.data.gans else {}


def _classes(dataset: str, params: Params, counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Those of which there are images; of a set that isn't counted, those that params.yaml names."""
    if counts:
        return sorted({name for row in counts.values() for name, number in row.items() if number})
    return list(params.data.sets[dataset].classes) if dataset in params.data.sets else []


def _images(form: str) -> Any:
    """The records: one an image, and where its fields are found in the container."""
    mlc = optional("mlcroissant")

    def field(name: str, kind: Any, said: str, regex: str = "") -> Any:
        of_file = mlc.FileProperty.fullpath if regex else mlc.FileProperty.content
        transforms = [mlc.Transform(regex=regex)] if regex else []
        source = mlc.Source(file_set=PICTURES, extract=mlc.Extract(file_property=of_file), transforms=transforms)
        return mlc.Field(id=f"images/{name}", name=name, description=said, data_types=[kind], source=source)

    fields = [field("image", mlc.DataType.IMAGE_OBJECT, "A picture of a face")]
    if form in _IN_FOLDERS:
        fields.append(field("label", mlc.DataType.TEXT, "The folder's name, which says the expression", _FOLDER))
    if form == FER2013:
        words = "|".join(SPLITS.values())
        fields.append(field("split", mlc.DataType.TEXT, "What the file's name begins with", f".*({words})_[^/]*$"))
    return mlc.RecordSet(id="images", name="images", description="One record an image", fields=fields)


def _tables(form: str, counts: Mapping[str, Mapping[str, int]], classes: Sequence[str]) -> list[Any]:
    """What is said of the whole set: its classes, its splits, and how many images there are of both."""
    tables = [_table("classes", "The expressions", [{"name": name} for name in classes])]
    if form == FER2013:
        rows = [{"name": SPLITS[split], "url": f"https://mlcommons.org/croissant/{_FOR[split]}"} for split in counts]
        tables.append(_table("splits", "Training, validation and test, as the files name them", rows))
    cells = [
        {"split": SPLITS[split] if form == FER2013 else split, "class": name, "images": row.get(name, 0)}
        for split, row in counts.items()
        for name in classes
    ]
    tables.append(_table("counts", "Images of each split and class, as ferlab counted them", cells))
    return [table for table in tables if table is not None]


def _table(name: str, said: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    """A small table that the description itself holds; None without rows."""
    if not rows:
        return None
    mlc = optional("mlcroissant")
    fields = [
        mlc.Field(
            id=f"{name}/{key}",
            name=key,
            data_types=[mlc.DataType.INTEGER if isinstance(value, int) else mlc.DataType.TEXT],
        )
        for key, value in rows[0].items()
    ]
    data = [{f"{name}/{key}": value for key, value in row.items()} for row in rows]
    return mlc.RecordSet(id=name, name=name, description=said, fields=fields, data=data)
