"""From a row of `arms` to what its training is given: pure, so that it can be asked without anything being written."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ferlab.classifiers.catalogue import updates_per_epoch
from ferlab.data.images import ImageSet
from ferlab.data.labels import classes_of
from ferlab.data.splits import hold_out
from ferlab.files import canonical_json
from ferlab.params import CKPLUS, NONE, Arm, Augmentation, Classifier, Params, paced_by, with_values
from ferlab.records.plan import ArmPlan, TunedSettings
from ferlab.synthesis.mix import POLICIES, again, first, shuffled, with_labels_of

UNCHANGED = Augmentation(rotation=0, translation=0, crop=1, flip=False)


@dataclass(frozen=True)
class Mixed:
    """An arm's plan, the images that it adds to FER-2013's training split, and the names of those that it drops."""

    plan: ArmPlan
    added: ImageSet
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Added:
    """What a plan says of the images that an arm adds: how many, and the SHA-256 of them."""

    count: int
    digest: str

    @classmethod
    def of(cls, images: ImageSet) -> "Added":
        return cls(len(images), images.digest())


def resolve(
    params: Params,
    name: str,
    seed: int,
    *,
    train: ImageSet,
    leaked: Sequence[str],
    source: ImageSet,
    tuned: TunedSettings | None,
    code: str,
) -> Mixed:
    """What an arm comes to.

    Args:
        name: of the arm.
        train: FER-2013's training split.
        leaked: names of its images of which valid or test holds an exact copy.
        source: what the arm's `synthetic` names: CK+'s images, those of the GANs' draw for this seed, or none.
        tuned: what the search for its classifier chose; needed where the arm is tuned.
        code: hash of the classifier's code.
    """
    added = added_images(params, name, seed, train=train, leaked=leaked, source=source)
    plan = make_plan(params, name, seed, train, leaked, Added.of(added), tuned, code)
    return Mixed(plan, added, _dropped(params.arms[name], leaked))


def added_images(
    params: Params, name: str, seed: int, *, train: ImageSet, leaked: Sequence[str], source: ImageSet
) -> ImageSet:
    """The images that an arm adds; arguments as of `resolve`."""
    arm = params.arms[name]
    images = with_labels_of(train.classes, first(source, arm.synthetic_per_class), arm.labels)
    if arm.oversample_to:
        repeated = images if arm.synthetic == CKPLUS else _real(train, arm, leaked)
        images = again(repeated, added_counts(params, params.arms[arm.oversample_to]), params.synthesis.seed)
    return shuffled(images, arm.shuffled, seed)


def make_plan(
    params: Params,
    name: str,
    seed: int,
    train: ImageSet,
    leaked: Sequence[str],
    added: Added,
    tuned: TunedSettings | None,
    code: str,
) -> ArmPlan:
    """An arm's plan; arguments as of `resolve`."""
    arm = params.arms[name]
    settings = settings_of(params, arm, tuned)
    real = len(_real(train, arm, leaked))
    paced = params.arms[paced_by(params.arms, name)]
    paced_real = real if paced is arm else len(_real(train, paced, leaked))
    paced_added = added.count if paced is arm else sum(added_counts(params, paced).values())
    return ArmPlan(
        settings=settings,
        seed=seed,
        steps=_steps(settings, paced_real + paced_added),
        select_on=arm.select_on,
        held_out=arm.held_out,
        real_images=real,
        added_images=added.count,
        added=added.digest,
        dropped=hashlib.sha256(canonical_json(_dropped(arm, leaked)).encode()).hexdigest(),
        compute=params.compute,
        code=code,
    )


def settings_of(params: Params, arm: Arm, tuned: TunedSettings | None) -> Classifier:
    """A classifier's settings as an arm has them: searched values filled in, augmentation off if the arm wants none."""
    settings = params.classifiers[arm.classifier]
    if arm.tuned:
        assert tuned is not None, arm.classifier
        settings = with_values(settings, tuned.values)
    return settings if arm.augmentation else settings.model_copy(update={"augmentation": UNCHANGED})


def added_counts(params: Params, arm: Arm) -> Mapping[str, int]:
    """How many images of each class of the training split an arm adds, by params.yaml alone.

    Not of an arm that adds CK+'s own images as they are, whose number only CK+ knows: the schema lets none follow it.
    """
    if arm.oversample_to:
        return added_counts(params, params.arms[arm.oversample_to])
    assert arm.synthetic != CKPLUS
    counts = dict.fromkeys(classes_of(params.data, params.data.train), 0)
    if arm.synthetic != NONE:
        wanted = params.synthesis.per_class if arm.synthetic_per_class is None else arm.synthetic_per_class
        for name in classes_of(params.data, params.data.gans):
            called = POLICIES[arm.labels] if name == "contempt" and name not in counts else name
            if called in counts:
                counts[called] += min(wanted, params.synthesis.per_class)
    return counts


def held_out(arm: Arm, train: ImageSet, leaked: Sequence[str]) -> ImageSet:
    """The part of `train` that validates an arm instead of the split `valid`; arguments as of `resolve`."""
    left = _undropped(train, arm, leaked)
    return left.take(hold_out(left, arm.held_out)[1])


def _dropped(arm: Arm, leaked: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(leaked)) if arm.drop_train_copies else ()


def _real(train: ImageSet, arm: Arm, leaked: Sequence[str]) -> ImageSet:
    """The images of FER-2013 that an arm trains on."""
    left = _undropped(train, arm, leaked)
    return left.take(hold_out(left, arm.held_out)[0]) if arm.held_out else left


def _undropped(train: ImageSet, arm: Arm, leaked: Sequence[str]) -> ImageSet:
    dropped = _dropped(arm, leaked)
    return train.take(~np.isin(np.array(train.ids), dropped)) if dropped else train


def _steps(settings: Any, images: int) -> int | None:
    """Updates for the setting's epochs over so many images; None for a classifier that makes none."""
    updates = updates_per_epoch(settings, images)
    return None if updates is None else settings.epochs * updates
