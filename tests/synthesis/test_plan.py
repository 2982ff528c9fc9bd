"""An arm's plan: what it says follows from params.yaml and the images, and from nothing else."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ferlab.classifiers.schedule import batches_per_epoch
from ferlab.data.images import nothing
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.data.splits import stratified_part
from ferlab.params import Params, check
from ferlab.records.plan import TunedSettings
from ferlab.synthesis.plan import Mixed, added_counts, held_out_images, resolve
from ferlab.yaml_file import read_yaml
from small import REPOSITORY, barred

TRAIN = barred(30)
DRAWN = barred(4, split="synthetic", classes=CKPLUS_CLASSES, origin="dcgan")
TUNED = TunedSettings(values={"lr": 0.02, "batch_size": 16}, study="tune-x", trial=3, identity="0" * 16)
PARAMS: Mapping[str, Any] = json.loads(json.dumps(read_yaml(REPOSITORY / "params.yaml")))


def params(**arm: Any) -> Params:
    """params.yaml with four images a class drawn, and other settings of resnet50-dcgan."""
    tree = json.loads(json.dumps(PARAMS))
    tree["synthesis"]["per_class"] = 4
    tree["arms"]["resnet50-dcgan"] |= arm
    return check(tree, "params.yaml")


def plan(name: str, seed: int = 0, leaked: tuple[str, ...] = (), **arm: Any) -> Mixed:
    told = params(**arm)
    source = DRAWN if told.arms[name].synthetic == "dcgan" else nothing()
    return resolve(told, name, seed, train=TRAIN, leaked=leaked, source=source, tuned=TUNED, code="0" * 64)


@pytest.mark.parametrize("policy", ["drop_contempt", "contempt_as_neutral"])
@pytest.mark.parametrize("per_class", [None, 0, 2, 9])
def test_counts_by_params_are_those_of_the_images(policy: str, per_class: int | None) -> None:
    """So that an arm matched to a GAN's needs no GAN."""
    told = params(labels=policy, synthetic_per_class=per_class)
    mixed = plan("resnet50-dcgan", labels=policy, synthetic_per_class=per_class)
    assert added_counts(told, told.arms["resnet50-dcgan"]) == mixed.added.counts()


def test_searched_values_are_filled_in() -> None:
    settings = plan("resnet50-dcgan").plan.settings
    assert (settings.lr, settings.batch_size) == (0.02, 16)  # type: ignore[union-attr]


def test_matched_arms_take_the_others_steps_and_counts() -> None:
    dcgan, steps, repeated = (plan(name) for name in ("resnet50-dcgan", "resnet50-steps", "resnet50-oversampled"))
    epochs = params().classifiers["resnet50"].epochs  # type: ignore[union-attr]
    assert dcgan.plan.steps == epochs * batches_per_epoch(len(TRAIN) + 24, 16)
    assert steps.plan.steps == dcgan.plan.steps
    assert (len(steps.added), len(repeated.added)) == (0, 24)
    assert repeated.added.counts() == dcgan.added.counts()
    assert set(repeated.added.origins) == {"made"}


@pytest.mark.parametrize("share", [0.1, 0.25, 1 / 3])
def test_what_is_held_out_is_what_the_training_parts(share: float) -> None:
    kept = stratified_part(TRAIN.labels, 1 - share, 0)
    assert held_out_images(len(TRAIN), share) == len(TRAIN) - len(kept)
    assert plan("resnet50-dcgan", held_out=share).plan.real_images == len(kept)


def test_leaked_copies_are_dropped_where_the_arm_wants_it() -> None:
    leaked = tuple(TRAIN.ids[:5])
    assert plan("resnet50-dcgan", leaked=leaked).dropped == ()
    dropped = plan("resnet50-dcgan", leaked=leaked, drop_train_copies=True)
    assert dropped.dropped == tuple(sorted(leaked))
    assert dropped.plan.real_images == len(TRAIN) - 5


def test_each_thing_that_decides_a_training_changes_its_plan() -> None:
    usual = plan("resnet50-dcgan").plan
    others = [
        plan("resnet50-dcgan", seed=1).plan,
        plan("resnet50-dcgan", labels="contempt_as_neutral").plan,
        plan("resnet50-dcgan", select_on="last").plan,
        plan("resnet50-dcgan", leaked=(TRAIN.ids[0],), drop_train_copies=True).plan,
        usual.model_copy(update={"code": "1" * 64}),
    ]
    assert all(other != usual for other in others)
    assert plan("resnet50-dcgan").plan == usual
    assert list(usual.settings.model_dump()) == list(params().classifiers["resnet50"].model_dump())
    assert TRAIN.classes == FER_CLASSES
