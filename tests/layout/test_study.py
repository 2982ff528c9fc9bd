"""A whole study on drawn faces of another size and with other classes, outside the checkout."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from ferlab.datasets.demo import PERSON, POSED, WILD, WOBBLE, Ranges, sample
from ferlab.datasets.faces import draw_face
from ferlab.evaluation.predictions import read
from ferlab.layout.lay import lay
from temporary import REPOSITORY, TemporaryProject

MOODS = {"calm": "neutral", "cross": "angry", "delighted": "happy"}
"""Folder of a class -> what its faces show."""

SMALL = {
    "run": {"families": ["dcgan"], "tuned": [], "arms": ["resnet50-dcgan", "svm"]},
    "gan": {"families": {"dcgan": {"base_channels": 2, "epochs": 2}}},
    "synthesis": {"per_class": 4},
    "classifiers": {"resnet50": {"width": 0.0625, "epochs": 1}, "svm": {"max_iterations": 300}},
    "arms": {"resnet50-dcgan": {"tuned": False}},
}


def draw(folder: Path, taken: Ranges, number: int, white: str = "white") -> Path:
    """So many pictures of each mood, 64 pixels a side and of mode RGB; bright parts are of a colour."""
    for mood, expression in MOODS.items():
        (folder / mood).mkdir(parents=True)
        for i in range(number):
            name = f"{folder.name}/{mood}/{i}"
            person, moment, wobble = (sample(f"{name}/{k}", r) for k, r in enumerate((PERSON, taken, WOBBLE)))
            face = Image.fromarray(draw_face(expression, person, moment, wobble, noise=name))
            ImageOps.colorize(face.resize((64, 64)), "black", white).save(folder / mood / f"{i}.png")
    return folder


def ledger(study: TemporaryProject) -> list[dict[str, Any]]:
    path = study.root / "reports" / "demo" / "ledger.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.long  # minutes
def test_from_init_to_the_page_without_touching_the_code(tmp_path: Path) -> None:
    study = TemporaryProject(lay(tmp_path / "study", "").root)
    study.env["PYTHONPATH"] = str(REPOSITORY / "src")
    own, other = draw(tmp_path / "moods", WILD, 30), draw(tmp_path / "laboratory", POSED, 5)
    study.ferlab("data", "add", "--as", "folder", "--side", "32", str(own))
    study.change(SMALL)
    study.commit("Begin")
    study.ferlab("reproduce")
    trained = {line["identity"] for line in ledger(study)}
    study.ferlab("data", "add", "--as", "folder", "--for", "tests", str(other))
    study.change({"run": {"arms": ["resnet50-dcgan", "svm", "null_model"]}})
    study.ferlab("reproduce")  # what has run stays; a set that nobody learns from is no other data
    assert trained < {line["identity"] for line in ledger(study)}
    assert len(ledger(study)) == 3
    folder = study.root / "reports" / "demo"
    numbers = json.loads((folder / "numbers.json").read_text())
    assert set(numbers["elsewhere"]["laboratory"]) == {"resnet50-dcgan", "svm", "null_model"}
    assert numbers["elsewhere"]["laboratory"]["svm"]["images"] == 15
    page = (folder / "index.html").read_text()
    assert all(mood in page for mood in MOODS)
    assert "FER-2013" not in page
    study.ferlab("verify")
    assert "moods" in study.ferlab("trace", "svm-0")
    assert "moods" in study.ferlab("data", "show")
    assert "fer2013" not in study.run("ferlab", "doctor")
    study.ferlab("train", "svm")
    study.ferlab("ablate", "--arm", "svm", "--grid", "C=0.01,0.1")
    assert "nothing is due" in study.ferlab("reproduce", "--dry-run")


@pytest.mark.long  # minutes
def test_a_study_in_colour_from_init_to_its_page_and_an_answer(tmp_path: Path) -> None:
    study = TemporaryProject(lay(tmp_path / "study", "").root)
    study.env["PYTHONPATH"] = str(REPOSITORY / "src")
    own = draw(tmp_path / "moods", WILD, 30, "peachpuff")
    study.ferlab("data", "add", "--as", "folder", "--side", "32", "--channels", "3", str(own))
    study.change(SMALL | {"gan": {"families": {"dcgan": {"base_channels": 8, "epochs": 60, "critic_norm": "batch"}}}})
    study.change({"run": {"arms": ["resnet50-dcgan", "svm", "null_model"]}})
    study.commit("Begin")
    study.ferlab("reproduce")
    folder = study.root / "reports" / "demo"
    samples = np.load(folder / "samples" / "dcgan.npy")
    assert samples.shape == (3, 4, 32, 32, 3)
    red, _, blue = samples.reshape(-1, 3).mean(axis=0)
    assert red > blue + 10, "of peach's colour"
    figure = np.asarray(Image.open(folder / "figure1.png").convert("RGB")).astype(int)
    assert (figure[..., 0] - figure[..., 2] > 10).mean() > 0.1
    assert read(folder / "predictions" / "null_model-0.parquet").channels == 3
    assert "RGB images of 32x32" in study.ferlab("data", "show")
    study.ferlab("verify")
    shown = next((own / "calm").iterdir())
    said = [answer(study, path) for path in (shown, in_grey(shown))]
    assert [one["how"] for one in said] == ["whole", "whole"]
    assert said[0]["faces"][0]["probabilities"] != said[1]["faces"][0]["probabilities"], "its colour counts"


def in_grey(path: Path) -> Path:
    grey = path.with_suffix(".bmp")
    Image.open(path).convert("L").save(grey)
    return grey


def answer(study: TemporaryProject, path: Path) -> dict[str, Any]:
    output = study.ferlab("predict", "--run", "resnet50-dcgan-0", "--whole", "--json", str(path))
    said, _ = json.JSONDecoder().raw_decode(output)  # what is noted follows it
    return dict(said["pictures"][0])
