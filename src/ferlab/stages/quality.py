"""quality: how varied and how new the synthetic faces are, how near CK+, and whether they show what they claim.

Of a family that is drawn several times, the first draw is judged.
"""

import io

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ferlab.data.images import ImageSet
from ferlab.files import atomic_folder
from ferlab.quality.assess import assess, protocol
from ferlab.quality.features import hog
from ferlab.records.quality import Quality
from ferlab.stages.context import Context, Stage

BLANK = 255  # grey level of a place for which there is no sample


def run(context: Context) -> None:
    settings = context.section("quality")
    sets = {
        name: ImageSet.open(context.input("sources") / name / str(context.section("run.draws")[0]))
        for name in context.section("run.families")
    }
    with threadpool_limits(1):  # the last digits of a product depend on the number of threads
        found, copies = assess(sets, ImageSet.open(context.input("ckplus")), settings, hog)
    with atomic_folder(context.out("samples")) as folder:
        for name, fake in sets.items():
            content = io.BytesIO()
            np.save(content, _shown(fake, copies[name], context.section("synthesis.shown")))
            (folder / f"{name}.npy").write_bytes(content.getvalue())
        if not sets:  # git keeps no empty folder
            (folder / "none.txt").write_text("run.families names no GAN family.\n", encoding="utf-8")
    quality = Quality.of(found | {"protocol": protocol(settings)})
    quality.write(context.out("figures"))
    for name in sets:
        whole = quality.families[name].all
        collapsed = f"collapsed: {', '.join(whole.collapsed)}" if whole.collapsed else "no class collapsed"
        context.say(f"{name}: {collapsed}, {whole.copies} copies of real frames")


def _shown(fake: ImageSet, copies: NDArray[np.bool_], number: int) -> NDArray[np.uint8]:
    """The first samples of each class that are no copies: uint8 (7, number, 48, 48[, 3]), blank where too few are."""
    shown = np.full((len(fake.classes), number, *fake.images.shape[1:]), BLANK, np.uint8)
    for label in range(len(fake.classes)):
        chosen = np.flatnonzero((fake.labels == label) & ~copies)[:number]
        shown[label, : len(chosen)] = fake.images[chosen]
    return shown


STAGE = Stage(
    name="quality",
    run=run,
    keys=("quality", "synthesis.shown", "run.families", "run.draws"),
    rooms=("data", "quality"),
    inputs={"sources": "work/sources", "ckplus": "work/sources/ckplus"},
    outs={"samples": "reports/{budget}/samples", "figures": "reports/{budget}/quality.json"},
)
