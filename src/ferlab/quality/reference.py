"""What CK+ gives to every family's judgement."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from ferlab.data.ids import sequence
from ferlab.data.images import ImageSet
from ferlab.data.splits import subject_folds
from ferlab.params import Quality

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Features = Callable[[NDArray[np.uint8]], Array]
"""uint8 (N, side, side) or (N, side, side, 3) -> float64 (N, d)."""


@dataclass(frozen=True)
class Reference:
    """Real faces with what every comparison needs of them.

    Attributes:
        real: CK+, N images.
        features: (N, d), standardised.
        sequences: int64 (N,), the number of each frame's sequence.
        folds: int64 (N,), by subject.
        weights: (R, N), how often each image counts in each draw of sequences; the first draw is CK+ itself.
        scale: the features of other images on the same scale.
        settings: of the protocol.
    """

    real: ImageSet
    features: Array
    sequences: NDArray[np.int64]
    folds: NDArray[np.int64]
    weights: Array
    scale: Features
    settings: Quality

    @classmethod
    def of(cls, real: ImageSet, features: Features, settings: Quality) -> "Reference":
        raw = features(np.asarray(real.images))
        scaler = StandardScaler().fit(raw)
        names, sequences = np.unique(
            [sequence(i) if known else i for i, known in zip(real.ids, real.subjects, strict=True)], return_inverse=True
        )
        label_of = np.zeros(len(names), np.int64)
        label_of[sequences] = real.labels
        rng = np.random.default_rng(settings.seed)
        draws = np.ones((1 + settings.resamples, len(names)))
        for label in np.unique(label_of):  # a class keeps its number of sequences
            of_label = np.flatnonzero(label_of == label)
            n = len(of_label)
            draws[1:, of_label] = rng.multinomial(n, np.full(n, 1 / n), settings.resamples)
        return cls(
            real=real,
            features=scaler.transform(raw),
            sequences=sequences,
            folds=subject_folds(real, settings.folds, settings.seed),
            weights=draws[:, sequences],
            scale=lambda images: scaler.transform(features(images)),
            settings=settings,
        )

    def of_class(self, name: str) -> Indices:
        """Indices of a class's images."""
        return np.flatnonzero(self.real.labels == self.real.classes.index(name))

    def halves(self, chosen: Indices) -> Iterator[tuple[Indices, Indices]]:
        """Images of one half of the chosen ones' subjects, and of the other; the same halvings for every family."""
        subjects = np.array(self.real.subjects)[chosen]
        for number in range(self.settings.halves):
            order = np.random.default_rng((self.settings.seed, number)).permutation(np.unique(subjects))
            first = np.isin(subjects, order[: len(order) // 2])
            yield chosen[first], chosen[~first]
