"""audit: count what is wrong with the faces before anything is trained on them."""

from ferlab.data.images import ImageSet
from ferlab.datasets import forms
from ferlab.datasets.audit import image_table, rows_of_test, summarise, summarise_ckplus
from ferlab.files import atomic_write, write_text
from ferlab.records.audit import Audit
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    sets = {split: ImageSet.open(context.input(split)) for split in ("train", "valid", "test")}
    ckplus = ImageSet.open(context.input("ckplus"))
    settings = context.section("audit")
    data = context.section("data")
    table = image_table(sets, settings.near_constant_std, settings.near_correlation)
    found = [(data.train, sets), (data.gans, {"all": ckplus})]
    differences = [line for name, counted in found for line in forms.differences(data.form(name), counted)]
    audit = Audit.of(
        {
            "data": {"kind": data.kind},
            "fer2013": summarise(table),
            "ckplus": summarise_ckplus(ckplus),
            "differences": differences if data.kind == "real" else [],  # drawn faces have no published counts
        }
    )
    with atomic_write(context.out("images")) as handle:
        table.to_parquet(handle, index=False)
    audit.write(context.out("summary"))
    write_text(context.out("test_images"), rows_of_test(table).to_csv(index=False, lineterminator="\n"))
    copies = audit.fer2013.copies
    context.say(
        f"{copies.test_in_train['all']} test images have an exact copy in train, "
        f"{copies.test_near_train['all']} a near copy"
    )


STAGE = Stage(
    name="audit",
    run=run,
    keys=("audit", "data"),
    rooms=("data", "datasets"),
    inputs={
        "train": "work/prepared/train",
        "valid": "work/prepared/valid",
        "test": "work/prepared/test",
        "ckplus": "work/sources/ckplus",
    },
    outs={
        "images": "work/audit/images.parquet",
        "summary": "reports/{budget}/audit.json",
        "test_images": "reports/{budget}/test_images.csv",
    },
)
