"""The wheels that a node lacks: what the project needs by requirements.lock, less what the node has."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename

from ferlab.code.lock import read_lock
from ferlab.errors import UserError
from ferlab.files import must_be_a_file

GLIBC = range(5, 35)  # minor versions of glibc 2 that wheels may ask for; nodes of 2021 and later have the last
_BEFORE_PEP600 = {5: ["manylinux1_x86_64"], 12: ["manylinux2010_x86_64"], 17: ["manylinux2014_x86_64"]}
PLATFORMS = [name for minor in GLIBC for name in (f"manylinux_2_{minor}_x86_64", *_BEFORE_PEP600.get(minor, ()))]
"""Oldest first, as pip prefers them: what is built for an old glibc runs on every node."""

There = Mapping[NormalizedName, str | None]
"""What a node has: name -> version, None where its list doesn't say."""

_LISTED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:===?|\s+@\s+|\s+)(\S+).*")
_NO_PACKAGE = re.compile(r"\s*(#.*|-e .*|Package\s+Version\b.*|[- ]+)?")


@dataclass
class Lacking:
    """What a node lacks, and what it has otherwise than requirements.lock.

    Attributes:
        pins: name -> locked version, of what it lacks.
        left_out: what it has of what the project and `pins` need.
        unlike: of those, name -> version there, locked version.
        unmet: sentences on what a package that is packed asks of the node and doesn't get.
    """

    pins: dict[NormalizedName, str] = field(default_factory=dict)
    left_out: set[NormalizedName] = field(default_factory=set)
    unlike: dict[NormalizedName, tuple[str | None, str]] = field(default_factory=dict)
    unmet: list[str] = field(default_factory=list)


def read_list(path: Path) -> dict[NormalizedName, str | None]:
    """What a node has, by the output of its `pip freeze` or `pip list`.

    Raises:
        UserError: no such file, or a line is of neither; it is numbered.
    """
    must_be_a_file(path, "see --have")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the node's list can't be read: {error}", where=str(path), next_step="see --have") from None
    found = dict[NormalizedName, str | None]()
    for number, line in enumerate(lines, 1):
        if _NO_PACKAGE.fullmatch(line):
            continue
        listed = _LISTED.fullmatch(line)
        if not listed:
            raise UserError(
                f"line {number} names no package: '{line}'",
                where=str(path),
                next_step="on the node: python3 -m pip list > LIST",
            )
        version = listed[2] if re.match(r"\d", listed[2]) else None  # else the place that it was installed from
        found[canonicalize_name(listed[1])] = version
    return found


def must_run(root: Path, python: str) -> None:
    """Raise a UserError unless the project at `root` runs on this version of Python."""
    asked = SpecifierSet(_pyproject(root)["requires-python"])
    if not re.fullmatch(r"3\.\d+", python) or not asked.contains(python):
        raise UserError(
            f"ferlab doesn't run on Python '{python}'; it asks for {asked}",
            where="--python",
            next_step="name the node's, as `python3 --version` there says it: 3.12",
        )


def lacking(root: Path, python: str, there: There) -> Lacking:
    """What the project at `root` needs on a node, without the tools of its developers.

    What a package needs that the node has, is left to the node: it has that too.

    Raises:
        UserError: requirements.lock isn't complete.
    """
    environment = _environment(python)
    locked = read_lock(root / "requirements.lock", environment)
    found, seen = Lacking(), set[tuple[str, frozenset[str]]]()
    ahead = [("ferlab", Requirement(text)) for text in _pyproject(root)["dependencies"]]
    while ahead:
        by, one = ahead.pop()
        name = canonicalize_name(one.name)
        if name not in locked:
            raise UserError(
                f"{by} needs {name}, and there is no version of it for Python {python}",
                where="requirements.lock",
                next_step="`make lock`; or, if other packages are installed here than it names, `make setup`",
            )
        if name in there:
            version = there[name]
            found.left_out.add(name)
            if version != locked[name]:
                found.unlike[name] = version, locked[name]
            if version and not one.specifier.contains(version, prereleases=True):
                found.unmet.append(f"{by} needs {name}{one.specifier}, and the node has {version}")
        elif (name, frozenset(one.extras)) not in seen:
            seen.add((name, frozenset(one.extras)))
            found.pins[name] = locked[name]
            ahead += [(name, other) for other in _needs(name, one.extras, environment)]
    return found


def fetch(pins: Mapping[NormalizedName, str], python: str, folder: Path) -> None:
    """Put a wheel of each pin for x86-64 Linux into `folder`, from the index that pip is set to.

    What comes as source alone is built here.

    Raises:
        UserError: there is no pip, or it finds no such version; or what was built here isn't for that Python.
    """
    if not pins:
        return
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    target = ["--python-version", python, "--implementation", "cp", *platforms]
    _pip("download", "--dest", str(folder), *target, *(f"{name}=={version}" for name, version in pins.items()))
    usable = _tags(python)
    for source in [path for path in folder.iterdir() if path.suffix != ".whl"]:
        before = set(folder.iterdir())
        _pip("wheel", "--wheel-dir", str(folder), str(source))
        source.unlink()
        (built,) = set(folder.iterdir()) - before
        if usable.isdisjoint(parse_wheel_filename(built.name)[3]):
            raise UserError(
                f"{source.name} has to be built, and what is built here isn't for Python {python}: {built.name}",
                where="--python",
                next_step=f"make the archive with Python {python}, or install this on the node and name it in LIST",
            )


def _pip(command: str, *words: str) -> None:
    always = (command, "--quiet", "--no-deps", "--disable-pip-version-check", "--no-input")
    done = subprocess.run([sys.executable, "-m", "pip", *always, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.splitlines()
        said = [line for line in lines if line.startswith("ERROR: ")] or lines[-3:]
        raise UserError("\n".join(said), where=f"pip {command}", next_step="what is on the node, --have leaves out")


def _pyproject(root: Path) -> dict[str, str]:
    try:
        project: dict[str, str] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"it doesn't say what ferlab needs: {error}", where=str(root / "pyproject.toml")) from None
    return project


def _environment(python: str) -> dict[str, str]:
    """What markers of requirements are told of a node."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def _needs(name: str, extras: Iterable[str], environment: Mapping[str, str]) -> list[Requirement]:
    """What an installed package needs on a node; nothing where it isn't installed here, being for the node alone."""
    try:
        every = [Requirement(text) for text in requires(name) or []]
    except PackageNotFoundError:
        return []
    asked = [{**environment, "extra": extra} for extra in ("", *extras)]
    return [one for one in every if not one.marker or any(one.marker.evaluate(values) for values in asked)]


def _tags(python: str) -> frozenset[Tag]:
    """Of wheels that a node can install; those built here are of no named glibc."""
    version = [int(part) for part in python.split(".")]
    platforms = [*PLATFORMS, "linux_x86_64"]
    interpreter = f"cp{python.replace('.', '')}"
    return frozenset([*cpython_tags(version, platforms=platforms), *compatible_tags(version, interpreter, platforms)])
