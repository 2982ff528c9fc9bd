"""The two-level cascade: how its probabilities are made, what each level is told, and which groups it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ferlab.classifiers.base import TrainingPlan
from ferlab.classifiers.inference import probabilities
from ferlab.classifiers.two_level import FIRST, TwoLevel
from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.params import TwoLevelClassifier
from ferlab.training.checkpoint import Checkpoints
from ferlab.training.observe import ignore
from small import NETWORK, barred, noise

GROUPS = [["fear", "surprise"], ["angry", "disgust", "sad"], ["happy"], ["neutral"]]


def cascade(groups: list[list[str]]) -> TwoLevel:
    return TwoLevel(TwoLevelClassifier.model_validate({"method": "two_level", "groups": groups, "network": NETWORK}))


def test_probabilities_are_the_groups_times_those_within() -> None:
    made = cascade(GROUPS)
    torch.manual_seed(0)
    for model in made.models.values():
        for weights in model.parameters():
            torch.nn.init.normal_(weights, 0, 0.3)
    found = made.predict_proba(noise(4))
    said = {name: probabilities(model, torch.from_numpy(noise(4)), 48) for name, model in made.models.items()}
    at = FER_CLASSES.index
    first = said[FIRST][:, [at("fear"), at("angry"), at("happy"), at("neutral")]]
    first /= first.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found[:, [at("fear"), at("surprise")]].sum(axis=1), first[:, 0])
    np.testing.assert_allclose(found[:, at("happy")], first[:, 2])
    pair = said["fear-surprise"][:, [at("fear"), at("surprise")]]
    np.testing.assert_allclose(found[:, at("fear")], first[:, 0] * pair[:, 0] / pair.sum(axis=1))
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_each_level_is_told_its_own_images() -> None:
    """The first all of them, under the first expression of their group; each other those of its group, as they are."""
    made, train, at = cascade(GROUPS), barred(3), FER_CLASSES.index
    first = {at(name): at(group[0]) for group in GROUPS for name in group}
    assert list(made.models) == [FIRST, "fear-surprise", "angry-disgust-sad"]
    assert made.part(FIRST, train).labels.tolist() == [first[label] for label in train.labels.tolist()]
    assert made.part(FIRST, train).ids == train.ids
    for name, group in zip(("fear-surprise", "angry-disgust-sad"), GROUPS, strict=False):
        kept = np.isin(train.labels, [at(one) for one in group])
        assert made.part(name, train).digest() == train.take(kept).digest()


@pytest.mark.parametrize(
    "groups",
    [[["angry"], ["happy"]], [[*FER_CLASSES[:6], "contempt"], ["neutral"]]],
    ids=["some are left out", "another's name"],
)
def test_groups_must_be_of_the_seven_expressions(groups: list[list[str]]) -> None:
    with pytest.raises(UserError, match="the groups name"):
        cascade(groups)


def test_an_expression_stands_in_one_group() -> None:
    with pytest.raises(ValueError, match="name an expression twice"):
        cascade([[*FER_CLASSES], ["happy"]])


def test_a_group_without_images_to_validate_is_named(tmp_path: Path) -> None:
    valid = barred(2, seed=1, split="valid")
    valid = valid.take(~np.isin(valid.labels, [FER_CLASSES.index("fear"), FER_CLASSES.index("surprise")]))
    made, plan, checkpoints = cascade(GROUPS), TrainingPlan(0, "cpu"), Checkpoints(tmp_path, 1e9)
    with pytest.raises(UserError, match="0 images of the group fear-surprise"):
        made.fit(barred(2), valid, plan, observe=ignore, checkpoints=checkpoints)
