"""The protocol: every family and, as the yardstick, real faces against real faces, at equal sizes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferlab.data.images import ImageSet
from ferlab.data.neighbours import nearest
from ferlab.params import Quality
from ferlab.quality.distribution import fid, kid, manifold
from ferlab.quality.judge import judged
from ferlab.quality.pixels import spread, standardise
from ferlab.quality.reference import Array, Features, Indices, Reference

REAL = "real"  # the yardstick's name among the families
ALL = "all"  # the name of a family's mean over classes
DIGITS = 5  # fewer than float64 has, so that another BLAS writes the same file
Z = 1.96  # half width of a 95% interval, in standard deviations of the bootstrap
RANGES = {
    "diversity": (0.0, np.inf),
    "kid": (-np.inf, np.inf),
    "fid": (0.0, np.inf),
    "precision": (0.0, 1.0),
    "recall": (0.0, 1.0),
    "density": (0.0, np.inf),
    "coverage": (0.0, 1.0),
    "label_consistency": (0.0, 1.0),
    "cas": (0.0, 1.0),
}
"""Every figure with an interval, and where it can lie."""


def assess(
    families: Mapping[str, ImageSet], real: ImageSet, settings: Quality, features: Features
) -> tuple[dict[str, Any], dict[str, NDArray[np.bool_]]]:
    """Judge synthetic sets against CK+.

    Args:
        families: name -> synthetic set with CK+'s classes, the same number of images of each.
        real: CK+.
        features: the recipe, see `features.hog`.

    Returns:
        `{family: {class: figures}}`, where the family `real` is the yardstick and the class `all` the mean over classes
        (for `cas` over images); a figure is `{"value", "low", "high"}` or null where it isn't defined. And for
        each family which of its images are copies of a real frame.
    """
    reference = Reference.of(real, features, settings)
    figures, copies = {REAL: _family(reference, None)[0]}, {}
    for name, fake in families.items():
        figures[name], copies[name] = _family(reference, fake)
    return figures, copies


def _family(reference: Reference, fake: ImageSet | None) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """One family's figures, or with None those of real faces held against other real faces."""
    real, classes = reference.real, reference.real.classes
    labels, pixels = (real.labels, real.images) if fake is None else (fake.labels, np.asarray(fake.images))
    features = reference.features if fake is None else reference.scale(pixels)
    closest, alike = np.arange(len(pixels)), np.ones(len(pixels))
    samples_of: dict[str, Indices] = {}
    draws: dict[str, dict[str, Array]] = {}
    counts: dict[str, dict[str, Any]] = {}
    for name in classes:
        real_ones, samples = reference.of_class(name), np.flatnonzero(labels == classes.index(name))
        if not len(real_ones) or not len(samples):
            continue
        if fake is not None:
            place, alike[samples] = nearest(pixels[samples], np.asarray(real.images)[real_ones])
            closest[samples] = real_ones[place]
        samples_of[name] = samples
        draws[name] = _distances(reference, real_ones, features[samples], fake is None)
        draws[name] |= _diversity(reference, real_ones, pixels[samples], fake)
        counts[name] = _counts(reference, real_ones, alike[samples], draws[name]["diversity"][0], fake is None)
    _add_judgements(reference, draws, samples_of, features, labels, closest, fake is None)
    counts[ALL] = {
        "samples": sum(one["samples"] for one in counts.values()),
        "copies": sum(one["copies"] for one in counts.values()),
        "collapsed": [name for name, one in counts.items() if one["collapsed"]],
    }
    figures = {
        name: counts[name] | {key: _figure(values, *RANGES[key]) for key, values in one.items()}
        for name, one in draws.items()
    }
    return figures, (alike >= reference.settings.copy_correlation) & (fake is not None)


def _add_judgements(
    reference: Reference,
    draws: dict[str, dict[str, Array]],
    samples_of: Mapping[str, Indices],
    features: Array,
    labels: NDArray[np.int64],
    closest: Indices,
    is_real: bool,
) -> None:
    """Add what judges say of each class, and the mean over classes, to the draws.

    Args:
        samples_of: indices of each class's samples.
        features, labels: of all samples.
        closest: index of the real image that each sample resembles most.
    """
    real, folds, ridge = reference.real, reference.folds, reference.settings.ridge
    of_samples = judged(reference.features, real.labels, folds, features, folds[closest], ridge)
    of_real = of_samples
    if not is_real:
        of_real = judged(features, labels, folds[closest], reference.features, folds, ridge)
    for name, samples in samples_of.items():
        real_ones = reference.of_class(name)
        right = of_samples[samples] == labels[samples]
        draws[name]["label_consistency"] = _share(right, reference.weights[:, closest[samples]])
        right = of_real[real_ones] == real.labels[real_ones]
        draws[name]["cas"] = _share(right, reference.weights[:, real_ones])
    draws[ALL] = {key: np.mean([one[key] for one in draws.values()], axis=0) for key in RANGES}
    draws[ALL]["cas"] = _share(of_real == real.labels, reference.weights)


def _distances(reference: Reference, real_ones: Indices, candidates: Array, is_real: bool) -> dict[str, Array]:
    """KID, FID and their like: means over halvings of the distance between one half and as many candidates."""
    rng, halvings = np.random.default_rng(reference.settings.seed), list[dict[str, Array]]()
    for first, second in reference.halves(real_ones):
        if min(len(first), len(second)) < 2:
            continue
        size = min(len(first), len(candidates))
        chosen = reference.features[first] if is_real else candidates[rng.choice(len(candidates), size, replace=False)]
        groups = reference.sequences[first] if is_real else np.arange(size)
        other, weights = reference.features[second], reference.weights[:, second]
        drawn = weights.sum(axis=1) > 1  # a draw may hold nothing of this half
        one = {
            "kid": kid(other, chosen, reference.sequences[second], groups, weights[drawn]),
            "fid": fid(other, chosen, weights[drawn]),
            **manifold(other, chosen, reference.settings.neighbours, weights[drawn]),
        }
        halvings.append({key: _spaced(values, drawn) for key, values in one.items()})
    nothing = np.full(len(reference.weights), np.nan)
    keys = ("kid", "fid", "precision", "recall", "density", "coverage")
    return {key: np.mean([one[key] for one in halvings], axis=0) if halvings else nothing for key in keys}


def _spaced(values: Array, drawn: NDArray[np.bool_]) -> Array:
    every = np.full(len(drawn), np.nan)
    every[drawn] = values
    return every


def _diversity(
    reference: Reference, real_ones: Indices, pixels: NDArray[np.uint8], fake: ImageSet | None
) -> dict[str, Array]:
    """Mean of 1 - correlation over all pairs of samples, divided by that of real images."""
    rows = standardise(np.asarray(reference.real.images)[real_ones])
    between = spread(rows, reference.sequences[real_ones], reference.weights[:, real_ones])
    if fake is None:
        return {"diversity": np.where(between > 0, 1.0, np.nan)}
    within = spread(standardise(pixels), np.arange(len(pixels)), np.ones((1, len(pixels))))
    return {"diversity": np.divide(within, between, out=np.full_like(between, np.nan), where=between > 0)}


def _counts(reference: Reference, real_ones: Indices, alike: Array, diversity: float, is_real: bool) -> dict[str, Any]:
    settings = reference.settings
    return {
        "samples": len(alike),
        "real": len(real_ones),
        "sequences": len(np.unique(reference.sequences[real_ones])),
        "collapsed": bool(diversity < settings.collapse_ratio),
        "copies": 0 if is_real else int((alike >= settings.copy_correlation).sum()),
        "nearest_real": None if is_real else round(float(np.median(alike)), DIGITS),
    }


def _share(right: NDArray[np.bool_], weights: Array) -> Array:
    """Share of right answers in each draw; images count as often as the real sequence that they resemble most."""
    total = weights.sum(axis=1)
    share: Array = np.divide(weights @ right, total, out=np.full_like(total, np.nan), where=total > 0)
    return share


def _figure(draws: Array, lowest: float, highest: float) -> dict[str, float] | None:
    """The value of the whole set, and 1.96 standard deviations of the draws either way."""
    if not np.isfinite(draws[0]):
        return None
    half = Z * float(np.nanstd(draws[1:])) if np.isfinite(draws[1:]).any() else 0.0
    value = float(draws[0])
    low, high = max(lowest, value - half), min(highest, value + half)
    return {"value": round(value, DIGITS), "low": round(low, DIGITS), "high": round(high, DIGITS)}


def protocol(settings: Quality) -> dict[str, Any]:
    """How the figures were made, in words and settings, for the file that holds them."""
    return {
        "features": "histograms of oriented gradients, 900 numbers, standardised on CK+ (ferlab.quality.features.hog)",
        "kid fid precision recall density coverage": "against half of the class's real subjects, with as many "
        "candidates as the other half has images; mean over halvings. The family 'real' is that other half",
        "label_consistency": "share of samples whose intended label a linear judge gives that was trained on real "
        "images without the subjects of the fold of the nearest real frame; for 'real' it's the judge's own accuracy",
        "cas": "accuracy on real images of a linear classifier trained on samples only, without those whose nearest "
        "real frame shows a subject of the tested fold; the GAN itself has seen every subject. For 'real' it's trained "
        "on real images",
        "interval": "95%: 1.96 standard deviations over bootstrap draws of CK+'s sequences; it doesn't cover the GAN's "
        "seed",
        "settings": settings.model_dump(mode="json"),
    }
