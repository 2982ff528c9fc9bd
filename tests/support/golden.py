"""Short trainings whose every step is on record. Run as a program, it prints tests/golden/MAKER/trainings.json.

An epoch is one step here, so that the curves have a row a step. Numbers are written as C99's hexadecimal floats: whole,
to the last bit.
"""

from ferlab.training.instructions import limit

limit("avx2")

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.catalogue import create
from ferlab.files import canonical_json
from ferlab.gan.families import FAMILIES
from ferlab.gan.fit import fit
from ferlab.params import GanFamily, NullModelClassifier, TransformerClassifier, TwoLevelClassifier
from ferlab.params.classifiers import L2svmResnet
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from ferlab.training.seeding import set_up
from small import NETWORK, NULL_MODEL, barred, dfsvm, gan, network, noise, svm, vgg

STEPS = 20
BATCH = 14  # images, all of them in one batch

GANS: dict[str, GanFamily] = {
    "dcgan": gan(epochs=STEPS, batch_size=BATCH),
    "wgan_gp": gan(epochs=STEPS, batch_size=BATCH, beta1=0.0, critic_steps=5, critic_norm="layer", penalty=10.0),
    "cgan": gan(epochs=STEPS, batch_size=BATCH, beta1=0.0, critic_steps=5, critic_norm="layer", penalty=10.0),
    "cgan_plain": gan(epochs=STEPS, batch_size=BATCH),
}
GROUPS = [["angry", "disgust", "fear", "sad", "neutral"], ["happy"], ["surprise"]]
ONE_BATCH = {"epochs": STEPS, "batch_size": BATCH}
CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "resnet18": lambda: network(network="resnet18", **ONE_BATCH),
    "resnet50": lambda: network(**ONE_BATCH),
    "vgg13": lambda: vgg(network="vgg13", batch_norm=True, **ONE_BATCH),
    "vgg16": lambda: vgg(**ONE_BATCH),
    "vgg19": lambda: vgg(network="vgg19", batch_norm=True, **ONE_BATCH),
    "svm-pixels": lambda: svm(features={"kind": "pixels", "components": 5}),
    "svm-hog": lambda: svm(features={"kind": "hog", "orientations": 9, "cell": 8, "block": 2}),
    "svm-lbp": lambda: svm(features={"kind": "lbp", "radius": 1, "grid": 8}),
    "svm-rbf": lambda: svm(kernel="rbf", C=1.0),
    "dfsvm": lambda: dfsvm({"epochs": 3, "batch_size": BATCH}),
    "l2svm": lambda: L2svmResnet.model_validate({**NETWORK, **ONE_BATCH, "method": "l2svm", "C": 1.0}),
    "transformer": lambda: TransformerClassifier.model_validate(
        {**NETWORK, **ONE_BATCH, "method": "transformer", "localiser": {"channels": 4, "reach": 0.3}}
    ),
    "two_level": lambda: TwoLevelClassifier.model_validate(
        {"method": "two_level", "groups": GROUPS, "network": NETWORK | {"epochs": 3, "batch_size": BATCH}}
    ),
    "null_model": lambda: NullModelClassifier.model_validate(NULL_MODEL),
}


def of_gan(name: str, folder: Path) -> dict[str, Any]:
    """Each step's signals, and what the generator holds in the end."""
    conditional = FAMILIES[name].conditional
    trained = fit(
        FAMILIES[name],
        GANS[name],
        torch.from_numpy(noise(BATCH) // 2),
        torch.arange(BATCH) % 2 * conditional,
        classes=("happy", "sad")[: 1 + conditional],
        seed=0,
        device="cpu",
        observe=ignore,
        checkpoints=Checkpoints(folder, 1e9),
    )
    return {"steps": _hex(trained.history), "weights": digest(trained.generator.state_dict())}


def of_classifier(name: str, folder: Path) -> dict[str, Any]:
    """Each step's row, the probabilities of validation images, and what is saved."""
    classifier = create(CLASSIFIERS[name]())
    train, valid = barred(2), barred(2, seed=1, split="valid")
    found = classifier.fit(train, valid, TrainingPlan(0, "cpu"), observe=ignore, checkpoints=Checkpoints(folder, 1e9))
    probabilities = classifier.predict_proba(valid.images)
    return {"steps": _hex(found.history), "probabilities": digest({"probabilities": probabilities})}


def digest(arrays: dict[str, Any]) -> str:
    """SHA-256 of arrays or tensors, by name."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype} {array.shape}\n".encode() + array.tobytes())
    return total.hexdigest()


def _hex(rows: list[dict[str, float]]) -> list[dict[str, str]]:
    return [{name: float(value).hex() for name, value in row.items()} for row in rows]


def record() -> dict[str, Any]:
    """Everything above, trained on one thread."""
    set_up(1)
    found: dict[str, Any] = {"gans": {}, "classifiers": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in GANS:
            found["gans"][name] = of_gan(name, Path(folder) / "gans" / name)
        for name in CLASSIFIERS:
            found["classifiers"][name] = of_classifier(name, Path(folder) / "classifiers" / name)
    return found


if __name__ == "__main__":
    print(json.dumps(json.loads(canonical_json(record())), indent=1))
