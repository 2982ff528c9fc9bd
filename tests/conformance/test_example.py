"""The example package passes the suites, and works as its README says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from ferlab.datasets.containers import examine
from ferlab.gan.families import family_named
from ferlab.params import check
from ferlab.params.budgets import WHOLE
from ferlab.testing.datasets import pack
from ferlab.testing.faces import drawn
from ferlab.yaml_file import overlay, read_yaml
from packages import EXAMPLE, install_example
from small import REPOSITORY
from test_conformance import (  # the example's own
    TestCentroid,
    TestLsgan,
    TestNpz,
    test_the_losses_are_those_of_the_paper,
)

__all__ = ["TestCentroid", "TestLsgan", "TestNpz", "test_the_losses_are_those_of_the_paper"]


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    site = tmp_path_factory.mktemp("site")
    install_example(site)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        yield


def test_ferlab_data_add_takes_its_form(tmp_path: Path) -> None:
    sets = {split: drawn(1, split=split) for split in ("train", "valid", "test")}
    path = pack(tmp_path / "arrays.zip", TestNpz().members(sets))
    found = examine([path], allow_partial=True, scratch=tmp_path)["fer2013"]
    assert (found.form, found.lost) == ("FER-2013 as arrays of NumPy", [])
    assert {split: sum(counts.values()) for split, counts in found.counts.items()} == dict.fromkeys(sets, 7)


def test_what_its_readme_puts_into_params_yaml() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)
    tree = read_yaml(REPOSITORY / "params.yaml")
    given = block.replace("<<: *svm, ", "")  # the rest of a row, which stands in params.yaml
    mine = YAML(typ="safe").load(given)
    mine["arms"] = {name: dict(tree["arms"]["svm"]) | row for name, row in mine["arms"].items()}
    overlay(tree, mine, WHOLE)
    params = check(tree, "params.yaml")
    assert params.classifiers["centroid"].method == "centroid"
    assert not family_named("lsgan").conditional
    assert set(params.run.arms) == {"centroid", "centroid-lsgan"}
