"""The import closure, found by reading, is the one that grimp finds."""

import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from ferlab.code import closure as tested
from ferlab.code.closure import EXEMPT, closure, closure_hash
from ferlab.code.source import SOURCE

LATE = """
def late():
    try:
        from many_ways.deep import inner
    except ImportError:
        import many_ways.other
"""
TYPED = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import many_ways.typed
else:
    import many_ways.untyped
"""
WAYS = """
import many_ways.plain
from many_ways import attribute
from . import sibling
from .deep.inner import x as y
"""
TREE = {
    "__init__.py": '"""Nothing."""',
    "start.py": WAYS,
    "plain.py": "import os.path, collections\n",
    "attribute.py": LATE,
    "sibling.py": TYPED,
    "deep/__init__.py": "from many_ways.reached import thing\n",
    "deep/inner.py": "from .. import errors\nx = 1\n",
    "errors.py": "import many_ways.beyond\n",
    **dict.fromkeys(("other.py", "typed.py", "untyped.py", "reached.py", "beyond.py", "unused.py"), "thing = 1\n"),
}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with every way to import."""
    for name, text in TREE.items():
        (tmp_path / "many_ways" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "many_ways" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "many_ways"
    assert not any(name.startswith("many_ways.") for name in sys.modules), "something was imported"


def by_grimp(graph: grimp.ImportGraph, start: str) -> set[str]:
    """Reachable modules, through none that is exempt."""
    package = start.split(".")[0]
    seen, ahead = set[str](), [start]
    while ahead:
        module = ahead.pop()
        if module not in seen and not any(f"{module}.".startswith(f"{package}.{room}.") for room in EXEMPT):
            seen.add(module)
            ahead += graph.find_modules_directly_imported_by(module)
    return seen


@pytest.mark.parametrize("package", ["ferlab.classifiers", "ferlab.gan", "ferlab.stages", "ferlab.report"])
def test_it_is_what_grimp_finds(package: str) -> None:
    graph = grimp.build_graph("ferlab", cache_dir=None, exclude_type_checking_imports=True)
    empty = {module for module in graph.modules if tested._is_empty(module, SOURCE)}
    modules = sorted(module for module in graph.modules if module.startswith(f"{package}."))
    assert len(modules) > 4
    for module in modules:
        assert set(closure(module)) - {module} == by_grimp(graph, module) - empty - {module}, module


def test_every_way_to_import(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "SOURCE", small)
    reached = {"start", "plain", "attribute", "sibling", "deep", "deep.inner", "other", "untyped", "reached"}
    assert closure("many_ways.start", small) == tuple(sorted(f"many_ways.{name}" for name in reached))
    graph = grimp.build_graph("many_ways", cache_dir=None, exclude_type_checking_imports=True)
    # grimp doesn't say that a module of a package runs the package's own file, and what that imports
    assert by_grimp(graph, "many_ways.start") - {"many_ways"} | {"many_ways.deep", "many_ways.reached"} == {
        f"many_ways.{n}" for n in reached
    }


def test_the_hash_follows_the_closure_alone(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "SOURCE", small)
    monkeypatch.setattr(closure, "__defaults__", (small,))
    before = closure_hash("many_ways.start")
    for name, seen in (("unused", False), ("errors", False), ("beyond", False), ("typed", False), ("other", True)):
        path = small / f"{name}.py"
        path.write_text(f"{TREE[path.name]}# edited\n")
        assert (closure_hash("many_ways.start") != before) == seen, name


def test_an_svm_reaches_no_network() -> None:
    svm = closure("ferlab.classifiers.svm")
    assert "ferlab.classifiers.fit" not in svm
    assert "ferlab.classifiers.svm" not in closure("ferlab.classifiers.cnn")
    rooms = {name.split(".")[1] for name in closure("ferlab.stages.train")}
    assert rooms == {"classifiers", "data", "stages", "training"}, "the others can't change a number"
