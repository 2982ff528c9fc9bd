"""What is wrong with the faces: counted before anything is trained on them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ferlab.data.colour import to_grey
from ferlab.data.ids import sequence
from ferlab.data.images import ImageSet
from ferlab.data.neighbours import first_of_equals, near_groups

HELD_OUT = ("valid", "test")


def image_table(sets: Mapping[str, ImageSet], near_constant_std: float, near_correlation: float) -> pd.DataFrame:
    """One row an image of FER-2013's splits (`train`, `valid`, `test`), in the order of the sets.

    Returns:
        `split`, `id`, `label` (the class's name);
        `duplicate_group`: int64, equal numbers = equal pixels, in all channels;
        `near_group`: int64, equal numbers = connected by correlations above `near_correlation`, or equal pixels;
        `copy_in_train`: bool, an exact copy of this image, which is in valid or test, is in train;
        `copy_in_held_out`: bool, an exact copy of this image, which is in train, is in valid or test;
        `constant`: bool, the pixels' standard deviation (grey levels, 0-255) is below `near_constant_std`.
    """
    table = pd.concat(
        [
            pd.DataFrame({"split": split, "id": images.ids, "label": np.array(images.classes)[images.labels]})
            for split, images in sets.items()
        ]
    ).reset_index(drop=True)
    pixels = np.concatenate([images.images for images in sets.values()])
    table["duplicate_group"] = first_of_equals(pixels)[1]
    table["near_group"] = near_groups(pixels, near_correlation)
    table["copy_in_train"] = _stands_in(table, "duplicate_group", HELD_OUT, ("train",))
    table["copy_in_held_out"] = _stands_in(table, "duplicate_group", ("train",), HELD_OUT)
    spread = np.concatenate([to_grey(images.images).std(axis=(1, 2)) for images in sets.values()])
    table["constant"] = spread < near_constant_std
    return table


def rows_of_test(table: pd.DataFrame) -> pd.DataFrame:
    """What a report needs to recompute scores without leaked copies: the rows of the test split.

    Returns:
        `id`, `label`, `duplicate_group`, `copy_in_train`, `near_copy_in_train` (its near group has an image in train)
        and `constant` of an `image_table`.
    """
    near = _stands_in(table, "near_group", ("test",), ("train",))
    columns = ["id", "label", "duplicate_group", "copy_in_train", "near_copy_in_train", "constant"]
    return table.assign(near_copy_in_train=near)[table["split"] == "test"][columns].reset_index(drop=True)


def summarise(table: pd.DataFrame) -> dict[str, Any]:
    """Figures of FER-2013 from an `image_table`: counts, constant images, duplicates, conflicts, copies across splits.

    Near duplicates are counted among the images that show something; constant ones are set aside.
    """
    repeated = table[table.duplicated("duplicate_group", keep=False)]
    labels = [tuple(sorted(set(part))) for _, part in repeated.groupby("duplicate_group")["label"]]
    conflicts = Counter(names for names in labels if len(names) > 1)
    near = table[~table["constant"]]
    near = near[near.duplicated("near_group", keep=False)]
    constant = table[table["constant"]].groupby("split").size()

    def copies(split: str, *others: str, group: str = "duplicate_group") -> dict[str, int]:
        part = table[_stands_in(table, group, (split,), others)]
        return {"all": len(part)} | _by_label(part)

    return {
        "images": {str(split): _by_label(part) for split, part in table.groupby("split")},
        "constant": {str(split): int(constant.get(split, 0)) for split in table["split"].unique()},
        "duplicates": _groups(repeated["duplicate_group"]) | {"groups_with_conflicting_labels": conflicts.total()},
        "near_duplicates": _groups(near["near_group"]),
        "conflicts": [
            {"labels": list(names), "groups": n}
            for names, n in sorted(conflicts.items(), key=lambda item: (-item[1], item[0]))
        ],
        "copies": {
            "test_in_train": copies("test", "train"),
            "test_in_valid": copies("test", "valid"),
            "test_in_either": copies("test", "train", "valid"),
            "valid_in_train": copies("valid", "train"),
            "test_near_train": copies("test", "train", group="near_group"),
        },
    }


def summarise_ckplus(images: ImageSet) -> dict[str, Any]:
    """Figures of CK+: images, sequences (which are the independent expressions) and subjects, by class.

    Where the subjects aren't known (a table of CK+), there are no sequences to count either: both are 0 or empty.
    """
    table = pd.DataFrame(
        {
            "label": np.array(images.classes)[images.labels],
            "sequence": [sequence(i) for i in images.ids],
            "subject": images.subjects,
        }
    )
    known = table[table["subject"] != ""]
    sequences = known.groupby("label")["sequence"].nunique()
    return {
        "images": _by_label(table),
        "sequences": {str(k): int(v) for k, v in sequences.items()},
        "subjects": int(known["subject"].nunique()),
        "sequences_in_two_classes": int((known.groupby("sequence")["label"].nunique() > 1).sum()),
    }


def _stands_in(table: pd.DataFrame, group: str, splits: tuple[str, ...], others: tuple[str, ...]) -> pd.Series:
    """bool a row: it is of `splits`, and its group has a row of `others`."""
    elsewhere = table[group][table["split"].isin(others)]
    return table["split"].isin(splits) & table[group].isin(elsewhere)


def _by_label(table: pd.DataFrame) -> dict[str, int]:
    return {str(name): int(n) for name, n in table.groupby("label").size().items()}


def _groups(column: "pd.Series[int]") -> dict[str, int]:
    """Of the numbers of groups with several members: how many groups, images, and images beyond a group's first."""
    groups = int(column.nunique())
    return {"groups": groups, "images": len(column), "extras": len(column) - groups}
