"""Visual words: the nearest of a vocabulary's descriptors, for each of an image's own (Csurka et al. 2004)."""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils.validation import check_is_fitted

from ferlab.classifiers.sift import BATCH, WIDTH, Grid, dense_sift
from ferlab.errors import UserError

NO_WORD = 65535  # of a place where there is nothing to see
POINTS_A_STEP = 4096  # descriptors of a mini-batch of k-means
SEES_ALL = 20  # times, at most, that k-means sees each descriptor


class VisualWords(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Images to visual words, a transformer of scikit-learn.

    Args:
        grid: where an image's descriptors are.
        size: words of the vocabulary.
        images: on the descriptors of so many images, drawn from those that it is fitted on, k-means is run; on all if
            there are fewer.
        seed: decides that draw and k-means' first words.

    Attributes:
        vocabulary_: float32 (size, 128), once fitted.
        iterations_: steps that k-means made.
    """

    def __init__(self, grid: Grid, size: int, images: int, seed: int = 0) -> None:
        self.grid, self.size, self.images, self.seed = grid, size, images, seed

    def fit(self, images: NDArray[np.uint8], y: None = None) -> Self:
        """Find the words by mini-batch k-means (Sculley 2010), scikit-learn's.

        Args:
            images: uint8 (N, side, side), or in RGB.

        Raises:
            UserError: a vocabulary larger than the number of different descriptors.
        """
        drawn = np.random.default_rng(self.seed).permutation(len(images))[: self.images]
        rows = [batch.reshape(-1, WIDTH) for batch in dense_sift(images[np.sort(drawn)], self.grid)]
        descriptors = np.concatenate([np.empty((0, WIDTH), np.float32), *rows])
        descriptors = descriptors[descriptors.any(axis=1)]
        if len(descriptors) <= 4 * self.size:  # quick to count only where they are few
            descriptors = np.unique(descriptors, axis=0)
        if len(descriptors) < self.size:
            raise UserError(
                f"a vocabulary of {self.size:,} words needs as many different descriptors, and {len(drawn):,} training "
                f"images give {len(descriptors):,}",
                where="params.yaml: classifiers, words and vocabulary_images",
                next_step="lower words, or raise vocabulary_images where there are more images",
            )
        means = MiniBatchKMeans(
            self.size, batch_size=POINTS_A_STEP, max_iter=SEES_ALL, n_init=1, random_state=self.seed
        )
        self.vocabulary_ = means.fit(descriptors).cluster_centers_.astype(np.float32)
        self.iterations_ = int(means.n_steps_)
        return self

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """The number of the nearest word at each place of the grid.

        Args:
            images: uint8 (N, side, side), or in RGB.

        Returns:
            uint16 (N, places of the grid); 65535 where an image shows nothing.
        """
        check_is_fitted(self, "vocabulary_")
        columns = torch.from_numpy(self.vocabulary_).T.contiguous()
        half_squares = (columns**2).sum(dim=0) / 2
        words = np.empty((len(images), len(self.grid.centres())), np.uint16)
        for i, batch in enumerate(dense_sift(images, self.grid)):
            for row, descriptors in zip(words[i * BATCH :], torch.from_numpy(batch), strict=False):
                # image by image: a product's last bits may depend on its shape, and no image's words on its neighbours
                nearest = torch.addmm(-half_squares, descriptors, columns).argmax(dim=1)
                row[:] = torch.where(descriptors.any(dim=1), nearest, NO_WORD).numpy()
        return words


def presence(words: NDArray[np.uint16], grid: Grid, size: int, pyramid: tuple[int, ...]) -> csr_matrix:
    """Which words occur in which part of an image: a spatial pyramid (Lazebnik et al. 2006) of presence vectors.

    Args:
        words: uint16 (N, places of the grid), of `VisualWords.transform`.
        size: words of the vocabulary.
        pyramid: cells along the side of the image, a level each. A word is in the cell in which its descriptor
            has its centre.

    Returns:
        float32 (N, size x cells of all levels) in 0-1: 1 where a word occurs, each row then scaled to length 1. A row
        of zeros stands for an image that shows nothing.
    """
    centres = grid.centres()
    columns, width = [], 0
    for level in pyramid:
        down, across = np.minimum((centres * level / grid.side).astype(np.int32), level - 1).T
        columns.append(width + (down * level + across) * np.int32(size) + words.astype(np.int32))
        width += level**2 * size
    seen = np.tile(words != NO_WORD, len(pyramid))
    indices = np.concatenate(columns, axis=1)[seen]
    starts = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
    rows = csr_matrix((np.ones(len(indices), np.float32), indices, starts), (len(words), width))
    rows.sum_duplicates()
    lengths = np.sqrt(np.diff(rows.indptr)).astype(np.float32)
    rows.data = np.repeat(1 / np.maximum(lengths, 1), np.diff(rows.indptr)).astype(np.float32)
    return rows
