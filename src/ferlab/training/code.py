"""Which code something is made of: the modules of ferlab that a module imports, directly or not, and their hash."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import ferlab
from ferlab.files import sha256_file

SOURCE = Path(ferlab.__file__).parent
EXEMPT = ("params", "records", "errors", "files", "project", "yaml_file", "adapters", "execution", "cli")
"""Their code can't change a number, so what they import isn't followed either."""


def code_hash(module: str) -> str:
    """SHA-256 over the names and sources of a module's closure."""
    total = hashlib.sha256()
    for name in sorted(closure(module)):
        total.update(f"{name}\0{sha256_file(_file(name))}\n".encode())
    return total.hexdigest()


def closure(module: str) -> frozenset[str]:
    """The modules of ferlab that `module` reaches by imports, itself included; late imports count, and none is made.

    Left out is what can't change a number, and what is imported for type checkers alone.
    """
    seen, ahead = set[str](), [module]
    while ahead:
        name = ahead.pop()
        if name in seen or (name.split(".")[1:2] and name.split(".")[1] in EXEMPT):
            continue
        seen.add(name)
        ahead += _imports(name)
    return frozenset(seen)


@cache
def _imports(module: str) -> tuple[str, ...]:
    return tuple(_named(ast.parse(_file(module).read_text(encoding="utf-8"))))


def _named(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield below if _exists(below) else node.module
        yield from _named(node)


def _is_ours(name: str) -> bool:
    return name.split(".")[0] == "ferlab" and _exists(name)


def _exists(name: str) -> bool:
    return _file(name).is_file()


def _file(name: str) -> Path:
    path = SOURCE.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
