"""What is wrong with the faces: counted before anything is trained on them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data import ckplus
from ferlab.data.images import ImageSet


def image_table(sets: Mapping[str, ImageSet], near_constant_std: float) -> pd.DataFrame:
    """One row an image of FER-2013's splits.

    Returns:
        Columns `split`, `id`, `label` (class name), `group` (equal numbers = equal pixels) and `constant`
        (standard deviation of the pixels, in grey levels 0-255, below `near_constant_std`).
    """
    table = pd.concat(
        pd.DataFrame(
            {
                "split": split,
                "id": images.ids,
                "label": np.array(images.classes)[images.labels],
                "pixels": [image.tobytes() for image in images.images],
                "constant": images.images.std(axis=(1, 2)) < near_constant_std,
            }
        )
        for split, images in sets.items()
    ).reset_index(drop=True)
    table["group"] = pd.factorize(table["pixels"])[0]
    return table.drop(columns="pixels")


def summarise(table: pd.DataFrame) -> dict[str, Any]:
    """Figures of FER-2013 from an `image_table`: counts, constant images, exact duplicates, copies across splits."""
    sizes = table.groupby("group")["id"].transform("size")
    repeated = table[sizes > 1]
    labels = repeated.groupby("group")["label"].nunique()
    in_split = {split: set(part["group"]) for split, part in table.groupby("split")}

    def copies(split: str, *others: str) -> dict[str, int]:
        elsewhere = set[int]().union(*(in_split[other] for other in others))
        part = table[(table["split"] == split) & table["group"].isin(elsewhere)]
        counted = part.groupby("label").size()
        return {"all": len(part)} | {str(name): int(n) for name, n in counted.items()}

    constant = table[table["constant"]].groupby("split").size()
    return {
        "images": {
            str(split): {str(k): int(v) for k, v in part.groupby("label").size().items()}
            for split, part in table.groupby("split")
        },
        "constant": {split: int(constant.get(split, 0)) for split in in_split},
        "duplicates": {
            "groups": int(repeated["group"].nunique()),
            "images": len(repeated),
            "extras": len(repeated) - int(repeated["group"].nunique()),
            "groups_with_conflicting_labels": int((labels > 1).sum()),
        },
        "copies": {
            "test_in_train": copies("test", "train"),
            "test_in_valid": copies("test", "valid"),
            "test_in_either": copies("test", "train", "valid"),
            "valid_in_train": copies("valid", "train"),
        },
    }


def summarise_ckplus(images: ImageSet) -> dict[str, Any]:
    """Figures of CK+: images, sequences (which are the independent expressions) and subjects, by class."""
    table = pd.DataFrame(
        {
            "label": np.array(images.classes)[images.labels],
            "sequence": [ckplus.sequence(i) for i in images.ids],
            "subject": images.subjects,
        }
    )
    by_class = table.groupby("label")
    return {
        "images": {str(k): int(v) for k, v in by_class.size().items()},
        "sequences": {str(k): int(v) for k, v in by_class["sequence"].nunique().items()},
        "subjects": int(table["subject"].nunique()),
        "sequences_in_two_classes": int((table.groupby("sequence")["label"].nunique() > 1).sum()),
    }
