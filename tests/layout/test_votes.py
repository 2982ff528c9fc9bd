"""A study on FER+: drawn faces as fer2013.csv with a made table of votes, from the two tables to its page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ferlab.data.labels import FER_CLASSES
from ferlab.datasets.demo import PERSON, WILD, WOBBLE, sample
from ferlab.datasets.faces import draw_face
from ferlab.datasets.fitting import EIGHT
from ferlab.datasets.votes import COLUMNS
from ferlab.layout.lay import lay
from ferlab.yaml_file import read_yaml
from temporary import REPOSITORY, TemporaryProject

USAGES = {"Training": 24, "PublicTest": 6, "PrivateTest": 8}  # images of each expression
NAMES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt")
COLUMN = dict(zip(EIGHT, NAMES, strict=True))


def two_tables(folder: Path) -> tuple[Path, Path]:
    """fer2013.csv and fer2013new.csv: of ten people six or more see what is drawn, the others one other expression."""
    rng = np.random.default_rng(0)
    images, votes = ["emotion,pixels,Usage"], [f"Usage,Image name,{','.join(COLUMNS)}"]
    for usage, n in USAGES.items():
        for i in range(n):
            for label, shown in enumerate(EIGHT):
                name = f"{usage}/{shown}/{i}"
                parts = (sample(f"{name}/{k}", r) for k, r in enumerate((PERSON, WILD, WOBBLE)))
                face = draw_face(shown, *parts, noise=name)
                counts = dict.fromkeys(COLUMNS, 0)
                counts[COLUMN[EIGHT[(label + 1 + rng.integers(7)) % 8]]] = (others := int(rng.integers(5)))
                counts[COLUMN[shown]] = 10 - others
                own = FER_CLASSES.index(shown if shown in FER_CLASSES else "neutral")
                images.append(f"{own},{' '.join(map(str, face.ravel()))},{usage}")
                votes.append(f"{usage},,{','.join(map(str, counts.values()))}")
        images.append(f"0,{' '.join(map(str, rng.integers(0, 256, 48 * 48)))},{usage}")
        votes.append(f"{usage},,{','.join('0' * 9)},10")  # not a face
    paths = folder / "fer2013.csv", folder / "fer2013new.csv"
    for path, lines in zip(paths, (images, votes), strict=True):
        path.write_text("\n".join(lines) + "\n")
    return paths


def settings() -> dict[str, Any]:
    """A support vector machine, and one network that learns from the majority, from shares and from drawn labels."""
    known = json.loads(json.dumps(read_yaml(REPOSITORY / "params.yaml")))
    network = known["classifiers"]["resnet50"] | {"width": 0.0625, "epochs": 2}
    arm = known["arms"]["resnet50"] | {"tuned": False}
    names = {"majority": "resnet50", "votes": "resnet50-votes", "drawn": "resnet50-drawn"}
    return {
        "run": {"families": [], "tuned": [], "arms": dict.fromkeys(("svm", *names.values()), "none")},
        "classifiers": {
            "svm": {"max_iterations": 300},
            **{name: network | {"targets": targets} for targets, name in names.items()},
        },
        "arms": {name: arm | {"classifier": name} for name in names.values()},
    }


@pytest.mark.long  # minutes
def test_from_two_tables_to_the_page(tmp_path: Path) -> None:
    study = TemporaryProject(lay(tmp_path / "study", "").root)
    study.env["PYTHONPATH"] = str(REPOSITORY / "src")
    added = study.ferlab("data", "add", "--as", "ferplus", "--name", "plus", *map(str, two_tables(tmp_path)))
    assert "3 of 307 images are left out (not a face 3)" in added
    study.change(settings())
    study.commit("Begin")
    study.ferlab("reproduce")
    folder = study.root / "reports" / "demo"
    found = json.loads((folder / "numbers.json").read_text())["votes"]["plus"]
    assert found["arms"].keys() == {"svm", "resnet50", "resnet50-votes", "resnet50-drawn"}
    assert found["images"] == 8 * USAGES["PrivateTest"]
    assert 60 < found["limit"]["expected_percent"] < 100
    for name, row in found["arms"].items():
        assert row["expected_percent"] <= found["limit"]["expected_percent"], name
        assert row["cross_entropy"] >= found["limit"]["cross_entropy"], name
    assert json.loads((folder / "audit.json").read_text())["differences"] == []  # FER-2013's counts aren't FER+'s
    compared = json.loads((folder / "numbers.json").read_text())["forest"]["resnet50"]
    assert compared.keys() == {"resnet50-votes", "resnet50-drawn"}
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["expected_accuracy"].keys() == found["arms"].keys()
    table = pq.read_table(folder / "predictions" / "svm-0.parquet").to_pandas()
    got = table[[f"votes:{name}" for name in EIGHT]].to_numpy()
    chosen = table[list(EIGHT)].to_numpy().argmax(axis=1)
    assert found["arms"]["svm"]["expected_percent"] == round(100 * got[np.arange(len(got)), chosen].mean(), 4)
    assert "Judged by the votes" in (folder / "index.html").read_text()
    study.ferlab("verify")
    study.ferlab("ablate", "--arm", "resnet50", "--grid", "targets=majority,votes")
    assert "nothing is due" in study.ferlab("reproduce", "--dry-run")
    refused = study.ferlab("ablate", "--arm", "svm", "--set", "targets=votes", code=2)
    assert "targets" in refused
