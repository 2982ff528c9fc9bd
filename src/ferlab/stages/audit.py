"""audit: count what is wrong with the faces before anything is trained on them."""

from ferlab.data.audit import image_table, summarise, summarise_ckplus
from ferlab.data.images import ImageSet
from ferlab.files import write_json
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    *fer2013, ckplus = [ImageSet.open(path) for path in context.inputs]
    table = image_table({s.split: s for s in fer2013}, context.section("audit").near_constant_std)
    audit = {
        "data": {"kind": context.section("data.kind")},
        "fer2013": summarise(table),
        "ckplus": summarise_ckplus(ckplus),
    }
    write_json(context.outs[0], audit)
    leaked = audit["fer2013"]["copies"]["test_in_train"]["all"]
    context.say(f"{leaked} test images have an exact copy in train")


STAGE = Stage(
    name="audit",
    run=run,
    keys=("audit", "data.kind"),
    rooms=("data",),
    inputs=("work/prepared/train", "work/prepared/valid", "work/prepared/test", "work/prepared/ckplus"),
    outs=("reports/{budget}/audit.json",),
)
