"""Published settings of an earlier shape, as today's schema has them. They are read so, and never written back."""

from pathlib import Path
from typing import Any

from ferlab.params.schema import Params, check
from ferlab.yaml_file import read_yaml


def load_published(path: Path) -> Params:
    """Read reports/<budget>/params.yaml, of this or an earlier version.

    Raises:
        UserError: as `schema.load`.
    """
    tree = read_yaml(path)
    return check(migrated(tree) if isinstance(tree, dict) else tree, f"{path.parent.name}/{path.name}")


def migrated(tree: Any) -> Any:
    """The same settings with what later versions say besides: what every run did before there was a choice.

    Args:
        tree: the plain values of a params.yaml; changed in place.
    """
    tree["compute"].setdefault("instructions", "native")
    for key, value in (("checkpoints", None), ("memory_gib", 2.0), ("gpu_share", 1.0)):
        tree["runtime"].setdefault(key, value)
    for classifier in tree["classifiers"].values():
        migrated_classifier(classifier)
    tree["data"] = {"sets": {}, "train": "fer2013", "gans": "ckplus", "side": 48, "channels": 1} | tree["data"]
    run = tree["run"]
    arms = tree["arms"]
    run.setdefault("draws", [0])
    run.setdefault("evaluate_on", [])
    if isinstance(run["arms"], list):
        run["arms"] = {name: arms[name]["synthetic"] for name in run["arms"]}
    for arm in arms.values():
        migrated_arm(arm)
    migrated_tune(tree["tune"])
    return tree


def migrated_classifier(settings: Any) -> Any:
    """A classifier's settings, and those of the networks in it, in the same way; changed in place."""
    if isinstance(settings, dict):
        if "label_smoothing" in settings:  # a network of its own
            settings.setdefault("targets", "majority")
        for value in settings.values():
            migrated_classifier(value)
    return settings


def migrated_tune(tune: Any) -> Any:
    """The section `tune`, in the same way; changed in place."""
    tune.setdefault("pruner", {"kind": "median"})
    tune.setdefault("held_out", 0.0)
    return tune


def migrated_arm(arm: Any) -> Any:
    """One arm's row, in the same way; changed in place."""
    arm.setdefault("held_out", 0.0)
    arm.setdefault("tests", ["test"])
    arm.setdefault("shuffled", "none")
    return arm
