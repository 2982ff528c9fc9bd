"""What a module's code reaches by imports, found by reading it: nothing is imported."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ferlab.code.source import SOURCE
from ferlab.errors import UserError
from ferlab.files import sha256_file
from ferlab.parts import installed

EXEMPT = (
    "adapters", "cli", "code", "errors", "execution", "files", "params", "parts", "project", "records", "yaml_file",
)  # fmt: skip
"""ferlab's rooms whose code can't change a number: they aren't part of a closure, nor is what they import."""


def closure_hash(module: str) -> str:
    """Hex SHA-256 of the names and content of all modules in a module's closure.

    Of a module of another package, of that package's version too.
    """
    source = source_of(module)
    digest = hashlib.sha256()
    if source != SOURCE:
        digest.update(f"{installed(source.name)}\n".encode())
    for name in closure(module, source):
        path = _file(name, source)
        assert path, name
        digest.update(f"{name}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()


def source_of(module: str) -> Path:
    """The folder of the package that a module belongs to; of a module without a package, the folder that it might be.

    Raises:
        UserError: of another package, it isn't installed as source.
    """
    top = module.partition(".")[0]
    if top == SOURCE.name:
        return SOURCE
    spec = find_spec(top)
    origin = Path((spec and spec.origin) or "")
    source = origin.parent if origin.name == "__init__.py" else origin.parent / origin.stem
    if origin.suffix != ".py" or _file(module, source) is None:
        raise UserError(
            f"the source of the module {module} can't be found",
            where=str(source),
            next_step="mend its package, or install it as source: results are named by its code",
        )
    return source


def closure(module: str, source: Path = SOURCE) -> tuple[str, ...]:
    """The modules that run, or may run, once `module` is imported: its own imports, late ones included, and theirs.

    Imports for type checkers alone don't count. A package's own file counts if it holds more than a docstring.

    Args:
        module: a dotted name, such as `ferlab.classifiers.svm`.
        source: the folder of the package that it belongs to. Modules of that package and of ferlab count, no others.

    Returns:
        Dotted names, sorted, `module` among them.
    """
    seen = set[str]()
    ahead = [module]
    while ahead:
        name = ahead.pop()
        if name not in seen and not _is_exempt(name):
            seen.add(name)
            ahead += _imports(name, source)
    return tuple(sorted(name for name in seen if name == module or not _is_empty(name, source)))


def _is_exempt(module: str) -> bool:
    parts = module.split(".")
    return len(parts) > 1 and parts[0] == SOURCE.name and parts[1] in EXEMPT


@cache
def _imports(module: str, source: Path) -> frozenset[str]:
    """Modules of its package and of ferlab that a module names in its imports, and the packages that hold it."""
    path = _file(module, source)
    assert path, f"there is no module {module}"
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    parts = module.split(".")
    modules = {".".join(parts[:i]) for i in range(1, len(parts))}
    for name in _named(ast.parse(path.read_bytes()).body, package):
        while name and _file(name, source) is None:  # what is imported from a module is often none itself
            name = name.rpartition(".")[0]
        if name:
            modules.add(name)
    return frozenset(modules)


def _named(body: list[ast.stmt], package: str) -> Iterator[str]:
    """Every dotted name that statements import, those in functions and branches too."""
    ahead: list[ast.AST] = list(body)
    while ahead:
        node = ahead.pop()
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                origin = ".".join([*above, *([module] if module else [])])
                yield from (f"{origin}.{alias.name}" for alias in names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), orelse=otherwise):
                ahead += otherwise
            case _:
                ahead += ast.iter_child_nodes(node)


def _file(module: str, source: Path) -> Path | None:
    """Where a module lies; None for what is no module of this package or of ferlab."""
    top, *parts = module.split(".")
    if top not in (source.name, SOURCE.name):
        return None
    place = (source if top == source.name else SOURCE).joinpath(*parts)
    candidates = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _is_empty(module: str, source: Path) -> bool:
    """Whether a module holds nothing but a docstring."""
    path = _file(module, source)
    assert path, module
    body = ast.parse(path.read_bytes()).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)
