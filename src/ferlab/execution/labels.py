"""GANs of a family that are trained side by side: a task a label, ahead of the family's stage."""

from collections.abc import Callable, Mapping

from ferlab.data.labels import classes_of
from ferlab.execution.cost import START_UP
from ferlab.execution.task import Words
from ferlab.params.data import Data

ALL = "all"  # what the one GAN of a conditional family makes


def labels_of(family: str, data: Data) -> tuple[str, ...]:
    """What each GAN of a family makes: a class of the set that GANs learn from, or all of them."""
    from ferlab.gan.families import family_named  # late: torch, for nothing where no GAN is due

    return (ALL,) if family_named(family).conditional else classes_of(data, data.gans)


def labels_apart(jobs: int, data: Data) -> Callable[[Words, float], Mapping[str, Words]]:
    """A function from a stage's command and its expected seconds to its labels' commands.

    None of a stage that trains no GAN, where only one task runs at a time, or where a label's training costs less than
    two starts of a process.
    """

    def apart(words: Words, seconds: float) -> Mapping[str, Words]:
        if words[2] != "gan" or jobs == 1 or seconds / len(classes_of(data, data.gans)) < 2 * START_UP:
            return {}
        labels = labels_of(words[3], data)
        return {label: (*words, "--label", label) for label in labels if label != ALL}

    return apart
