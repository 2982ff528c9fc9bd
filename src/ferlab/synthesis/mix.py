"""What an arm adds to FER-2013's training split."""

import numpy as np

from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES, translate

POLICIES = {"drop_contempt": None, "contempt_as_neutral": "neutral"}


def with_fer_labels(added: ImageSet, policy: str) -> ImageSet:
    """Give images of CK+'s classes FER-2013's labels, by name.

    Args:
        added: any set whose classes are CK+'s or FER-2013's.
        policy: `drop_contempt` leaves contempt out, `contempt_as_neutral` calls it neutral. The latter is what merging
            by class number does, where both datasets' class 6 meet.

    Returns:
        The images kept, in their order, with FER-2013's classes; their ids and origins still tell what they are.
    """
    called = POLICIES[policy]
    names = tuple(called if name == "contempt" and called else name for name in added.classes)
    labels = translate(added.labels, names, FER_CLASSES)
    kept = labels >= 0
    part = added.take(kept)
    return ImageSet(part.images, labels[kept], FER_CLASSES, part.ids, part.subjects, part.origins, part.split)


def nothing() -> ImageSet:
    """The empty set, which an arm without added images adds."""
    return ImageSet(np.empty((0, 48, 48), np.uint8), np.empty(0, np.int64), FER_CLASSES, (), (), (), "added")
