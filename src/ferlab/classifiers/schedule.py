"""Learning rate as a function of the step, so that a resume needs no state."""

from math import cos, pi

WARM_UP = 0.3  # share of the steps in which one_cycle rises; torch's OneCycleLR's own defaults
START, END = 1 / 25, 1 / 25e4


def learning_rate(schedule: str, peak: float, step: int, total: int) -> float:
    """The rate of update `step` (0 to total - 1).

    `constant` is the peak throughout. `one_cycle` (Smith & Topin 2018) rises from peak/25 to the peak and falls to
    peak/250000, both along half a cosine, as torch's OneCycleLR does with its defaults.
    """
    if schedule == "constant":
        return peak
    top = WARM_UP * total - 1
    if step <= top:
        return _cosine(START * peak, peak, step / top)
    return _cosine(peak, END * peak, (step - top) / (total - 1 - top))


def rates(schedule: str, peak: float, total: int) -> list[float]:
    """The rate of every update of a training."""
    return [learning_rate(schedule, peak, step, total) for step in range(total)]


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + cos(pi * share))


def batches_per_epoch(images: int, batch_size: int) -> int:
    """Updates an epoch. A last batch may be smaller, but one of a single image is left out: batch norm can't use it."""
    return images // batch_size + (images % batch_size > 1)
