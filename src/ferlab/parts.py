"""Parts that other packages bring, found by their entry points.

They are looked for only where a name isn't ferlab's own, or where all are wanted: a look costs some hundredths of a
second, and a pipeline starts dozens of processes.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, TypeVar

from ferlab.errors import UserError

if TYPE_CHECKING:  # a room above
    from zipfile import ZipFile

    from ferlab.datasets.reading import Reading

T = TypeVar("T")

CLASSIFIERS, GANS, DATASETS = "ferlab.classifiers", "ferlab.gans", "ferlab.datasets"
KINDS = {CLASSIFIERS: "classifier", GANS: "GAN family", DATASETS: "form of a data set"}
"""Group of entry points -> what people call one of its parts."""

TAKEN = {
    CLASSIFIERS: (
        "network", "svm", "dfsvm", "l2svm", "transformer", "two_level", "null_model", "bovw", "local_learning",
        "mapped_lbp", "folds",
    ),
    GANS: ("dcgan", "wgan_gp", "cgan", "cgan_plain"),
    DATASETS: ("fer2013", "ckplus", "ferplus", "ckplus_original", "rafdb", "affectnet", "folder"),
}  # fmt: skip
"""Names of ferlab's own, which no other part may have."""


@dataclass(frozen=True)
class ClassifierPart:
    """What an entry point of the group `ferlab.classifiers` names. Importing it should cost next to nothing.

    Attributes:
        settings: a subclass of `ferlab.params.OwnClassifier`, whose `method` is a Literal of the entry point's name.
        module, name: the whole name of the module that holds its class, and the class's. Imported when used.
        title, counts_steps, augments, packs, slow, draws: as of `ferlab.classifiers.catalogue.Method`.
        colour: it takes faces in RGB, uint8 (N, side, side, 3), beside grey ones. Without it, params.yaml is
            refused where it runs it with data.channels 3.
    """

    settings: type[Any]
    module: str
    name: str
    title: str
    counts_steps: bool = False
    augments: bool = False
    packs: bool = False
    slow: bool = False
    draws: bool = True
    colour: bool = False


@dataclass(frozen=True)
class DatasetPart:
    """What an entry point of the group `ferlab.datasets` names: a form in which an archive holds a data set.

    Attributes:
        recognise: whether an archive is of this form, judged by its names and the first bytes of its members.
        read: as of `ferlab.datasets.registry.Form`: reads such an archive whole, with the side, classes and channels
            that are asked for (`ferlab.datasets.fitting.fit` does that of a reading). Raises UserError where it can't.
            One without a parameter `channels` is taken to read grey pictures.
        title, layout: for people; by default the entry point's name.
        classes: all that it has, in their order; empty where that is for the archive to say.
        asked_for: whether it is read only where `--as` names it. Otherwise it is also asked of archives that ferlab
            itself doesn't recognise: of a further form of FER-2013, say.
    """

    recognise: "Callable[[ZipFile], bool]"
    read: "Callable[..., Reading]"
    title: str = ""
    layout: str = ""
    classes: tuple[str, ...] = ()
    asked_for: bool = True


@dataclass(frozen=True)
class Offer:
    """A part by its name, not imported yet. More than one entry: several packages have a part of this name."""

    entries: tuple[EntryPoint, ...]

    @property
    def name(self) -> str:
        return self.entries[0].name

    @property
    def kind(self) -> str:
        return KINDS[self.entries[0].group]

    @property
    def package(self) -> str:
        """The names and versions of the distributions that bring it."""
        return " and ".join(f"{entry.dist.name} {entry.dist.version}" for entry in self.entries if entry.dist)

    @property
    def module(self) -> str:
        """Where the object is that the entry point names."""
        return self.entries[0].module

    def load(self, kind: type[T]) -> T:
        """The object that the entry point names.

        Raises:
            UserError: several packages have a part of this name, its import fails, or it is something else.
        """
        entry = self.entries[0]
        where = f"{self.package}: entry point {entry.group}: {entry.name} = {entry.value}"
        if len(self.entries) > 1:
            raise UserError(
                f"several packages have a {self.kind} called '{self.name}': {self.package}",
                where=f"entry points {entry.group}",
                next_step="uninstall all but one of them, or rename the part in its package",
            )
        found = imported(f"the {self.kind} '{self.name}' of {self.package}", where, entry.load)
        if not isinstance(found, kind):
            raise UserError(
                f"the {self.kind} '{self.name}' of {self.package} is no {kind.__name__} but {found!r}",
                where=where,
                next_step="name a part as docs/guide/own_parts.md has it",
            )
        return found


def imported(what: str, where: str, load: Callable[[], T]) -> T:
    """What `load` returns, an import of another package.

    Raises:
        UserError: the import fails, in whatever way; its cause is the error of the import.
    """
    try:
        return load()
    except Exception as error:  # whatever a module of another package does while it is imported
        raise UserError(
            f"{what} can't be imported: {type(error).__name__}: {error}",
            where=where,
            next_step="mend that package, or install what it needs",
        ) from error


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a part's function takes an argument of this name, which parts of before it was given don't."""
    known = signature(function).parameters.values()
    return any(one.name == name or one.kind is Parameter.VAR_KEYWORD for one in known)


def offers(group: str) -> Mapping[str, Offer]:
    """All parts of a group by their names but those whose name is taken. Nothing is imported."""
    return {name: offer for name, offer in _scan(tuple(sys.path))[group].items() if name not in TAKEN[group]}


@cache
def _scan(_: tuple[str, ...]) -> dict[str, dict[str, Offer]]:
    """What is installed doesn't change while a process runs, but for the path that it is found on."""
    everything = entry_points()
    found: dict[str, dict[str, Offer]] = {}
    for group in KINDS:
        entries = everything.select(group=group)
        found[group] = {name: Offer(tuple(entries.select(name=name))) for name in sorted(entries.names)}
    return found


def usable(group: str, load: Callable[[str], T]) -> tuple[dict[str, T], list[str]]:
    """The parts of a group that can be used, and a sentence for each other one.

    Args:
        load: from a part's name to the part; raises UserError where it can't be used.
    """
    found = dict[str, T]()
    faults = [
        f"the {offer.kind} '{name}' of {offer.package} isn't used: ferlab has one of this name"
        for name, offer in _scan(tuple(sys.path))[group].items()
        if name in TAKEN[group]
    ]
    for name in offers(group):
        try:
            found[name] = load(name)
        except UserError as error:
            faults.append(f"{error.what} ({error.where})")
    return found, faults


def installed(package: str = "") -> dict[str, str]:
    """The distributions that bring parts, name to version.

    Args:
        package: count those alone whose parts lie in this package.
    """
    entries = (entry for group in KINDS for offer in offers(group).values() for entry in offer.entries)
    return {
        entry.dist.name: entry.dist.version
        for entry in entries
        if entry.dist and package in ("", entry.module.partition(".")[0])
    }
