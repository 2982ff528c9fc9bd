"""The protocol: every family and, as the yardstick, real faces against real faces, at equal sizes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from ferlab.data.ids import sequence
from ferlab.data.images import ImageSet
from ferlab.params import Quality
from ferlab.quality.distribution import fid, kid, manifold
from ferlab.quality.judge import judged, subject_folds
from ferlab.quality.pixels import nearest, spread, standardise

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Features = Callable[[NDArray[np.uint8]], Array]
"""uint8 (N, 48, 48) -> float64 (N, d)."""

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


@dataclass(frozen=True)
class Ground:
    """What CK+ gives to every family's judgement. Rows of `weights` are draws of sequences; the first is CK+ itself."""

    real: ImageSet
    features: Array
    sequences: Ints
    folds: Ints
    weights: Array
    scale: Callable[[NDArray[np.uint8]], Array]
    settings: Quality

    @classmethod
    def of(cls, real: ImageSet, features: Features, settings: Quality) -> "Ground":
        raw = features(np.asarray(real.images))
        scaler = StandardScaler().fit(raw)
        names, sequences = np.unique([sequence(i) for i in real.ids], return_inverse=True)
        label_of = np.zeros(len(names), np.int64)
        label_of[sequences] = real.labels
        rng = np.random.default_rng(settings.seed)
        draws = np.ones((1 + settings.resamples, len(names)))
        for label in np.unique(label_of):  # a class keeps its number of sequences
            own = np.flatnonzero(label_of == label)
            draws[1:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), settings.resamples)
        return cls(
            real=real,
            features=scaler.transform(raw),
            sequences=sequences,
            folds=subject_folds(real.labels, real.subjects, settings.folds, settings.seed),
            weights=draws[:, sequences],
            scale=lambda images: scaler.transform(features(images)),
            settings=settings,
        )

    def of_class(self, name: str) -> NDArray[np.intp]:
        return np.flatnonzero(self.real.labels == self.real.classes.index(name))

    def halves(self, own: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Images of one half of the subjects, and of the other; the same halvings for every family."""
        subjects = np.array(self.real.subjects)[own]
        for number in range(self.settings.halves):
            order = np.random.default_rng((self.settings.seed, number)).permutation(np.unique(subjects))
            first = np.isin(subjects, order[: len(order) // 2])
            yield own[first], own[~first]


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
    ground = Ground.of(real, features, settings)
    found, copies = {REAL: _family(ground, None)[0]}, {}
    for name, fake in families.items():
        found[name], copies[name] = _family(ground, fake)
    return found, copies


def _family(ground: Ground, fake: ImageSet | None) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """One family's figures, or with None those of real faces held against other real faces."""
    real, classes = ground.real, ground.real.classes
    labels, pixels = (real.labels, real.images) if fake is None else (fake.labels, np.asarray(fake.images))
    features = ground.features if fake is None else ground.scale(pixels)
    closest, alike = np.arange(len(pixels)), np.ones(len(pixels))
    draws: dict[str, dict[str, Array]] = {}
    plain: dict[str, dict[str, Any]] = {}
    for name in classes:
        own, mine = ground.of_class(name), np.flatnonzero(labels == classes.index(name))
        if not len(own) or not len(mine):
            continue
        if fake is not None:
            place, alike[mine] = nearest(pixels[mine], np.asarray(real.images)[own])
            closest[mine] = own[place]
        draws[name] = _apart(ground, own, features[mine], fake is None) | _varied(ground, own, pixels[mine], fake)
        plain[name] = _counted(ground, own, alike[mine], draws[name]["diversity"][0], fake is None)
    told = judged(ground.features, real.labels, ground.folds, features, ground.folds[closest], ground.settings.ridge)
    learned = told if fake is None else judged(
        features, labels, ground.folds[closest], ground.features, ground.folds, ground.settings.ridge
    )  # fmt: skip
    for name in draws:
        own, mine = ground.of_class(name), np.flatnonzero(labels == classes.index(name))
        draws[name]["label_consistency"] = _share(told[mine] == labels[mine], ground.weights[:, closest[mine]])
        draws[name]["cas"] = _share(learned[own] == real.labels[own], ground.weights[:, own])
    draws[ALL] = {key: np.mean([one[key] for one in draws.values()], axis=0) for key in RANGES}
    draws[ALL]["cas"] = _share(learned == real.labels, ground.weights)
    plain[ALL] = {
        "samples": sum(one["samples"] for one in plain.values()),
        "copies": sum(one["copies"] for one in plain.values()),
        "collapsed": [name for name, one in plain.items() if one["collapsed"]],
    }
    figures = {
        name: plain[name] | {key: _figure(values, *RANGES[key]) for key, values in one.items()}
        for name, one in draws.items()
    }
    return figures, (alike >= ground.settings.copy_correlation) & (fake is not None)


def _apart(ground: Ground, own: NDArray[np.intp], candidates: Array, is_real: bool) -> dict[str, Array]:
    """KID, FID and their like: means over halvings of the distance between one half and as many candidates."""
    rng, found = np.random.default_rng(ground.settings.seed), list[dict[str, Array]]()
    for first, second in ground.halves(own):
        if min(len(first), len(second)) < 2:
            continue
        size = min(len(first), len(candidates))
        chosen = ground.features[first] if is_real else candidates[rng.choice(len(candidates), size, replace=False)]
        groups = ground.sequences[first] if is_real else np.arange(size)
        reference, weights = ground.features[second], ground.weights[:, second]
        drawn = weights.sum(axis=1) > 1  # a draw may hold nothing of this half
        one = {
            "kid": kid(reference, chosen, ground.sequences[second], groups, weights[drawn]),
            "fid": fid(reference, chosen, weights[drawn]),
            **manifold(reference, chosen, ground.settings.neighbours, weights[drawn]),
        }
        found.append({key: _spaced(values, drawn) for key, values in one.items()})
    nothing = np.full(len(ground.weights), np.nan)
    keys = ("kid", "fid", "precision", "recall", "density", "coverage")
    return {key: np.mean([one[key] for one in found], axis=0) if found else nothing for key in keys}


def _spaced(values: Array, drawn: NDArray[np.bool_]) -> Array:
    every = np.full(len(drawn), np.nan)
    every[drawn] = values
    return every


def _varied(
    ground: Ground, own: NDArray[np.intp], pixels: NDArray[np.uint8], fake: ImageSet | None
) -> dict[str, Array]:
    """Diversity: mean of 1 - correlation over all pairs of samples, divided by that of real images."""
    rows = standardise(np.asarray(ground.real.images)[own])
    between = spread(rows, ground.sequences[own], ground.weights[:, own])
    if fake is None:
        return {"diversity": np.where(between > 0, 1.0, np.nan)}
    within = spread(standardise(pixels), np.arange(len(pixels)), np.ones((1, len(pixels))))
    return {"diversity": np.divide(within, between, out=np.full_like(between, np.nan), where=between > 0)}


def _counted(ground: Ground, own: NDArray[np.intp], alike: Array, diversity: float, is_real: bool) -> dict[str, Any]:
    settings = ground.settings
    return {
        "samples": len(alike),
        "real": len(own),
        "sequences": len(np.unique(ground.sequences[own])),
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
