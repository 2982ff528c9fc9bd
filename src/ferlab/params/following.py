"""Arms that take the number of their steps, or of the images that they add, from another arm."""

from collections.abc import Mapping

from ferlab.params.experiment import CKPLUS, Arm


def paced_by(arms: Mapping[str, Arm], name: str) -> str:
    """The arm whose images decide how many steps an arm takes: the end of the chain of `match_steps_of`.

    An arm that names none, or itself, takes the steps of its own images.

    Raises:
        ValueError: the chain names an unknown arm, or goes round in a circle.
    """
    chain = [name]
    while (other := arms[chain[-1]].match_steps_of) is not None and other != chain[-1]:
        if other not in arms:
            raise ValueError(f"arms.{chain[-1]}.match_steps_of: '{other}' is not one of {', '.join(arms)}")
        if other in chain:
            raise ValueError(f"arms.{name}.match_steps_of: {' -> '.join((*chain, other))} is a circle")
        chain.append(other)
    return chain[-1]


def check_followed(arms: Mapping[str, Arm], name: str) -> None:
    """Check that what an arm takes from others can be had of them by params.yaml alone.

    Raises:
        ValueError: an arm that it follows is unknown, adds CK+'s own images, or follows others itself where it can't.
    """
    paced, other = paced_by(arms, name), arms[name].oversample_to
    if paced != name:
        _check_counted(arms, name, "match_steps_of", paced)
    if other is None:
        return
    if other not in arms:
        raise ValueError(f"arms.{name}.oversample_to: '{other}' is not one of {', '.join(arms)}")
    if arms[other].oversample_to is not None:
        raise ValueError(f"arms.{name}.oversample_to: '{other}' follows another arm itself")
    _check_counted(arms, name, "oversample_to", other)


def _check_counted(arms: Mapping[str, Arm], name: str, key: str, other: str) -> None:
    if arms[other].synthetic == CKPLUS and arms[other].oversample_to is None:
        raise ValueError(
            f"arms.{name}.{key}: how many images '{other}' adds isn't known before CK+ is read; follow an arm with a "
            "GAN's images"
        )
