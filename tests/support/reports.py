"""Built folders of reports/: predictions with known accuracies, and everything else that a budget leaves there."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.evaluation import predictions
from ferlab.params import Params, check
from ferlab.report import paper
from ferlab.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
N = 70


def make_params(seeds: list[int], budget: str = "demo", kind: str = "demo", *, whole_table: bool = False) -> Params:
    """The four arms of the first budgets, or every row of the paper's Table 1."""
    values = json.loads(json.dumps(read_yaml(ROOT / "params.yaml")))
    values["budget"], values["data"]["kind"] = budget, kind
    values["run"] |= {
        "seeds": seeds,
        "families": ["dcgan"],
        "arms": ["resnet50", "resnet50-dcgan", "resnet50-steps", "svm"],
    }
    values["arms"] = {name: values["arms"][name] for name in values["run"]["arms"]}
    values["run"]["draws"] = [0]
    if whole_table:
        classifiers, families, arms = values["classifiers"], values["gan"]["families"], values["arms"]
        classifiers |= {"vgg16": classifiers["resnet50"], "dfsvm": classifiers["svm"]}
        families |= dict.fromkeys(("wgan_gp", "cgan"), families["dcgan"])
        for row in paper.TABLE1:
            classifier, _, synthetic = row.arm.partition("-")
            arms[row.arm] = arms["resnet50"] | {"classifier": classifier, "tuned": False}
            arms[row.arm] |= {"synthetic": synthetic or "none"}
        arms["resnet50-steps"] |= {"tuned": False}
        values["run"] |= {"families": ["dcgan", "wgan_gp", "cgan"], "arms": [row.arm for row in paper.TABLE1]}
        values["run"]["arms"] += ["resnet50-steps"]
        values["arms"] = {name: arms[name] for name in values["run"]["arms"]}
    values["run"]["arms"] = {name: values["arms"][name]["synthetic"] for name in values["run"]["arms"]}
    return check(values, "params.yaml")


def add_run(folder: Path, arm: str, seed: int, right: int, prefix: str = "t", notes: object = None) -> None:
    """A run that answers the first `right` of N images correctly and the others with the next class."""
    truth = np.arange(N) % 7
    chosen = np.where(np.arange(N) < right, truth, (truth + 1) % 7)
    probabilities = np.full((N, 7), 0.05)
    probabilities[np.arange(N), chosen] = 0.7
    ids = tuple(f"{prefix}{i}" for i in range(N))
    identity = hashlib.sha256(f"{arm}-{seed}".encode()).hexdigest()[:16]
    predictions.write(
        folder / "predictions" / f"{arm}-{seed}.parquet", predictions.Predictions(ids, truth, probabilities, identity)
    )
    for name in ("curves", "selection"):
        (folder / name).mkdir(exist_ok=True)
    curve = {"epoch": [1, 2, 3], "valid_accuracy": [0.2, 0.5, 0.4]}
    if arm != "svm":
        curve |= {"step": [9, 18, 27], "lr": [0.01] * 3, "train_loss": [2.0, 1.5, 1.0], "valid_loss": [1.9, 1.6, 1.7]}
    pd.DataFrame(curve).to_csv(folder / "curves" / f"{arm}-{seed}.csv", index=False)
    selection = {"selected_epoch": 2, "valid_accuracy": 0.5, "notes": notes or {}, "identity": identity}
    (folder / "selection" / f"{arm}-{seed}.json").write_text(json.dumps(selection))


def add_rest(folder: Path, params: Params) -> None:
    """Everything that isn't a run's: arms, samples, quality, audit and trials."""
    about = {
        name: {
            "classifier": arm.classifier,
            "settings": params.plain(f"classifiers.{arm.classifier}"),
            "tuned": arm.tuned,
            "synthetic": arm.synthetic,
            "labels": arm.labels,
            "match_steps_of": arm.match_steps_of,
            "real_images": 700,
            "added_images": 0 if arm.synthetic == "none" else 600,
            "steps": None if arm.classifier == "svm" else 66,
        }
        for name, arm in params.arms.items()
    }
    (folder / "arms.json").write_text(json.dumps(about))
    (folder / "samples").mkdir()
    faces = np.random.default_rng(0).integers(0, 256, (7, 2, 48, 48), dtype=np.uint8)
    np.save(folder / "samples" / "dcgan.npy", faces)
    quality = {
        name: {
            "diversity": 0.1 if name == "fear" else 0.9,
            "collapsed": name == "fear",
            "nearest_real": 0.5,
            "copies": 3,
        }
        for name in CKPLUS_CLASSES
    }
    (folder / "quality.json").write_text(json.dumps({"dcgan": quality}))
    images = {split: dict.fromkeys(FER_CLASSES, 10) for split in ("train", "valid", "test")}
    copies = {"test_in_train": {"all": 2, "happy": 2}, "test_in_valid": {"all": 0}}
    copies |= {"test_in_either": {"all": 2, "happy": 2}, "valid_in_train": {"all": 0}}
    duplicates = {"groups": 1, "images": 2, "extras": 1, "groups_with_conflicting_labels": 0}
    constant = {"train": 1, "valid": 0, "test": 0}
    fer = {"images": images, "constant": constant, "duplicates": duplicates, "copies": copies}
    counts = dict.fromkeys(CKPLUS_CLASSES, 6)
    ckplus = {"images": counts, "sequences": counts, "subjects": 9, "sequences_in_two_classes": 0}
    audit = {"data": {"kind": params.data.kind}, "fer2013": fer, "ckplus": ckplus}
    (folder / "audit.json").write_text(json.dumps(audit))
    (folder / "trials").mkdir()
    trials = {
        "number": [0, 1],
        "lr": [0.01, 0.05],
        "batch_size": [16, 32],
        "value": [0.4, None],
        "state": ["COMPLETE", "PRUNED"],
    }
    pd.DataFrame(trials).to_csv(folder / "trials" / "resnet50.csv", index=False)
    (folder / "tuning").mkdir()
    values = {"batch_size": 16, "lr": 0.01}
    summary = {
        "tune": params.plain("tune"),
        "images": {"part": 10, "whole": 20, "valid": 7},
        "importances": {"batch_size": 0.25, "lr": 0.75},
        "reference": {"values": {"lr": 1e-4}, "part": 0.2},
        "transfer": [
            {"trial": 0, "values": values, "part": 0.4, "whole": 0.5},
            {"trial": 2, "values": values | {"lr": 0.02}, "part": 0.3, "whole": 0.625},
        ],
        "chosen": {"trial": 2, "values": values | {"lr": 0.02}, "part": 0.3, "whole": 0.625},
    }
    (folder / "tuning" / "resnet50.json").write_text(json.dumps(summary))
