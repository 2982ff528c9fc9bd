"""Identity: every ingredient changes the name, and a change is named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ferlab.code import source as imported
from ferlab.training.identity import Identity, changes, flatten, identify


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy's source, which may be edited."""
    folder = tmp_path / "src"
    for room in ("gan", "data"):
        (folder / room).mkdir(parents=True)
        (folder / room / "fit.py").write_text("1")
    (folder / "files.py").write_text("1")
    monkeypatch.setattr(imported, "SOURCE", folder)
    return folder


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    (folder / "images.npy").write_bytes(b"1")
    return folder


def name_it(faces: Path, **other: Any) -> Identity:
    ingredients: dict[str, Any] = {
        "stage": "gan",
        "arguments": {"family": "dcgan", "seed": 0},
        "params": {"gan.families.dcgan": {"lr": 1e-4, "epochs": 80}, "compute.threads": 2},
        "inputs": {"work/ckplus": faces},
        "rooms": ("gan", "data", "files.py"),
        "device": "cpu",
    }
    return identify(**(ingredients | other))


def test_the_same_ingredients_give_the_same_name(source: Path, faces: Path) -> None:
    turned = {"compute.threads": 2, "gan.families.dcgan": {"epochs": 80, "lr": 1e-4}}
    names = {name_it(faces).name, name_it(faces).name, name_it(faces, params=turned).name}
    assert len(names) == 1
    assert len(names.pop()) == 16


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (
            {"params": {"gan.families.dcgan": {"lr": 1e-3, "epochs": 80}, "compute.threads": 2}},
            "parameter gan.families.dcgan.lr 0.0001 -> 0.001",
        ),
        (
            {"params": {"gan.families.dcgan": {"lr": 1e-4, "epochs": 80}, "compute.threads": 4}},
            "parameter compute.threads 2 -> 4",
        ),
        (
            {"params": {"gan.families.dcgan": {"lr": 1e-4, "epochs": 80}}},
            "parameter compute.threads 2 -> None",
        ),
        ({"arguments": {"family": "dcgan", "seed": 1}}, "argument seed 0 -> 1"),
        ({"device": "cuda"}, "device cpu -> cuda"),
        ({"rooms": ("gan", "files.py")}, "code of data"),
        ({"inputs": {}}, "input work/ckplus"),
    ],
)
def test_each_ingredient_changes_it_and_is_named(
    source: Path, faces: Path, other: Mapping[str, Any], named: str
) -> None:
    before, after = name_it(faces), name_it(faces, **other)
    assert before.name != after.name
    assert changes(before.manifest, after.manifest) == [named]


def test_an_edited_input(source: Path, faces: Path) -> None:
    """The content counts, not the name."""
    before = name_it(faces)
    (faces / "images.npy").write_bytes(b"2")
    after = name_it(faces)
    assert before.name != after.name
    assert changes(before.manifest, after.manifest) == ["input work/ckplus"]


@pytest.mark.parametrize(("file", "named"), [("gan/fit.py", "code of gan"), ("files.py", "code of files.py")])
def test_an_edited_line_of_code(source: Path, faces: Path, file: str, named: str) -> None:
    before = name_it(faces)
    (source / file).write_text("2")
    after = name_it(faces)
    assert before.name != after.name
    assert changes(before.manifest, after.manifest) == [named]


def test_another_stage_is_another_name(source: Path, faces: Path) -> None:
    assert name_it(faces).name != name_it(faces, stage="train").name


def test_no_change() -> None:
    manifest = {"params": {"a": {"b": 1}}, "inputs": {}, "code": {}, "arguments": {}, "device": "cpu"}
    assert changes(manifest, dict(manifest)) == []


def test_flatten() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": [1, 2]}, "e": None}) == {"a.b.c": 1, "a.d": [1, 2], "e": None}
