"""A study on other faces, of another size and with other classes: its page, with a paper of its own and with none."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ferlab.evaluation import predictions
from ferlab.papers import Paper, read_paper
from ferlab.params import Params, check
from ferlab.records.audit import Audit, AuditedData, CkplusAudit, Copies, Duplicates, FerAudit, Groups
from ferlab.report.drawing import read_png
from ferlab.report.evidence import Evidence
from ferlab.report.page import Album
from ferlab.report.render import build
from ferlab.report.sections import figure1, votes
from ferlab.report.summary import summary
from ferlab.training.identity import Identity
from reports import class_quality, make_params, manifest, quality_of

CLASSES = ("calm", "tense", "bored")  # in no alphabetical order, which is that of the files that count them
SIDE, N = 32, 60
RIGHT = {"small": (30, 31, 33), "small-gan": (36, 38, 37), "small-twice": (31, 33, 33)}
PAPER = """
title: Tense faces
authors: Doe (2030)
data_sets: {office: Office-3, studio: Studio-3}
rows:
  - {model: Small, percent: 50.5, arm: small}
  - {model: Small+GAN, percent: 75.25, arm: small-gan, best: true}
claims:
  - key: faces_help
    says: Drawn faces help
    section: Table 2
    pairs: [[small-gan, small]]
    added: the drawn faces
    primary: true
"""
OURS = re.compile(r"FER-?2013|CK\+|ResNET|DCGAN|WGAN|Yan,|seven|71\.75|PublicTest|PrivateTest", re.IGNORECASE)
"""Words of the study that ferlab was made for."""


def params() -> Params:
    values: dict[str, Any] = json.loads(json.dumps(make_params([0, 1, 2], "office", "real").model_dump(mode="json")))
    values["classifiers"] = {"small": values["classifiers"]["resnet50"]}
    values["gan"]["families"] = {"drawer": values["gan"]["families"]["dcgan"]}
    own = {"form": "folder", "sha256": "0" * 64, "classes": CLASSES}
    values["data"] |= {"sets": {"office": own, "studio": own}, "train": "office", "gans": "studio", "side": SIDE}
    plain = values["arms"]["resnet50"] | {"classifier": "small", "tuned": False}
    values["arms"] = {
        "small": plain,
        "small-gan": plain | {"synthetic": "drawer"},
        "small-twice": plain | {"oversample_to": "small-gan"},
    }
    values["run"] |= {"families": ["drawer"], "tuned": []}
    values["run"]["arms"] = {name: arm["synthetic"] for name, arm in values["arms"].items()}
    return check(values, "params.yaml")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Params]:
    """reports/<budget>/ of three arms and seeds, with GANs of faces of 32 pixels."""
    folder, draw = tmp_path_factory.mktemp("office"), np.random.default_rng(0)
    truth = np.arange(N) % 3
    for arm, rights in RIGHT.items():
        for seed, right in enumerate(rights):
            chosen = np.where(np.arange(N) < right, truth, (truth + 1) % 3)
            said = np.where(np.arange(3) == chosen[:, None], 0.8, 0.1)
            ids, run = tuple(f"t{i}" for i in range(N)), Identity(manifest(arm, seed)).name
            one = predictions.Predictions(ids, truth, said, run, CLASSES, "test", SIDE)
            predictions.write(folder / "predictions" / f"{arm}-{seed}.parquet", one)
    (folder / "samples").mkdir()
    np.save(folder / "samples" / "drawer.npy", draw.integers(0, 256, (3, 2, SIDE, SIDE), dtype=np.uint8))
    quality_of(drawer={name: class_quality(collapsed=name == "bored") for name in CLASSES}).write(
        folder / "quality.json"
    )
    counts, none = dict.fromkeys(CLASSES, 20), {"all": 0}
    Audit(
        data=AuditedData(kind="real"),
        fer2013=FerAudit(
            images=dict.fromkeys(("train", "valid", "test"), counts),
            constant={},
            duplicates=Duplicates(groups=0, images=0, extras=0, groups_with_conflicting_labels=0),
            near_duplicates=Groups(groups=0, images=0, extras=0),
            conflicts=(),
            copies=Copies(**dict.fromkeys(Copies.model_fields, none)),
        ),
        ckplus=CkplusAudit(images=counts, sequences=counts, subjects=9, sequences_in_two_classes=0),
        differences=(),
    ).write(folder / "audit.json")
    return folder, params()


def page(study: tuple[Path, Params], into: Path, text: str) -> tuple[str, Paper]:
    (into / "paper.yaml").write_text(text, encoding="utf-8")
    paper = read_paper(into / "paper.yaml")
    return build(*study, paper, into=into, draw=False).read_text(encoding="utf-8"), paper


def test_a_study_with_its_own_paper_has_its_own_page(study: tuple[Path, Params], tmp_path: Path) -> None:
    html, paper = page(study, tmp_path, PAPER)
    assert OURS.search(html.replace("ferlab", "")) is None
    assert '<h2 id="claims">' in html
    assert "A rebuild of “Tense faces”, Doe (2030)." in html
    table = pd.read_csv(tmp_path / "table1.csv").set_index("arm")
    assert table.loc["small-gan", "difference_points"] == pytest.approx(100 * 37 / N - 75.25)
    assert json.loads((tmp_path / "summary.json").read_text())["claims"] == {"faces_help": table.verdict["small-gan"]}
    assert Evidence(*study, paper).gan_classes == CLASSES
    assert '<th scope="row">calm</th>' in html


def test_a_study_without_a_paper_has_a_page_of_its_arms(study: tuple[Path, Params], tmp_path: Path) -> None:
    html, _ = page(study, tmp_path, "# nothing is rebuilt\n")
    assert OURS.search(html) is None
    assert "paper" not in re.sub(r"<style>.*?</style>|data:[^\"]*", "", html, flags=re.DOTALL)
    shown = set(re.findall(r'<h2 id="(\w+)"', html))
    assert not {"table1", "claims", "power", "deviations"} & shown
    assert {"forest", "controls", "confusion", "classes", "gains", "runs", "data", "quality"} <= shown
    assert "61.67" in html  # 37 of 60
    assert (tmp_path / "table1.csv").read_text(encoding="utf-8").startswith("model,paper_percent,arm,")


def test_a_study_without_gans_speaks_of_none_and_of_its_own_arms_alone(
    study: tuple[Path, Params], tmp_path: Path
) -> None:
    """Its params.yaml still has what ferlab ships: CK+ for GANs, and arms that nobody runs."""
    folder, laid = study
    values: dict[str, Any] = json.loads(json.dumps(laid.model_dump(mode="json")))
    values["data"]["gans"] = "ckplus"
    values["run"] |= {"families": [], "arms": {"small": "none"}}
    html, _ = page((folder, check(values, "params.yaml")), tmp_path, "")
    assert re.search("drop_contempt|small-gan|small-twice|chain of controls", html) is None
    assert not {"quality", "figure1", "gains", "usefulness"} & set(re.findall(r'<h2 id="(\w+)"', html))
    forest = html[html.index('<h2 id="forest"') : html.index('<h2 id="controls"')]
    assert "not run yet" not in forest
    assert "What has run: small" in forest


def test_runs_on_images_with_votes_are_judged_by_them(study: tuple[Path, Params], tmp_path: Path) -> None:
    """Two of three people see the label, the third the next class. Without votes nothing is said."""
    plain = Evidence(*study, Paper())
    section = votes.section(plain, Album(tmp_path, draw=False))
    assert (section.shown, section.numbers) == (False, {})
    assert "expected_accuracy" not in summary(plain)
    folder = shutil.copytree(study[0], tmp_path / "voted")
    truth = np.eye(3, dtype=np.float32)[np.arange(N) % 3]
    shares = (2 * truth + np.roll(truth, 1, axis=1)) / 3
    for path in folder.glob("predictions/*.parquet"):
        predictions.write(path, replace(predictions.read(path), votes=shares))
    html, _ = page((folder, study[1]), tmp_path, "")
    assert '<h2 id="votes"' in html
    found = json.loads((tmp_path / "numbers.json").read_text())["votes"]["office"]
    assert found["images"] == N
    assert found["limit"]["expected_percent"] == pytest.approx(200 / 3, abs=1e-3)
    right = np.array(RIGHT["small"]) / N  # and all others answer the next class
    assert found["arms"]["small"]["expected_percent"] == pytest.approx(100 * (right + 1).mean() / 3, abs=1e-3)
    share = (2 * right + (1 - right)) / 3  # of the votes that get 0.8; the others 0.1
    wanted = -(share * np.log(0.8) + (1 - share) * np.log(0.1)).mean()
    assert found["arms"]["small"]["cross_entropy"] == pytest.approx(wanted, abs=1e-5)
    told = json.loads((tmp_path / "summary.json").read_text())
    assert told["expected_accuracy"]["small"] == pytest.approx((right + 1).mean() / 3, abs=1e-5)


def test_its_faces_are_drawn(study: tuple[Path, Params], tmp_path: Path) -> None:
    """A family's name, and a column a class."""
    figure1.section(Evidence(*study, Paper()), Album(tmp_path))
    spread = read_png((tmp_path / "figure1.png").read_bytes()).std(axis=(0, 2))
    assert (np.diff(np.flatnonzero(spread > 30)) > 10).sum() == 3
