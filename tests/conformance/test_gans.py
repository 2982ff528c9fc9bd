"""Every GAN family of the table does what every family must."""

from pathlib import Path

import pytest

from ferlab.errors import UserError
from ferlab.gan.families import FAMILIES, Family
from ferlab.params import GanFamily, load
from ferlab.parts import GANS, TAKEN
from ferlab.testing.gans import SMALL, GanConformance, train
from ferlab.training.checkpoint import FILE, Checkpoints
from small import REPOSITORY

PARAMS = load(REPOSITORY / "params.yaml")
NAMES = sorted(FAMILIES)


def small(name: str) -> GanFamily:
    return PARAMS.gan.families[name].model_copy(update=SMALL)


def test_every_family_of_the_parameters_exists_and_the_other_way_round() -> None:
    assert set(PARAMS.gan.families) == set(FAMILIES) == set(TAKEN[GANS])


class TestEveryFamily(GanConformance):
    @pytest.fixture(scope="class", params=NAMES)
    @classmethod
    def name(cls, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture(scope="class")
    @classmethod
    def family(cls, name: str) -> Family:
        return FAMILIES[name]

    @pytest.fixture(scope="class")
    @classmethod
    def settings(cls, name: str) -> GanFamily:
        return small(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_of_another_family_is_refused(name: str, tmp_path: Path) -> None:
    """By each of the others; whatever it is, it stays."""
    train(FAMILIES[name], small(name), Checkpoints(tmp_path, 1e9))
    content = (tmp_path / FILE).read_bytes()
    for other in set(NAMES) - {name}:
        with pytest.raises(UserError, match="checkpoint"):
            train(FAMILIES[other], small(other), Checkpoints(tmp_path, 1e9))
        assert (tmp_path / FILE).read_bytes() == content
