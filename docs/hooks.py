"""What `make docs` adds to MkDocs: the repository's own tree, and a page with the Table 1 of each report."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
SHOWN = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/**/*.md",
    "docs/**/*.png",
    "examples/*.ipynb",
    "reports/*/*.md",
    "reports/*/*.png",
    "reports/*/index.html",
)
TABLES = "reports/README.md"
DASH = "\N{EN DASH}"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace the files of docs/ by those of the whole repository that are shown, under their paths there.

    So a link between two files is the same on the site, in an editor and on a page of a git server.
    """
    kept = [file for file in files if file.src_dir != config.docs_dir]  # the theme's
    found = sorted(path for pattern in SHOWN for path in ROOT.glob(pattern))
    ours = [File(str(path.relative_to(ROOT)), str(ROOT), config.site_dir, config.use_directory_urls) for path in found]
    tables = File.generated(config, TABLES, content=tables_page(ROOT / "reports"))
    return Files([*kept, *ours, tables])


def tables_page(reports: Path) -> str:
    """Markdown: the Table 1 of each report, the paper's numbers beside ours, as its table1.csv has them."""
    parts = [
        "# Table 1 in each report",
        "Each table is the `table1.csv` of a report in `reports/`. Brackets hold the 95% interval: round over seeds, "
        "square over the test images of one run. The report's page has everything else.",
    ]
    for folder in sorted((path.parent for path in reports.glob("*/table1.csv")), key=_order):
        parts += [f"## {folder.name}", _standing(folder), *_table(folder)]
        parts.append(f"[The report's page]({folder.name}/index.html) · [with verdicts]({folder.name}/table1.md)")
    return "\n\n".join(parts) + "\n"


def _order(folder: Path) -> tuple[bool, str]:
    return folder.name == "demo", folder.name  # drawn faces last


def _standing(folder: Path) -> str:
    """What the report says of its own numbers: the first line of its table."""
    return (folder / "table1.md").read_text(encoding="utf-8").partition("\n")[0]


def _table(folder: Path) -> Iterator[str]:
    rows = pd.read_csv(folder / "table1.csv")
    if not (rows["status"] == "run").any():
        yield "No row of the paper's table has been run in this budget."
        return
    head = (
        "| model | the paper's | arm | ours: test accuracy, 95% interval | seeds |\n| --- | ---: | --- | ---: | ---: |"
    )
    yield "\n".join([head, *map(_row, rows.to_dict("records"))])


def _row(row: dict[str, object]) -> str:
    ours = seeds = DASH
    if row["status"] == "run":
        seeds = str(len(str(row["seeds"]).split()))
        low, high = f"{row['low_percent']:.2f}", f"{row['high_percent']:.2f}"
        bounds = f"({low}{DASH}{high})" if str(row["interval"]).startswith("t over") else f"[{low}{DASH}{high}]"
        ours = f"{row['ours_percent']:.2f}% {bounds}"
    return f"| {row['model']} | {row['paper_percent']:.2f}% | `{row['arm']}` | {ours} | {seeds} |"
