"""Croissant descriptions of the data sets: what is in them and who may have them, without an image.

The format is Croissant 1.0 of MLCommons (Akhtar et al. 2024, "Croissant: A Metadata Format for ML-Ready Datasets").
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferlab.crate import optional
from ferlab.datasets.forms import CKPLUS, FER2013
from ferlab.params import Params
from ferlab.records.audit import Audit

VERSION = "http://mlcommons.org/croissant/1.0"
SPLITS = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
"""Split -> how the files of FER-2013 name it."""
_URLS = {"train": "TrainingSplit", "valid": "ValidationSplit", "test": "TestSplit"}
_FOLDER = "(?:.*/)?([^/]+)/[^/]+$"  # of a path: the folder that a file lies in
RESEARCH = "Given out by its authors for research. It may not be passed on: whoever wants it asks them for it."
DRAWN = "https://spdx.org/licenses/MIT"


@dataclass(frozen=True)
class About:
    """What people know a data set by.

    Attributes:
        faces: whose they are; licence: its URL, or in words.
        source: where it is described; cited: how it is cited.
    """

    name: str
    faces: str
    licence: str
    source: str | None = None
    cited: str | None = None


ABOUT = {
    ("real", FER2013): About(
        "FER-2013",
        "faces of real persons, found on the web",
        RESEARCH,
        "https://arxiv.org/abs/1307.0414",
        "Goodfellow et al. (2013): Challenges in Representation Learning: A report on three machine learning contests",
    ),
    ("real", CKPLUS): About(
        "CK+48",
        "faces of real persons, who were filmed in a laboratory and agreed to it; the last frames of each sequence",
        RESEARCH,
        "https://doi.org/10.1109/CVPRW.2010.5543262",
        "Lucey et al. (2010): The Extended Cohn-Kanade Dataset (CK+): A complete dataset for action unit and "
        "emotion-specified expression",
    ),
    ("demo", FER2013): About("ferlab demo, as FER-2013", "faces that a program draws, of nobody", DRAWN),
    ("demo", CKPLUS): About("ferlab demo, as CK+48", "faces that a program draws, of nobody", DRAWN),
}


def about(dataset: str, params: Params) -> About:
    """What one of the two data sets is that a report rests on."""
    return ABOUT[params.data.kind, dataset]


def counts(dataset: str, audit: Audit) -> dict[str, Mapping[str, int]]:
    """Split -> class -> images; the one split of CK+48 is `all`."""
    return dict(audit.fer2013.images) if dataset == FER2013 else {"all": audit.ckplus.images}


def describe(dataset: str, params: Params, audit: Audit) -> dict[str, Any]:
    """The Croissant description of a data set, as JSON-LD: licence, the container's hash, fields, classes, counts.

    The fields are given as they lie in folders of pictures, the form in which both sets are given out.

    Args:
        dataset: `fer2013` or `ckplus`.
        params: the settings of a report, which name its data.
        audit: what was counted in them.

    Raises:
        UserError: mlcroissant isn't installed.
    """
    mlc = optional("mlcroissant")
    logging.getLogger("absl").setLevel(
        logging.ERROR
    )  # it says that a date and a version are recommended; none are known
    known, images = about(dataset, params), counts(dataset, audit)
    classes = sorted({name for row in images.values() for name, number in row.items() if number})
    total = sum(number for row in images.values() for number in row.values())
    container, pictures = f"{dataset}.zip", "pictures"

    def field(record_set: str, name: str, kind: Any, about: str, **more: Any) -> Any:
        return mlc.Field(id=f"{record_set}/{name}", name=name, description=about, data_types=[kind], **more)

    def of_path(regex: str) -> Any:
        path = mlc.Extract(file_property=mlc.FileProperty.fullpath)
        return mlc.Source(file_set=pictures, extract=path, transforms=[mlc.Transform(regex=regex)])

    def table(name: str, about: str, fields: Mapping[str, tuple[Any, str]], rows: list[dict[str, Any]]) -> Any:
        return mlc.RecordSet(
            id=name,
            name=name,
            description=about,
            fields=[field(name, key, *one) for key, one in fields.items()],
            data=[{f"{name}/{key}": value for key, value in row.items()} for row in rows],
        )

    text, integer = mlc.DataType.TEXT, mlc.DataType.INTEGER
    content = mlc.Source(file_set=pictures, extract=mlc.Extract(file_property=mlc.FileProperty.content))
    fields = [
        field("images", "image", mlc.DataType.IMAGE_OBJECT, "A grey face, 48 by 48 pixels", source=content),
        field("images", "label", text, "The folder's name, which says the expression", source=of_path(_FOLDER)),
    ]
    tables = []
    if dataset == FER2013:
        said = f"The file's name begins with its split: {', '.join(SPLITS.values())}"
        split = of_path(f".*({'|'.join(SPLITS.values())})_[^/]*$")
        fields.append(field("images", "split", text, said, source=split))
        rows = [{"name": SPLITS[one], "url": f"https://mlcommons.org/croissant/{_URLS[one]}"} for one in images]
        names = {"name": (text, "As the files name it"), "url": (mlc.DataType.URL, "What it is for")}
        tables.append(table("splits", "Training, validation and test", names, rows))
    cells: list[dict[str, Any]] = [
        {"split": SPLITS.get(split, split), "class": name, "images": row.get(name, 0)}
        for split, row in images.items()
        for name in classes
    ]
    columns = {
        "split": (text, "The split"),
        "class": (text, "The class"),
        "images": (integer, "How many images"),
    }
    tables.append(table("counts", "Images of each split and class, as ferlab counted them", columns, cells))
    tables.append(table("classes", "The expressions", {"name": (text, "")}, [{"name": name} for name in classes]))
    metadata = mlc.Metadata(
        conforms_to=[VERSION],
        name=known.name,
        description=f"{total:,} grey images of 48 by 48 pixels in {len(classes)} classes: {known.faces}.",
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
                sha256=getattr(params.data, dataset),
            ),
            mlc.FileSet(
                id=pictures,
                name=pictures,
                contained_in=[container],
                encoding_formats=["image/*"],
                includes=["**/*.jpg", "**/*.png", "**/*.pgm"],
            ),
        ],
        record_sets=[
            mlc.RecordSet(id="images", name="images", description="One record an image", fields=fields),
            *tables,
        ],
    )
    described: dict[str, Any] = metadata.to_json()
    return described
