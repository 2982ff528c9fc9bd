"""audit: count what is wrong with the faces before anything is trained on them."""

from ferlab.data.images import ImageSet
from ferlab.datasets import forms
from ferlab.datasets.audit import image_table, rows_of_test, summarise, summarise_ckplus
from ferlab.datasets.forms import CKPLUS, FER2013
from ferlab.files import atomic_write, write_json, write_text
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    *fer2013, ckplus = [ImageSet.open(path) for path in context.inputs]
    settings, kind = context.section("audit"), context.section("data.kind")
    sets = {s.split: s for s in fer2013}
    table = image_table(sets, settings.near_constant_std, settings.near_correlation)
    summary = summarise(table)
    differences = forms.differences(FER2013, sets) + forms.differences(CKPLUS, {"all": ckplus})
    audit = {
        "data": {"kind": kind},
        "fer2013": summary,
        "ckplus": summarise_ckplus(ckplus),
        "differences": differences if kind == "real" else [],  # drawn faces have no published counts
    }
    images, figures, tested = context.outs
    with atomic_write(images) as handle:
        table.to_parquet(handle, index=False)
    write_json(figures, audit)
    write_text(tested, rows_of_test(table).to_csv(index=False, lineterminator="\n"))
    copies = summary["copies"]
    context.say(
        f"{copies['test_in_train']['all']} test images have an exact copy in train, "
        f"{copies['test_near_train']['all']} a near copy"
    )


STAGE = Stage(
    name="audit",
    run=run,
    keys=("audit", "data.kind"),
    rooms=("data", "datasets"),
    inputs=("work/prepared/train", "work/prepared/valid", "work/prepared/test", "work/prepared/ckplus"),
    outs=("work/audit/images.parquet", "reports/{budget}/audit.json", "reports/{budget}/test_images.csv"),
)
