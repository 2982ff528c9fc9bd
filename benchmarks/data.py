"""How fast faces are read, searched and opened, against the plain way. `python benchmarks/data.py FER2013.ZIP`

Reading: our reader against one loop that decodes every picture (zipfile and Pillow) and checks nothing.
Near copies: all pairs of the images, in seconds and gigabytes. Opening: ImageSet.open of the training split.
"""

import io
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ferlab.data.images import ImageSet
from ferlab.data.neighbours import near_groups
from ferlab.datasets import forms
from ferlab.datasets.archive import picture_members


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def bare(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        members = picture_members(archive)
        images = np.empty((len(members), 48, 48), np.uint8)
        for i, member in enumerate(members):
            with Image.open(io.BytesIO(archive.read(member))) as picture:
                images[i] = np.asarray(picture)
    return len(images)


def main(path: Path) -> None:
    plain = min(seconds(lambda: bare(path))[0] for _ in range(2))
    ours, reading = min((seconds(lambda: forms.read(path)) for _ in range(2)), key=lambda pair: pair[0])
    print(f"read: bare loop {plain:.1f} s, ours {ours:.1f} s, ratio {ours / plain:.2f}")
    images = np.concatenate([images.images for images in reading.sets.values()])
    took, groups = seconds(lambda: near_groups(images, 0.995))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"near copies among {len(images):,} images: {took:.0f} s, {len(images) - groups.max() - 1} extras")
    print(f"memory of this process at its highest: {memory:.2f} GiB")
    with tempfile.TemporaryDirectory() as folder:
        reading.sets["train"].save(Path(folder) / "train")
        opened = min(seconds(lambda: ImageSet.open(Path(folder) / "train"))[0] for _ in range(20))
        print(f"open {len(reading.sets['train']):,} images: {1000 * opened:.1f} ms")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
