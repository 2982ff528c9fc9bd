"""The data sets' descriptions: what mlcroissant accepts, and what it then reads out of folders of pictures."""

import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pytest
from etils import epath
from PIL import Image

from ferlab.crate.croissant import SPLITS, describe
from ferlab.crate.data_sets import described_sets
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.files import sha256_file
from ferlab.params import Params
from ferlab.params.data import Data
from ferlab.records.audit import Audit, AuditedData, CkplusAudit
from reports import fer_audit, make_params

pytestmark = [  # mlcroissant 1.1's own
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]
ROWS = {"train": 3, "valid": 1, "test": 2}
"""Images a class of FER-2013; CK+48 has two."""


def audit(kind: Any) -> Audit:
    counts = dict.fromkeys(CKPLUS_CLASSES, 2)
    fer = fer_audit().model_copy(
        update={"images": {split: dict.fromkeys(FER_CLASSES, number) for split, number in ROWS.items()}}
    )
    ckplus = CkplusAudit(images=counts, sequences=counts, subjects=9, sequences_in_two_classes=0)
    return Audit(data=AuditedData(kind=kind), fer2013=fer, ckplus=ckplus, differences=())


def described(dataset: str, kind: str = "real") -> dict[str, Any]:
    return describe(dataset, make_params([0], "trial", kind), audit(kind))


@pytest.mark.parametrize(("dataset", "kind"), [("fer2013", "real"), ("ckplus", "real"), ("fer2013", "demo")])
def test_it_is_valid_and_names_hash_licence_classes_and_counts(dataset: str, kind: str) -> None:
    tree = described(dataset, kind)
    read = mlcroissant.Dataset(json.loads(json.dumps(tree))).metadata
    assert read.ctx.issues.errors == set()
    container, pictures = read.distribution
    assert container.sha256 == getattr(make_params([0]).data, dataset)
    assert (pictures.id, pictures.contained_in) == ("pictures", [f"{dataset}.zip"])
    tables = {table.id: table for table in read.record_sets}
    classes = FER_CLASSES if dataset == "fer2013" else CKPLUS_CLASSES
    assert [row["classes/name"] for row in tables["classes"].data] == sorted(classes)
    counts = {(row["counts/split"], row["counts/class"]): row["counts/images"] for row in tables["counts"].data}
    splits = {SPLITS[name]: number for name, number in ROWS.items()} if dataset == "fer2013" else {"all": 2}
    assert counts == {(split, name): number for split, number in splits.items() for name in classes}
    research = "may not be passed on" in str(read.license)
    assert research == ("real persons" in str(read.personal_sensitive_information)) == (kind == "real")


def write_pictures(path: Path, dataset: str) -> None:
    """A container in the form in which the set is given out."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in FER_CLASSES if dataset == "fer2013" else CKPLUS_CLASSES:
            if dataset == "fer2013":
                stems = [
                    f"{'train' if s == 'train' else 'test'}/{name}/{SPLITS[s]}_{i}.jpg"
                    for s in ROWS
                    for i in range(ROWS[s])
                ]
            else:
                stems = [f"CK+48/{name}/S010_004_{i:08d}.png" for i in range(2)]
            for stem in stems:
                with io.BytesIO() as file:
                    Image.fromarray(np.zeros((48, 48), np.uint8)).save(file, "JPEG" if "jpg" in stem else "PNG")
                    archive.writestr(stem, file.getvalue())


@pytest.mark.parametrize("dataset", ["fer2013", "ckplus"])
def test_its_fields_find_image_label_and_split(dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacks_to = "mlcroissant._src.operation_graph.operations.extract.EXTRACT_PATH"
    monkeypatch.setattr(unpacks_to, epath.Path(tmp_path / "unpacked"))  # else a cache in the user's home, by name
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / f"{dataset}.zip"
    write_pictures(path, dataset)
    params: Params = make_params([0], "trial", "real")
    params = params.model_copy(update={"data": params.data.model_copy(update={dataset: sha256_file(path)})})
    file = tmp_path / "croissant.json"
    file.write_text(json.dumps(describe(dataset, params, audit("real"))))
    found: Counter[tuple[str, ...]] = Counter()
    for record in mlcroissant.Dataset(str(file)).records("images"):
        with record["images/image"] as picture:
            assert picture.size == (48, 48)
        found[tuple(record[f"images/{key}"].decode() for key in ("split", "label") if f"images/{key}" in record)] += 1
    if dataset == "fer2013":
        assert found == {(SPLITS[split], name): number for split, number in ROWS.items() for name in FER_CLASSES}
    else:
        assert found == {(name,): 2 for name in CKPLUS_CLASSES}


def test_a_set_of_ones_own_is_described_by_what_is_known_of_it() -> None:
    """Its labels may lie where no folder says them, nobody has counted a set that is only tested on."""
    sets = {
        "ours": {"form": "folder", "sha256": "ab" * 32, "classes": ["calm", "cross"]},
        "raf": {"form": "rafdb", "sha256": "cd" * 32, "classes": ["happy", "sad", "angry"]},
    }
    params = make_params([0], "trial", "real")
    data = Data.model_validate(params.data.model_dump() | {"sets": sets, "train": "ours", "side": 64})
    run = params.run.model_copy(update={"evaluate_on": ["raf"]})
    params = params.model_copy(update={"data": data, "run": run})
    counts = audit("real")
    counts = counts.model_copy(
        update={"fer2013": counts.fer2013.model_copy(update={"images": {"train": {"calm": 5, "cross": 7}}})}
    )
    assert described_sets(params) == ("ours", "ckplus", "raf")
    ours, raf = (mlcroissant.Dataset(describe(name, params, counts)).metadata for name in ("ours", "raf"))
    assert "12 images in 2 classes" in ours.description
    assert "64 by 64 pixels" in ours.description
    assert "Images in 3 classes" in raf.description
    assert raf.name == "RAF-DB (basic)"
    assert "may not be passed on" in str(raf.license)
    assert "doesn't know" in str(ours.license)
    assert [field.name for field in ours.record_sets[0].fields] == ["image", "label"]
    assert [field.name for field in raf.record_sets[0].fields] == ["image"]
    assert {table.id for table in raf.record_sets} == {"images", "classes"}
