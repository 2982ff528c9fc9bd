"""An arm's plan: what it says follows from params.yaml and the images, and from nothing else."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from ferlab.classifiers.schedule import batches_per_epoch
from ferlab.data.images import FER_FACES, nothing
from ferlab.data.labels import CKPLUS_CLASSES, FER_CLASSES
from ferlab.data.splits import hold_out
from ferlab.params import Params, check, paced_by
from ferlab.params.budgets import with_budget
from ferlab.records.plan import TunedSettings
from ferlab.synthesis.plan import Mixed, added_counts, resolve
from ferlab.yaml_file import read_yaml
from small import REPOSITORY, barred

TRAIN = barred(30)
DRAWN = barred(4, split="synthetic", classes=CKPLUS_CLASSES, origin="dcgan")
FACES = barred(2, split="all", classes=CKPLUS_CLASSES, origin="ckplus")
TUNED = TunedSettings(values={"lr": 0.02, "batch_size": 16}, study="tune-x", trial=3, identity="0" * 16)
PARAMS: Mapping[str, Any] = json.loads(json.dumps(read_yaml(REPOSITORY / "params.yaml")))
EPOCHS = PARAMS["classifiers"]["resnet50"]["epochs"]


def params(every: Mapping[str, Any] | None = None, **arm: Any) -> Params:
    """params.yaml with four images a class drawn, and other settings of resnet50-dcgan, or of every arm."""
    tree = json.loads(json.dumps(PARAMS))
    tree["synthesis"]["per_class"] = 4
    for row in tree["arms"].values():
        row |= every or {}
    tree["arms"]["resnet50-dcgan"] |= arm
    return check(tree, "params.yaml")


def mix(told: Params, name: str, seed: int = 0, leaked: tuple[str, ...] = ()) -> Mixed:
    source = {"dcgan": DRAWN, "wgan_gp": DRAWN, "ckplus": FACES}.get(told.arms[name].synthetic, nothing(FER_FACES))
    return resolve(told, name, seed, train=TRAIN, leaked=leaked, source=source, tuned=TUNED, code="0" * 64)


def plan(name: str, seed: int = 0, leaked: tuple[str, ...] = (), **arm: Any) -> Mixed:
    return mix(params(**arm), name, seed, leaked)


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
    assert dcgan.plan.steps == EPOCHS * batches_per_epoch(len(TRAIN) + 24, 16)
    assert steps.plan.steps == dcgan.plan.steps
    assert (len(steps.added), len(repeated.added)) == (0, 24)
    assert repeated.added.counts() == dcgan.added.counts()
    assert set(repeated.added.origins) == {"made"}


def test_following_arms_follow_to_the_end_of_the_chain() -> None:
    """An arm that names itself ends it: so a budget gives every arm the steps of one."""
    told = params(match_steps_of="resnet50")
    assert [paced_by(told.arms, name) for name in ("resnet50-steps", "resnet50-dcgan", "resnet50")] == ["resnet50"] * 3
    plain = plan("resnet50").plan.steps
    assert plain == EPOCHS * batches_per_epoch(len(TRAIN), 16)
    for name in ("resnet50-dcgan", "resnet50-steps"):
        assert plan(name, match_steps_of="resnet50").plan.steps == plain
    own = plan("resnet50-dcgan", match_steps_of="resnet50-dcgan")
    assert own.plan == plan("resnet50-dcgan").plan
    repeated = plan("resnet50-dcgan", match_steps_of="resnet50-oversampled")
    assert repeated.plan.steps == plan("resnet50-oversampled").plan.steps


@pytest.mark.parametrize(
    "name", ["resnet50-oversampled", "resnet50-ckplus-repeated", "resnet50-noise", "resnet50-dcgan-shuffled"]
)
@pytest.mark.parametrize("change", [{}, {"held_out": 0.25}])
def test_controls_have_the_counts_and_steps_of_the_gans_arm(name: str, change: dict[str, Any]) -> None:
    told = params(every=change)
    gans, control = (mix(told, one) for one in ("resnet50-dcgan", name))
    assert control.added.counts() == gans.added.counts() == dict.fromkeys(FER_CLASSES, 4) | {"neutral": 0}
    assert (control.plan.steps, control.plan.real_images) == (gans.plan.steps, gans.plan.real_images)
    assert control.plan.settings == gans.plan.settings
    assert control.plan.added != gans.plan.added


def test_the_design_trains_every_arm_alike() -> None:
    """Equal settings, real images and steps: fifty epochs of the plain arm; equal counts where images are added. Each
    seed has a draw of the GANs of its own."""
    tree = with_budget(REPOSITORY, "design")[1].model_dump(mode="json")
    tree["synthesis"]["per_class"] = 4
    told = check(tree, "design")
    plain, *others = (mix(told, name, seed=7, leaked=TRAIN.ids[:3]) for name in told.run.arms)
    assert plain.plan.real_images == len(hold_out(TRAIN.take(np.arange(3, len(TRAIN))), 0.1)[0])
    assert plain.plan.steps == 50 * batches_per_epoch(plain.plan.real_images, 128)
    for other in others:
        assert other.plan.model_copy(update={"added": plain.plan.added, "added_images": 0}) == plain.plan
        assert other.added.counts() == dict.fromkeys(FER_CLASSES, 4) | {"neutral": 0}
    assert [told.run.draw_of(seed) for seed in told.run.seeds] == told.run.seeds == list(range(8))


def test_what_a_seed_shuffles_is_its_own() -> None:
    one, same, other = (plan("resnet50-dcgan-shuffled", seed) for seed in (0, 0, 1))
    assert one.plan == same.plan
    assert one.plan.added != other.plan.added
    straight = plan("resnet50-dcgan")
    for mixed in (one, other):
        np.testing.assert_array_equal(mixed.added.images, straight.added.images)
        assert mixed.added.ids == straight.added.ids
        assert mixed.added.counts() == straight.added.counts()
        assert (mixed.added.labels != straight.added.labels).any()


def test_noise_is_the_repeated_faces_with_their_pixels_shuffled() -> None:
    noise, repeated = plan("resnet50-noise").added, plan("resnet50-oversampled").added
    assert noise.ids == repeated.ids
    np.testing.assert_array_equal(noise.labels, repeated.labels)
    np.testing.assert_array_equal(np.sort(noise.images.reshape(24, -1)), np.sort(repeated.images.reshape(24, -1)))


def test_repeated_ckplus_is_ckplus() -> None:
    """Two of its images a class become four, each twice."""
    added = plan("resnet50-ckplus-repeated").added
    assert set(added.origins) == {"ckplus"}
    originals = [name.split("/", 2)[2] for name in added.ids]
    assert {originals.count(name) for name in originals} == {2}
    assert all(name in FACES.ids for name in originals)


def test_what_is_repeated_has_nothing_of_what_validates() -> None:
    told = params(every={"held_out": 0.25})
    held = set(np.array(TRAIN.ids)[hold_out(TRAIN, 0.25)[1]])
    mixed = mix(told, "resnet50-oversampled")
    assert mixed.plan.real_images == len(TRAIN) - len(held)
    assert not held & {name.split("/", 2)[2] for name in mixed.added.ids}


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
