"""report: every table, figure and the page, from the small files in reports/<budget>/."""

from ferlab.code.commit import read_commit
from ferlab.files import write_text
from ferlab.papers import paper_of
from ferlab.report.render import build
from ferlab.stages.context import Context, Stage


def run(context: Context) -> None:
    folder = context.project.reports(context.params.budget)
    paper = paper_of(context.project, context.params)
    page = build(folder, context.params, paper, dirty=read_commit(context.project).code_dirty)
    # the page can then be rebuilt from this folder alone, whatever params.yaml says by that time
    write_text(folder / "params.yaml", context.project.params.read_text(encoding="utf-8"))
    context.say(f"open {page.relative_to(context.project.root)}")


STAGE = Stage(
    name="report",
    run=run,
    keys=("budget",),
    rooms=("data", "evaluation", "papers", "report"),
    inputs={
        "params": "params.yaml",
        "tuned": "work/tuned",  # made with reports/<budget>/tuning and trials, and there even where nothing is searched
        "predictions": "reports/{budget}/predictions",
        "valid": "reports/{budget}/valid",
        "curves": "reports/{budget}/curves",
        "selection": "reports/{budget}/selection",
        "samples": "reports/{budget}/samples",
        "arms": "reports/{budget}/arms",
        "audit": "reports/{budget}/audit.json",
        "quality": "reports/{budget}/quality.json",
        "test_images": "reports/{budget}/test_images.csv",
    },
    outs={
        "params": "reports/{budget}/params.yaml",
        "index": "reports/{budget}/index.html",
        "table1_md": "reports/{budget}/table1.md",
        "table1_csv": "reports/{budget}/table1.csv",
        "table1_tex": "reports/{budget}/table1.tex",
        "summary": "reports/{budget}/summary.json",
        "ensembles": "reports/{budget}/ensembles.csv",
        "numbers": "reports/{budget}/numbers.json",
        "forest": "reports/{budget}/forest.png",
        "accuracy": "reports/{budget}/accuracy.png",
        "figure1": "reports/{budget}/figure1.png",
        "samples": "reports/{budget}/samples.png",
        "confusion": "reports/{budget}/confusion.png",
        "classes": "reports/{budget}/classes.png",
        "gains": "reports/{budget}/gains.png",
        "usefulness": "reports/{budget}/usefulness.png",
        "curves": "reports/{budget}/curves.png",
        "tuning": "reports/{budget}/tuning.png",
        "data": "reports/{budget}/data.png",
    },
)
