"""What each stage's code reaches by imports, late ones included. Run as a program, it judges the `ferlab` on its path.

Prints JSON: stage to the modules that it reaches and that none of its declared rooms holds.
"""

import ast
import json
from importlib.util import find_spec
from pathlib import Path

import grimp

from ferlab.classifiers.catalogue import METHODS, Method
from ferlab.code.closure import closure
from ferlab.stages.table import NAMES, find

EXEMPT = (
    "ferlab.code", "ferlab.params", "ferlab.records", "ferlab.execution", "ferlab.yaml_file", "ferlab.errors",
    "ferlab.files", "ferlab.parts", "ferlab.project", "ferlab.adapters",
    "ferlab.stages.context", "ferlab.stages.table", "ferlab.stages.ledger", "ferlab.cli",
)  # fmt: skip
"""The list at the top of dvc.yaml: their code can't change a number, so what they import isn't followed either."""


def below(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def reachable(graph: grimp.ImportGraph, start: str) -> set[str]:
    """Modules imported from `start`, directly or not, going through no exempt module."""
    seen, ahead = set[str](), [start]
    while ahead:
        module = ahead.pop()
        if module not in seen and not any(below(module, package) for package in EXEMPT):
            seen.add(module)
            ahead += graph.find_modules_directly_imported_by(module)
    return seen


def is_empty(module: str) -> bool:
    """Whether a module holds nothing but a docstring, as a package's own file should."""
    spec = find_spec(module)
    assert spec, module
    assert spec.origin, module
    body = ast.parse(Path(spec.origin).read_text()).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def method_code(method: Method) -> frozenset[str]:
    """The modules whose hash stands for a classifier's method."""
    return closure(method.path)


def undeclared() -> dict[str, list[str]]:
    """Stage to reachable modules outside its own file and its rooms; empty packages' files don't count."""
    graph = grimp.build_graph("ferlab", cache_dir=None, exclude_type_checking_imports=True)
    found = {}
    for name in NAMES:
        start = f"ferlab.stages.{name}"
        declared = [start, *(f"ferlab.{room.replace('/', '.')}" for room in find(name).rooms)]
        outside = {m for m in reachable(graph, start) if not any(below(m, package) for package in declared)}
        if find(
            name
        ).told_code:  # the hash that it is told covers its method's code; the table of methods makes no number
            outside -= {
                "ferlab.classifiers.catalogue",
                *(m for method in METHODS.values() for m in method_code(method)),
            }
        found[name] = sorted(m for m in outside if not is_empty(m))
    return found


if __name__ == "__main__":
    print(json.dumps(undeclared()))
