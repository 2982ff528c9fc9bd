"""How fast visual words and local learning are, against the plain ways. `python benchmarks/visual_words.py`

Descriptors: ours against OpenCV's SIFT on the same grid, where OpenCV is installed. Similarities of an image to all
others: ours (a product of sparse matrices) against scikit-learn's brute-force neighbours and against products of dense
blocks. The machines of an image: ours (one linear system) against scikit-learn's LinearSVC and SVC on the same
neighbours, which solve another problem (a hinge for squares). Seconds are of the processor, one thread, on smooth
noise. Prints, besides, what the whole of FER-2013 would take.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_limits

from ferlab.classifiers.local_learning import local_values
from ferlab.classifiers.sift import Grid, dense_sift
from ferlab.classifiers.visual_words import VisualWords, presence

GRID, WORDS, PYRAMID, NEIGHBOURS = Grid((3, 4, 6), 3), 1000, (1, 2, 3, 4), 300
TRAIN, TEST, ALL = 28_709, 3_589, 35_887
JUDGED = 64  # images that are judged here


def seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def faces(n: int) -> np.ndarray[Any, Any]:
    """Smooth noise: something to see at every place, as in faces."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.random((n, 1, 12, 12), dtype=np.float32))
    fine = torch.nn.functional.interpolate(coarse, (48, 48), mode="bicubic").clamp(0, 1)
    return (fine[:, 0] * 255).byte().numpy()


def opencv(images: np.ndarray[Any, Any]) -> float | None:
    try:
        import cv2
    except ImportError:
        return None
    cv2.setNumThreads(1)
    sizes = np.repeat(GRID.bins, [len(GRID.starts(size)) ** 2 for size in GRID.bins])
    points = [
        cv2.KeyPoint(float(x), float(y), float(2 * size / 3), 0.0)  # its bins are 1.5 times a point's size
        for (y, x), size in zip(GRID.centres(), sizes, strict=True)
    ]
    sift = cv2.SIFT_create()
    return seconds(lambda: [sift.compute(image, points) for image in images])


def main(n: int) -> None:
    images = faces(n)
    some = images[: min(n, 512)]
    took = seconds(lambda: [None for _ in dense_sift(some, GRID)])
    print(f"descriptors: {1000 * took / len(some):.2f} ms an image, {took / len(some) * ALL:.0f} s for {ALL:,}")
    if theirs := opencv(some[:64]):
        print(f"  OpenCV's SIFT: {1000 * theirs / 64:.2f} ms, ratio {theirs / 64 / (took / len(some)):.1f}")
    bag = VisualWords(GRID, WORDS, 500)
    print(f"vocabulary of {WORDS:,} words: {seconds(lambda: bag.fit(images)):.0f} s")
    took = seconds(lambda: bag.transform(some))
    print(f"words, descriptors included: {1000 * took / len(some):.2f} ms, {took / len(some) * ALL:.0f} s for {ALL:,}")

    words = bag.transform(images)
    rows, labels = presence(words, GRID, WORDS, PYRAMID), np.arange(n) % 7
    across, judged = rows.T.tocsr(), rows[:JUDGED]
    ours = seconds(lambda: (judged @ across).toarray()) / JUDGED
    search = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute", metric="cosine").fit(rows)
    theirs = seconds(lambda: search.kneighbors(judged)) / JUDGED
    dense = torch.from_numpy(judged[:8].toarray())
    blocks = range(0, n, 1000)
    in_blocks = seconds(lambda: [dense @ torch.from_numpy(rows[i : i + 1000].toarray()).T for i in blocks]) / 8
    print(f"similarities to {n:,} images: {1000 * ours:.1f} ms an image")
    print(f"  scikit-learn, brute force: ratio {theirs / ours:.1f}; dense blocks of eight: {in_blocks / ours:.1f}")

    similar = (judged @ across).toarray().astype(np.float64)
    near = [np.argpartition(-row, NEIGHBOURS)[:NEIGHBOURS] for row in similar]
    grams = [(rows[i] @ rows[i].T).toarray().astype(np.float64) for i in near]
    products = seconds(lambda: [(rows[i] @ rows[i].T).toarray() for i in near]) / JUDGED
    solve = seconds(
        lambda: [local_values(g, s[i], labels[i], 7, 3.0) for g, s, i in zip(grams, similar, near, strict=True)]
    )
    whole = products + solve / JUDGED
    linear = seconds(lambda: [LinearSVC(C=3.0, tol=1e-2).fit(rows[i], labels[i]) for i in near[:8]]) / 8
    kernel = seconds(
        lambda: [SVC(C=3.0, kernel="precomputed").fit(g, labels[i]) for g, i in zip(grams, near, strict=True)]
    )
    print(f"machines of {NEIGHBOURS} neighbours: {1000 * products:.1f} ms of products and {1000 * solve / JUDGED:.1f}")
    print(
        f"  LinearSVC: ratio {linear / whole:.1f}; SVC on the same products: {(products + kernel / JUDGED) / whole:.2f}"
    )
    total = (ours * TRAIN / n + whole) * TEST
    print(f"local learning of {TEST:,} images: {total:.0f} s, beside their words")
    print(
        f"memory of this process at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=4000)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        main(parser.parse_args().images)
