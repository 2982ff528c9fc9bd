"""What a node is given: all that the project needs by its lock, less what the node has, and no more."""

from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ferlab.bundle.wheels import fetch, lacking, must_run, read_list
from ferlab.errors import UserError
from small import REPOSITORY

HERE = ".".join(default_environment()["python_full_version"].split(".")[:2])
FREEZE = """\
# Editable install with no version control (ferlab==0.1.0)
-e /home/somebody/ferlab
numpy==2.2.0
scikit_learn==1.9.1
torch @ file:///wheels/torch-2.11.0-cp312-cp312-linux_x86_64.whl
"""
COLUMNS = """\
Package         Version          Editable project location
--------------- ---------------- -------------------------
ferlab          0.1.0            /home/somebody/ferlab
numpy           2.2.0
scikit-learn    1.9.1
torch           2.11.0a0+nv25.10
"""


def list_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "have.txt"
    path.write_text(text)
    return path


def test_both_forms_of_a_list(tmp_path: Path) -> None:
    assert read_list(list_of(tmp_path, FREEZE)) == {"numpy": "2.2.0", "scikit-learn": "1.9.1", "torch": None}
    columns = {"ferlab": "0.1.0", "numpy": "2.2.0", "scikit-learn": "1.9.1", "torch": "2.11.0a0+nv25.10"}
    assert read_list(list_of(tmp_path, COLUMNS)) == columns


@pytest.mark.parametrize(
    "line", ["numpy", "[notice] A new release of pip is available", '{"name": "numpy"}', "==2.2.0"]
)
def test_a_line_that_names_no_package_is_numbered(line: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="line 2 names no package"):
        read_list(list_of(tmp_path, f"scipy==1.0\n{line}\n"))


def test_no_list(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be read"):
        read_list(tmp_path / "absent.txt")


def test_what_is_packed_can_be_installed_without_what_is_not() -> None:
    """Everything that an installed package asks for here is packed too; developers' tools aren't."""
    pins = lacking(REPOSITORY, HERE, {}).pins
    assert {"torch", "dvc", "mlflow", "antlr4-python3-runtime"} <= pins.keys()
    assert not {"pytest", "ruff", "mypy", "playwright", "pre-commit"} & pins.keys()
    for name in pins:
        for text in distribution(name).requires or []:
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                assert canonicalize_name(one.name) in pins, (name, text)


def test_what_a_package_of_the_node_needs_is_left_to_the_node() -> None:
    everything = lacking(REPOSITORY, HERE, {}).pins
    with_torch = lacking(REPOSITORY, HERE, {"torch": everything["torch"]}).pins
    assert not [name for name in with_torch if name.startswith(("torch", "nvidia", "triton")) and name != "torchvision"]
    assert with_torch.keys() < everything.keys()
    there = {name: pin for name, pin in everything.items() if name not in ("optuna", "colorlog")}
    found = lacking(REPOSITORY, HERE, there)
    assert found.pins.keys() == {"optuna", "colorlog"}
    assert {"torch", "numpy", "sqlalchemy"} <= found.left_out
    assert not {"sympy", "colorlog"} & found.left_out


def test_each_python_gets_the_versions_that_the_lock_has_for_it() -> None:
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    for line in (line for line in lines if line.startswith("contourpy==")):
        pin, _, marker = line.partition(" ; ")
        python = "3.11" if "< '3.12'" in marker else "3.12"
        assert lacking(REPOSITORY, python, {}).pins["contourpy"] == pin.partition("==")[2]


def test_other_versions_on_the_node_are_named_and_not_packed() -> None:
    """A packed package that asks for more than the node has is named too."""
    locked = lacking(REPOSITORY, HERE, {}).pins
    found = lacking(REPOSITORY, HERE, {"torch": "2.11.0", "pandas": "2.1", "pydantic-core": "0.1", "numpy": None})
    assert not {"torch", "pandas", "pydantic-core", "numpy"} & found.pins.keys()
    assert found.unlike == {
        "torch": ("2.11.0", locked["torch"]),
        "pandas": ("2.1", locked["pandas"]),
        "pydantic-core": ("0.1", locked["pydantic-core"]),
        "numpy": (None, locked["numpy"]),
    }
    assert f"pydantic needs pydantic-core=={locked['pydantic-core']}, and the node has 0.1" in found.unmet
    assert any(text.startswith("ferlab needs pandas") for text in found.unmet)
    assert not any("torch" in text.split(" needs ")[1] for text in found.unmet if text.startswith("ferlab"))


@pytest.mark.parametrize("python", ["3.10", "2.7", "3", "3.12.1", "three", "../3.12"])
def test_a_python_that_ferlab_does_not_run_on(python: str) -> None:
    must_run(REPOSITORY, "3.12")
    with pytest.raises(UserError, match="doesn't run on Python"):
        must_run(REPOSITORY, python)


def test_a_lock_that_lacks_a_package(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text((REPOSITORY / "pyproject.toml").read_text())
    lines = (REPOSITORY / "requirements.lock").read_text().splitlines()
    (tmp_path / "requirements.lock").write_text("\n".join(line for line in lines if not line.startswith("networkx==")))
    with pytest.raises(UserError, match="needs networkx, and there is no version of it"):
        lacking(tmp_path, HERE, {})


@pytest.mark.long
def test_a_version_that_nobody_has_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"funcy==0\.0\.0\.1"):
        fetch({canonicalize_name("funcy"): "0.0.0.1"}, HERE, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long  # the quick tier needs no network
@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_wheels_are_of_the_nodes_python(python: str, tmp_path: Path) -> None:
    """One of any Python, one of each Python its own; from the index that pip is set to here."""
    fetch({canonicalize_name(name): version(name) for name in ("funcy", "markupsafe")}, python, tmp_path)
    any_, own = sorted(path.name for path in tmp_path.iterdir())
    assert any_.endswith("-none-any.whl")
    assert f"-cp{python.replace('.', '')}-manylinux" in own
