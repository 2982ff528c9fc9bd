"""Built folders of reports/: predictions with known accuracies, and everything else that a budget leaves there."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.evaluation import predictions
from ferlab.files import sha256_file
from ferlab.papers import shipped
from ferlab.params import Params, check, load
from ferlab.records.audit import Audit, AuditedData, CkplusAudit, Conflict, Copies, Duplicates, FerAudit, Groups
from ferlab.records.ledger import LedgerLine, append
from ferlab.records.plan import ArmSummary
from ferlab.records.quality import ClassQuality, Estimate, MeanQuality, Quality
from ferlab.records.run import Selection
from ferlab.records.search import Reference, SearchImages, SearchRecord, SearchTune, Trial
from ferlab.training.identity import Identity
from ferlab.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
N = 70
ESTIMATE = Estimate(value=0.25, low=0.125, high=0.5)
ESTIMATES = ("diversity", "kid", "fid", "precision", "recall", "density", "coverage", "label_consistency", "cas")
SVM = load(ROOT / "params.yaml").classifiers["svm"]
PAPER = shipped()


def make_params(seeds: list[int], budget: str = "demo", kind: str = "demo", *, whole_table: bool = False) -> Params:
    """The four arms of the first budgets, or every row of the paper's Table 1 with a reference for each network."""
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
        for row in PAPER.rows:
            classifier, _, synthetic = row.arm.partition("-")
            arms[row.arm] = arms["resnet50"] | {"classifier": classifier, "tuned": False}
            arms[row.arm] |= {"synthetic": synthetic or "none"}
        for network in ("resnet50", "vgg16"):
            arms[f"{network}-oversampled"] = arms[network] | {"oversample_to": f"{network}-dcgan"}
        arms["resnet50-steps"] |= {"tuned": False}
        values["run"] |= {"families": ["dcgan", "wgan_gp", "cgan"], "arms": [row.arm for row in PAPER.rows]}
        values["run"]["arms"] += ["resnet50-steps", "resnet50-oversampled", "vgg16-oversampled"]
        values["arms"] = {name: arms[name] for name in values["run"]["arms"]}
    values["run"]["arms"] = {name: values["arms"][name]["synthetic"] for name in values["run"]["arms"]}
    return check(values, "params.yaml")


def with_arms(params: Params, arms: Mapping[str, Mapping[str, Any]]) -> Params:
    """The same with further arms that are run: each the plain one with some values changed."""
    more = {name: params.arms["resnet50"].model_copy(update=dict(values)) for name, values in arms.items()}
    run = params.run.model_copy(update={"arms": params.run.arms | {name: arm.synthetic for name, arm in more.items()}})
    return params.model_copy(update={"arms": params.arms | more, "run": run})


def manifest(arm: str, seed: int) -> dict[str, Any]:
    """What a built run's identity is the hash of."""
    return {"arguments": {"arm": arm, "seed": str(seed)}}


def write_ledger(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """A ledger of these lines, chained as they are appended: what a whole rewrite leaves."""
    path.unlink(missing_ok=True)
    for line in lines:
        assert append(path, LedgerLine.model_validate_json(json.dumps(line)))


def add_run(
    folder: Path, arm: str, seed: int, right: int, prefix: str = "t", notes: Mapping[str, Any] | None = None
) -> None:
    """A run that answers the first `right` of N images correctly and the others with the next class."""
    truth = np.arange(N) % 7
    chosen = np.where(np.arange(N) < right, truth, (truth + 1) % 7)
    probabilities = np.full((N, 7), 0.05)
    probabilities[np.arange(N), chosen] = 0.7
    ids = tuple(f"{prefix}{i}" for i in range(N))
    identity = Identity(manifest(arm, seed)).name
    predictions.write(
        folder / "predictions" / f"{arm}-{seed}.parquet", predictions.Predictions(ids, truth, probabilities, identity)
    )
    for name in ("curves", "selection"):
        (folder / name).mkdir(exist_ok=True)
    curve = {"epoch": [1, 2, 3], "valid_accuracy": [0.2, 0.5, 0.4]}
    if arm != "svm":
        curve |= {"step": [9, 18, 27], "lr": [0.01] * 3, "train_loss": [2.0, 1.5, 1.0], "valid_loss": [1.9, 1.6, 1.7]}
    pd.DataFrame(curve).to_csv(folder / "curves" / f"{arm}-{seed}.csv", index=False)
    Selection(
        arm=arm,
        seed=seed,
        identity=identity,
        settings=SVM,
        select_on="valid",
        selected_epoch=2,
        valid_would_select=2,
        valid_accuracy=0.5,
        notes=dict(notes or {}),
    ).write(folder / "selection" / f"{arm}-{seed}.json")


def add_rest(folder: Path, params: Params) -> None:
    """Everything that isn't a run's: arms, samples, quality, audit and trials."""
    for name, arm in params.arms.items():
        ArmSummary(
            arm=arm,
            settings=params.plain(f"classifiers.{arm.classifier}"),
            tuned_by=None,
            real_images=700,
            added_images=0 if arm.synthetic == "none" and arm.oversample_to is None else 600,
            steps=None if arm.classifier == "svm" else 66,
        ).write(folder / "arms" / f"{name}.json")
    (folder / "samples").mkdir()
    faces = np.random.default_rng(0).integers(0, 256, (7, 2, 48, 48), dtype=np.uint8)
    np.save(folder / "samples" / "dcgan.npy", faces)
    classes = {
        name: class_quality(collapsed=name == "fear", diversity=0.1 if name == "fear" else 0.9, copies=3)
        for name in CKPLUS_CLASSES
    }
    quality_of(dcgan=classes).write(folder / "quality.json")
    counts = dict.fromkeys(CKPLUS_CLASSES, 6)
    Audit(
        data=AuditedData(kind=params.data.kind),
        fer2013=fer_audit(),
        ckplus=CkplusAudit(images=counts, sequences=counts, subjects=9, sequences_in_two_classes=0),
        differences=(),
    ).write(folder / "audit.json")
    (folder / "trials").mkdir()
    trials = {
        "number": [0, 1, 2],
        "lr": [0.01, 0.05, 0.02],
        "batch_size": [16, 32, 16],
        "value": [0.4, None, 0.3],
        "state": ["COMPLETE", "PRUNED", "COMPLETE"],
    }
    pd.DataFrame(trials).to_csv(folder / "trials" / "resnet50.csv", index=False)
    chosen = Trial(trial=2, values={"batch_size": 16, "lr": 0.02}, part=0.3, whole=0.625)
    SearchRecord(
        study="tune-resnet50",
        identity="0" * 16,
        tune=SearchTune.model_validate(params.tune.model_dump() | {"trials": 3}),
        images=SearchImages(part=10, whole=20, valid=7),
        states={"COMPLETE": 2, "PRUNED": 1},
        reference=Reference(values={"lr": 1e-4}, part=0.2),
        transfer=(Trial(trial=0, values={"batch_size": 16, "lr": 0.01}, part=0.4, whole=0.5), chosen),
        chosen=chosen,
        importances={"batch_size": 0.25, "lr": 0.75},
    ).write(folder / "tuning" / "resnet50.json")


def class_quality(
    *, collapsed: bool = False, diversity: float | None = 0.9, copies: int = 0, samples: int = 100, **more: Any
) -> ClassQuality:
    """One expression's quality; every metric that isn't named has the same estimate."""
    estimates: dict[str, Any] = dict.fromkeys(ESTIMATES, ESTIMATE)
    estimates["diversity"] = None if diversity is None else Estimate(value=diversity, low=0.0, high=1.0)
    counts = {"samples": samples, "copies": copies, "real": 9, "sequences": 3}
    return ClassQuality(**counts, collapsed=collapsed, nearest_real=0.5, **estimates | more)


def quality_of(**families: Mapping[str, ClassQuality]) -> Quality:
    """quality.json with these families; what is said of all classes follows from them but for the estimates."""
    tree: dict[str, Any] = {"protocol": {}}
    for name, classes in families.items():
        whole = MeanQuality(
            samples=sum(one.samples for one in classes.values()),
            copies=sum(one.copies for one in classes.values()),
            collapsed=tuple(name for name, one in classes.items() if one.collapsed),
            **dict.fromkeys(ESTIMATES, ESTIMATE),
        )
        tree[name] = {"all": whole.model_dump(mode="json")}
        tree[name] |= {expression: one.model_dump(mode="json") for expression, one in classes.items()}
    return Quality.parse(json.dumps(tree), Path("quality.json"))


def fer_audit(**images_of_test: int) -> FerAudit:
    """Ten images a class and split but for those named; some copies and conflicts."""
    images = {split: dict.fromkeys(FER_CLASSES, 10) for split in ("train", "valid", "test")}
    images["test"] |= images_of_test
    return FerAudit(
        images=images,
        constant={"train": 1, "valid": 0, "test": 0},
        duplicates=Duplicates(groups=1, images=2, extras=1, groups_with_conflicting_labels=0),
        near_duplicates=Groups(groups=2, images=4, extras=2),
        conflicts=(
            Conflict(labels=("neutral", "angry"), groups=5),
            Conflict(labels=("fear", "sad"), groups=1),
        ),
        copies=Copies(
            test_in_train={"all": 3, "happy": 2, "sad": 1},
            test_in_valid={"all": 0},
            test_in_either={"all": 3, "happy": 2, "sad": 1},
            valid_in_train={"all": 0},
            test_near_train={"all": 4, "happy": 3, "sad": 1},
        ),
    )


LINE = {
    "data": {"kind": "real"}, "commit": "c0ffee" * 6, "dirty": "false", "checkpoint": "ab" * 32,
    "valid_accuracy": 0.5, "lock": "cd" * 32, "mlflow_run": None, "trained": None, "evaluated": "2026-01-01",
    "machine": {"system": "Linux", "processor": "x86_64", "cores": 2, "memory_gib": 8, "python": "3.11.7"},
}  # fmt: skip
"""What an early version wrote of a run beside its own figures."""


def add_ledger(folder: Path) -> None:
    """A line for each prediction file, as the evaluate stage appends them."""
    lines = []
    for path in sorted((folder / "predictions").iterdir()):
        run, (arm, _, seed) = predictions.read(path), path.stem.rpartition("-")
        settings = ArmSummary.read(folder / "arms" / f"{arm}.json").settings
        line = LINE | {
            "identity": run.run, "predictions": sha256_file(path), "arm": arm, "seed": int(seed), "settings": settings,
            "manifest": manifest(arm, int(seed)), "test_accuracy": float(run.correct.mean()),
        }  # fmt: skip
        lines.append(line)
    write_ledger(folder / "ledger.jsonl", lines)
