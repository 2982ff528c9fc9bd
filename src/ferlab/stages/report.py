"""report: every table, figure and the page, from the small files in reports/<budget>/."""

from ferlab.files import write_text
from ferlab.report.render import build
from ferlab.stages.context import Context, Stage
from ferlab.stages.ledger import commit


def run(context: Context) -> None:
    folder = context.project.reports(context.params.budget)
    # the page can then be rebuilt from this folder alone, whatever params.yaml says by that time
    write_text(folder / "params.yaml", context.project.params.read_text(encoding="utf-8"))
    page = build(folder, context.params, dirty=commit(context.project)["dirty"] == "true")
    context.say(f"open {page.relative_to(context.project.root)}")


STAGE = Stage(
    name="report",
    run=run,
    keys=("budget",),
    rooms=("data", "evaluation", "report"),
    inputs=(
        "params.yaml",
        "reports/{budget}/predictions",
        "reports/{budget}/curves",
        "reports/{budget}/selection",
        "reports/{budget}/samples",
        "reports/{budget}/trials",
        "reports/{budget}/tuning",
        "reports/{budget}/arms.json",
        "reports/{budget}/audit.json",
        "reports/{budget}/quality.json",
        "reports/{budget}/test_images.csv",
    ),
    outs=(
        "reports/{budget}/params.yaml",
        "reports/{budget}/index.html",
        "reports/{budget}/table1.md",
        "reports/{budget}/table1.csv",
        "reports/{budget}/table1.tex",
        "reports/{budget}/numbers.json",
        "reports/{budget}/accuracy.png",
        "reports/{budget}/figure1.png",
        "reports/{budget}/samples.png",
        "reports/{budget}/confusion.png",
        "reports/{budget}/classes.png",
        "reports/{budget}/gains.png",
        "reports/{budget}/usefulness.png",
        "reports/{budget}/curves.png",
        "reports/{budget}/tuning.png",
        "reports/{budget}/data.png",
    ),
)
