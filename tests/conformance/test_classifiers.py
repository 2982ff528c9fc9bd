"""Every classifier of the catalogue does what every classifier must."""

from collections.abc import Mapping
from typing import Any

import pytest

from ferlab.classifiers.catalogue import METHODS
from ferlab.params import Augmentation, load
from ferlab.parts import CLASSIFIERS, TAKEN
from ferlab.testing.classifiers import ClassifierConformance
from small import REPOSITORY, UNCHANGED

PARAMS = load(REPOSITORY / "params.yaml")
SMALL_NETWORK = {"width": 0.0625, "epochs": 2, "batch_size": 8, "lr": 0.05}
FEW_WORDS = {"words": 30, "vocabulary_images": 10}
SMALL: dict[str, Mapping[str, Any]] = {  # laid on the settings of params.yaml, by method
    "network": SMALL_NETWORK,
    "svm": {"max_iterations": 500},
    "l2svm": SMALL_NETWORK,
    "transformer": SMALL_NETWORK,
    "two_level": {"network": SMALL_NETWORK},
    "null_model": {"filters": 8, "patches": 500, "grid": 4, "alpha": 100.0},
    "dfsvm": {"training": {"width": 0.0625, "epochs": 2, "batch_size": 8, "lr": 0.02}},
    "bovw": {"features": FEW_WORDS},
    "local_learning": {"features": FEW_WORDS, "neighbours": 15},
    "mapped_lbp": {"radii": [2], "network": SMALL_NETWORK},
    "folds": {"folds": 2, "network": SMALL_NETWORK},
}
OF_SEVERAL = {"dfsvm", "two_level", "local_learning", "mapped_lbp", "folds"}  # networks, trained one after the other
# the first needs ImageNet's weights; the others differ from another row in numbers only
LEFT_OUT = {"dfsvm", "resnet50-paper", "vgg16-paper", "null_model-searched"}
NAMES = sorted(set(PARAMS.classifiers) - LEFT_OUT)


def small(name: str, **changes: Any) -> Any:
    settings = PARAMS.classifiers[name]
    update = {**SMALL[settings.method], **changes}
    parts = {"training", "features", *(["network"] if settings.method in ("two_level", "mapped_lbp", "folds") else [])}
    for key in parts & SMALL[settings.method].keys():
        update[key] = getattr(settings, key).model_copy(update=update[key])
    if getattr(settings, "networks", ()):
        update["networks"] = {"vgg16": settings.networks["vgg16"].model_copy(update=SMALL_NETWORK)}
    return settings.model_copy(update=update)


def test_every_entry_has_a_row_in_the_parameters() -> None:
    rows = PARAMS.classifiers.values()
    assert {row.method for row in rows} == set(METHODS) == set(SMALL) == set(TAKEN[CLASSIFIERS])


class TestEveryClassifier(ClassifierConformance):
    @pytest.fixture(scope="class", params=NAMES)
    @classmethod
    def name(cls, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls, name: str) -> Any:
        return small(name)

    @pytest.fixture(scope="class")
    @classmethod
    def of_several(cls, name: str) -> bool:
        return PARAMS.classifiers[name].method in OF_SEVERAL

    @pytest.fixture(scope="class")
    @classmethod
    def enough(cls, name: str) -> Any:
        settings: Any = PARAMS.classifiers[name]
        longer: dict[str, Any] = {}
        if METHODS[settings.method].counts_steps:
            longer = {"epochs": 12, "schedule": "one_cycle"}
            longer["augmentation"] = settings.augmentation.model_copy(update={"translation": 0.0})
        elif settings.method in ("two_level", "mapped_lbp", "folds"):
            epochs = 24 if settings.method == "folds" else 12  # each sees half of the images
            longer["network"] = {**SMALL_NETWORK, "epochs": epochs, "augmentation": Augmentation(**UNCHANGED)}
        elif settings.method == "dfsvm":
            longer["training"] = SMALL["dfsvm"]["training"] | {"epochs": 8}
        elif name == "svm":  # as many components as images would leave nothing but noise
            longer["features"] = settings.features.model_copy(update={"components": 10})
        return small(name, **longer)
