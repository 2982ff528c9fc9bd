"""Every form of the data sets does what every form must."""

from collections.abc import Mapping

import pytest

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.datasets.fer2013 import SPLITS
from ferlab.datasets.tables import write_table
from ferlab.testing.datasets import DatasetConformance, Sets
from ferlab.testing.faces import drawn
from small import png

USAGES = {split: usage for usage, split in SPLITS.items()}


class TestFer2013InFolders(DatasetConformance):
    def members(self, sets: Sets) -> Mapping[str, bytes]:
        return {
            f"{'train' if split == 'train' else 'test'}/{images.classes[label]}/{USAGES[split]}_{i}.png": png(image)
            for split, images in sets.items()
            for i, (image, label) in enumerate(zip(images.images, images.labels, strict=True))
        }


class TestFer2013AsATable(DatasetConformance):
    def members(self, sets: Sets) -> Mapping[str, bytes]:
        return {"fer2013.csv": write_table(sets, USAGES).encode()}


class TestCkplusInFolders(DatasetConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def sets(cls) -> Sets:
        return {"all": drawn(2, split="all", classes=CKPLUS_CLASSES)}

    def members(self, sets: Sets) -> Mapping[str, bytes]:
        images = sets["all"]
        return {
            f"CK+48/{images.classes[label]}/S{i:03d}_001_00000012.png": png(image)
            for i, (image, label) in enumerate(zip(images.images, images.labels, strict=True))
        }
