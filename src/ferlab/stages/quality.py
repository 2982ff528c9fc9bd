"""quality: how varied the synthetic faces are, and how many are copies of real frames."""

from dataclasses import asdict

from ferlab.data.images import ImageSet
from ferlab.files import write_json
from ferlab.gan.quality import judge
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    settings = context.section("quality")
    synthetic, ckplus = context.inputs
    real = ImageSet.open(ckplus)
    found = {}
    for family in context.section("run.families"):
        fake = ImageSet.open(synthetic / family)
        found[family] = {
            name: asdict(
                judge(
                    fake.images[fake.labels == fake.classes.index(name)],
                    real.images[real.labels == real.classes.index(name)],
                    settings.collapse_ratio,
                    settings.copy_correlation,
                )
            )
            for name in fake.classes
        }
        collapsed = [name for name, quality in found[family].items() if quality["collapsed"]]
        context.say(f"{family}: " + (f"collapsed: {', '.join(collapsed)}" if collapsed else "no class collapsed"))
    write_json(context.outs[0], found)


STAGE = Stage(
    name="quality",
    run=run,
    keys=("quality", "run.families"),
    rooms=("data", "gan"),
    inputs=("work/synthetic", "work/prepared/ckplus"),
    outs=("reports/{budget}/quality.json",),
)
