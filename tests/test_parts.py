"""Parts of other packages: those that can't be used are named, and all else works."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ferlab import parts
from ferlab.classifiers.catalogue import METHODS, create
from ferlab.code import closure
from ferlab.code.own import code_of_family
from ferlab.data.images import Faces
from ferlab.datasets import forms
from ferlab.errors import UserError
from ferlab.gan.families import FAMILIES, Family, family_named, networks_of
from ferlab.params import check, load
from ferlab.params.own import own_classifier
from ferlab.parts import CLASSIFIERS, DATASETS, GANS, installed, offers, usable
from ferlab.testing.datasets import pack
from ferlab.yaml_file import read_yaml
from packages import install
from small import REPOSITORY, gan

PART = """
from typing import Literal
from ferlab.params import Features, OwnClassifier
from ferlab.parts import ClassifierPart, DatasetPart

class Settings(OwnClassifier):
    method: Literal["mine"]
    neighbours: int
    features: Features

class Nameless(OwnClassifier):
    pass

class Stranger:
    pass

CLASSIFIER = ClassifierPart(Settings, "mine.work", "Mine", "mine")
OF_ANOTHER_NAME = ClassifierPart(Settings, "mine.work", "Mine", "mine")
INSTANCE = ClassifierPart(3, "mine.work", "Mine", "mine")
NAMELESS = ClassifierPart(Nameless, "mine.work", "Mine", "mine")
STRANGER = ClassifierPart(Stranger, "mine.work", "Mine", "mine")
FORM = DatasetPart(lambda archive: "faces.mine" in archive.namelist(), lambda archive, **_: "read", asked_for=False)
"""
MODULES = {
    "__init__": "",
    "part": PART,
    "work": "from mine import helper\nfrom ferlab.classifiers.svm import Svm as Mine\n",
    "helper": "here = 1\n",
    "other": "",
    "lacking": "import no_such_library",
    "unfinished": "def (",
    "failing": "1 / 0",
}
BROKEN = {
    "lacking": ("mine.lacking:PART", "ModuleNotFoundError: No module named 'no_such_library'"),
    "unfinished": ("mine.unfinished:PART", "SyntaxError"),
    "failing": ("mine.failing:PART", "ZeroDivisionError"),
    "absent": ("mine.nowhere:PART", "ModuleNotFoundError"),
    "unnamed": ("mine.part:NO_SUCH", "AttributeError"),
}
OTHER = {"number": "mine.part:__doc__", "form": "mine.part:FORM"}
MISNAMED = {
    "another": "mine.part:OF_ANOTHER_NAME",
    "any": "mine.part:NAMELESS",
    "none": "mine.part:STRANGER",
    "value": "mine.part:INSTANCE",
}
SETTINGS = {"method": "mine", "neighbours": 3, "features": {"kind": "pixels", "components": None}}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with the package `mine`, without entry points yet."""
    for name, text in MODULES.items():
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / f"{name}.py").write_text(text)
    for name in ("mine", *(f"mine.{module}" for module in MODULES)):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    closure._imports.cache_clear()
    parts._scan.cache_clear()
    return tmp_path


@pytest.fixture(scope="module")
def tree() -> Any:
    return read_yaml(REPOSITORY / "params.yaml")


def using(tree: Any, settings: Mapping[str, Any]) -> Any:
    return {**tree, "classifiers": {**tree["classifiers"], "own": settings}}


def refusal(tree: Any, settings: Mapping[str, Any]) -> UserError:
    with pytest.raises(UserError) as caught:
        check(using(tree, settings), "params.yaml")
    return caught.value


def test_the_names_that_are_taken() -> None:
    assert set(parts.TAKEN[CLASSIFIERS]) == set(METHODS)
    assert set(parts.TAKEN[GANS]) == set(FAMILIES)


def test_who_uses_no_part_pays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is installed is looked at: it would cost each of dozens of processes."""

    def look(_: Any) -> Any:
        raise AssertionError("looked for parts")

    monkeypatch.setattr(parts, "_scan", look)
    params = load(REPOSITORY / "params.yaml")
    assert params.model_dump(mode="json")["classifiers"]
    for name in FAMILIES:
        family_named(name)
    assert all(METHODS[settings.method] for settings in params.classifiers.values())


def test_settings_are_checked_in_the_same_words(site: Path, tree: Any) -> None:
    install(site, "mine", {CLASSIFIERS: {"mine": "mine.part:CLASSIFIER"}})
    params = check(using(tree, SETTINGS), "params.yaml")
    assert params.plain("classifiers.own") == params.model_dump(mode="json")["classifiers"]["own"] == SETTINGS
    for changes, expected in (
        (
            {"neighbors": 3},
            "classifiers.own.neighbors: unknown key (value 3); did you mean classifiers.own.neighbours?",
        ),
        ({"neighbours": "3"}, "classifiers.own.neighbours: '3' is not allowed: input should be a valid integer"),
        ({"features": {"kind": "pixels"}}, "classifiers.own.features.components: missing key"),
        ({"method": "mime"}, "does not match any of the expected tags: 'network', "),
    ):
        assert expected in refusal(tree, {**SETTINGS, **changes}).what
    assert "'mine'" in refusal(tree, {**SETTINGS, "method": "mime"}).what


def test_a_classifier_that_knows_grey_faces_alone_is_refused_in_colour_by_its_name(site: Path, tree: Any) -> None:
    install(site, "mine", {CLASSIFIERS: {"mine": "mine.part:CLASSIFIER"}})
    settings = check(using(tree, SETTINGS), "params.yaml").classifiers["own"]
    with pytest.raises(UserError, match="the classifier 'mine' takes grey faces alone"):
        create(settings, Faces(channels=3))


def test_params_that_run_it_in_colour_are_refused_before_a_stage_begins(site: Path, tree: Any) -> None:
    """And only where it is run."""
    install(site, "mine", {CLASSIFIERS: {"mine": "mine.part:CLASSIFIER"}})
    tree = json.loads(json.dumps(using(tree, SETTINGS)))
    tree["data"]["channels"] = 3
    tree["arms"]["odd"] = tree["arms"]["svm"] | {"classifier": "own"}
    assert check(tree, "params.yaml").data.channels == 3
    alone = tree["run"] | {"families": [], "tuned": [], "arms": {"odd": "none"}}
    both = alone | {"tuned": ["own"], "arms": {"svm": "none"}}
    for run, what in ((alone, "run.arms: 'odd', whose classifier is 'own',"), (both, "run.tuned: 'own'")):
        with pytest.raises(UserError, match=f"{what} takes grey faces alone, and data.channels is 3; set that to 1"):
            check(tree | {"run": run}, "params.yaml")
    assert check(tree | {"run": alone, "data": tree["data"] | {"channels": 1}}, "params.yaml")
    (site / "mine" / "part.py").write_text(PART.replace('"mine")', '"mine", colour=True)'))
    sys.modules.pop("mine.part")
    assert check(tree | {"run": alone}, "params.yaml")


def test_a_family_whose_networks_know_grey_faces_alone_is_refused_in_colour_by_its_name() -> None:
    class Mine(Family):
        def networks(self, settings: Any, n_labels: int, side: int = 48) -> Any:
            return super().networks(settings, n_labels, side)

    mine = Mine(FAMILIES["dcgan"].objective, conditional=False)
    assert networks_of(mine, gan(), 1, 48, 1)
    with pytest.raises(UserError, match=r"test_parts\.Mine makes grey images alone"):
        networks_of(mine, gan(), 1, 48, 3)


@pytest.mark.parametrize("name", BROKEN)
def test_a_part_that_fails_to_import_is_named_where_it_is_used(name: str, site: Path, tree: Any) -> None:
    target, why = BROKEN[name]
    install(site, "broken", {CLASSIFIERS: {name: target}, GANS: {name: target}, DATASETS: {name: target}})
    install(site, "mine", {CLASSIFIERS: {"mine": "mine.part:CLASSIFIER"}})
    error = refusal(tree, {"method": name})
    assert f"'{name}' of broken 0.1.0 can't be imported: {why}" in error.what
    assert target in error.where
    assert type(error.__cause__).__name__ == why.partition(":")[0]
    with pytest.raises(UserError, match=f"GAN family '{name}' of broken"):
        family_named(name)
    assert check(using(tree, SETTINGS), "params.yaml").classifiers["own"].method == "mine"


@pytest.mark.parametrize("name", [*OTHER, *MISNAMED])
def test_what_is_no_part_is_named_where_it_is_used(name: str, site: Path, tree: Any) -> None:
    install(site, "mine", {CLASSIFIERS: OTHER | MISNAMED})
    error = refusal(tree, {"method": name})
    assert f"classifier '{name}' of mine 0.1.0" in error.what
    assert ("OwnClassifier" in error.what) == (name in MISNAMED)


@pytest.mark.parametrize("module", ["mine.nowhere", "nowhere", "mine.lacking", "mine.other"])
def test_a_class_that_cannot_be_imported_is_named(module: str, site: Path, tree: Any) -> None:
    """The settings are there, the class isn't: nothing could be trained, nor named by its code if it isn't there."""
    (site / "mine" / "part.py").write_text(PART.replace("mine.work", module))
    install(site, "mine", {CLASSIFIERS: {"mine": "mine.part:CLASSIFIER"}})
    settings = check(using(tree, SETTINGS), "params.yaml").classifiers["own"]
    with pytest.raises(UserError, match="classifier 'mine' can't be imported: ") as caught:
        create(settings)
    assert isinstance(caught.value.__cause__, ImportError | AttributeError)
    if "nowhere" in module:
        with pytest.raises(UserError, match=f"the source of the module {module} can't be found"):
            closure.closure_hash(METHODS["mine"].path)


@pytest.mark.parametrize("package", [True, False], ids=["package", "one file"])
def test_the_source_of_a_module(package: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ("alone/__init__.py" if package else "alone.py")
    path.parent.mkdir(exist_ok=True)
    path.write_text("import ferlab.classifiers.losses\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = closure.closure("alone", closure.source_of("alone"))
    assert {"alone", "ferlab.classifiers.losses"} <= set(found)
    assert closure.closure_hash("alone")


def test_two_packages_with_one_name_are_refused_by_name(site: Path, tree: Any) -> None:
    entries = {CLASSIFIERS: {"mine": "mine.part:CLASSIFIER"}, GANS: {"gan": "mine.part:FORM"}}
    install(site, "mine", entries)
    install(site, "yours", entries, "2.0")
    said = refusal(tree, SETTINGS).what
    assert "mine 0.1.0" in said
    assert "yours 2.0" in said
    with pytest.raises(UserError, match="several packages have a GAN family called 'gan'"):
        family_named("gan")


def test_a_name_that_is_taken_stays_ferlabs(site: Path, tree: Any) -> None:
    install(site, "mine", {CLASSIFIERS: {"svm": "mine.part:CLASSIFIER"}, GANS: {"dcgan": "mine.part:FORM"}})
    assert check(tree, "params.yaml") == load(REPOSITORY / "params.yaml")
    assert family_named("dcgan") is FAMILIES["dcgan"]
    assert not code_of_family("dcgan")
    for group, find in ((CLASSIFIERS, own_classifier), (GANS, family_named)):
        found, (fault,) = usable(group, find)
        assert not found
        assert "of mine 0.1.0 isn't used: ferlab has one of this name" in fault


def test_a_reader_that_fails_to_import_is_named_once_and_the_others_read(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "readers", {DATASETS: {"a": "mine.lacking:PART", "b": "mine.part:FORM", "c": "mine.part:CLASSIFIER"}})
    with forms.open_archive(pack(tmp_path / "a.zip", {"faces.mine": b"x"})) as archive:
        for _ in range(2):
            reader = forms.recognise(archive)
            assert reader
            assert reader(archive) == "read"  # type: ignore[comparison-overlap]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith(
        "note: the form of a data set 'a' of readers 0.1.0 can't be imported: ModuleNotFoundError"
    )
    assert said[1].startswith("note: the form of a data set 'c' of readers 0.1.0 is no DatasetPart but ClassifierPart")


def test_an_edit_of_its_code_or_another_version_is_another_code(site: Path) -> None:
    """Of what it reaches by imports, in its package and in ferlab; nothing else of the package counts."""
    install(site, "mine", {CLASSIFIERS: {"mine": "mine.part:CLASSIFIER"}, GANS: {"gan": "mine.work:Mine"}})
    assert METHODS["mine"].path == "mine.work"
    reached = closure.closure("mine.work", closure.source_of("mine.work"))
    assert {"mine.work", "mine.helper", "ferlab.classifiers.svm_solver"} < set(reached)
    assert not {"mine.other", "mine.part", "ferlab.params"} & set(reached)
    before, family = closure.closure_hash("mine.work"), code_of_family("gan")
    assert family == {"mine 0.1.0": before}
    for module, seen in (("other", False), ("helper", True)):
        (site / "mine" / f"{module}.py").write_text("# edited\n")
        assert (closure.closure_hash("mine.work") != before) == seen, module
    (site / "mine" / "helper.py").write_text(MODULES["helper"])
    assert closure.closure_hash("mine.work") == before
    (site / "mine-0.1.0.dist-info").rename(site / "gone")
    install(site, "mine", {CLASSIFIERS: {"mine": "mine.part:CLASSIFIER"}}, "0.2.0")
    parts._scan.cache_clear()
    assert installed() == {"mine": "0.2.0"}
    assert closure.closure_hash("mine.work") != before
    assert not offers(GANS)
