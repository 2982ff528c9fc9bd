"""Table 1 as text: Markdown, LaTeX and the cells of the page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ferlab.papers import Paper
from ferlab.params import Params
from ferlab.report.words import DASH, MINUS, NOT_RUN, RUN, signed, standing

LEFT, RIGHT = "---", "---:"
_COLUMNS = {
    "model": LEFT,
    "paper %": RIGHT,
    "our arm": LEFT,
    "ours % (95% interval)": RIGHT,
    "macro F1 %": RIGHT,
    "balanced %": RIGHT,
    "difference, points": RIGHT,
    "verdict": LEFT,
    "seeds": LEFT,
    "training data": LEFT,
}


def table1_markdown(table: pd.DataFrame, params: Params, paper: Paper) -> str:
    """`table1` for reading, as Markdown; its first line says what the numbers are worth."""
    rows = [
        [
            str(row["model"]),
            f"{row['paper_percent']:.2f}",
            f"`{row['arm']}`",
            ours_text(row),
            *(_number(row[f"{key}_percent"]) for key in ("macro_f1", "balanced")),
            difference_text(row),
            verdict_text(row),
            seeds_text(row),
            data_text(row),
        ]
        for row in table.to_dict("records")
    ]
    text = f"{standing(params, paper)}\n\n{markdown_table(_COLUMNS, rows)}"
    methods = sorted({str(method) for method in table["interval"] if method})
    if methods:
        text += (
            f"\nIntervals: {'; '.join(methods)}; in round brackets over seeds, in square ones "
            "over the images. Difference: ours minus the paper's. Balanced: mean recall of the classes.\n"
        )
    return text


def markdown_table(columns: Mapping[str, str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown.

    Args:
        columns: heading -> LEFT or RIGHT.
        rows: a cell a column.
    """
    lines = [list(columns), list(columns.values()), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def table1_latex(table: pd.DataFrame, params: Params, paper: Paper) -> str:
    """`table1` as a LaTeX tabular in the style of booktabs; its first line, a comment, says what it is worth."""
    lines = [f"% {standing(params, paper)}", r"\begin{tabular}{lrrrl}", r"\toprule"]
    lines += [r"model & paper, \% & ours, \% (95\% interval) & difference & claim \\", r"\midrule"]
    for row in table.to_dict("records"):
        cells = [row["model"], f"{row['paper_percent']:.2f}", ours_text(row), difference_text(row), verdict_text(row)]
        lines.append(" & ".join(map(_latex, cells)) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex(text: str) -> str:
    return text.replace("%", r"\%").replace("_", r"\_").replace(DASH, "--").replace(MINUS, "$-$")


def verdict_text(row: Mapping[Any, Any]) -> str:
    """E.g. "DCGAN's images lift ResNET-50: holds, +7.42 (+6.80 to +8.04) over resnet50-oversampled".

    A dash where the row claims nothing.
    """
    if not row["verdict"]:
        return DASH
    gain = gain_text(row)
    return f"{row['claim']}: {row['verdict']}" + (f", {gain}" if gain else "")


def gain_text(row: Mapping[Any, Any]) -> str:
    """E.g. "+0.41 (−0.45 to +1.27) over resnet50-oversampled, +1.02 (+0.15 to +1.89) over the plain arm", in points.

    Empty where there is no gain to speak of.
    """
    parts = [(row["against"], "gain"), ("the plain arm", "plain")]
    return ", ".join(f"{_gain(row, what)} over {of}" for of, what in parts if not pd.isna(row[f"{what}_points"]))


def _gain(row: Mapping[Any, Any], what: str) -> str:
    mean, low, high = (row[f"{what}_{key}"] for key in ("points", "low", "high"))
    return signed(mean) if pd.isna(low) else f"{signed(mean)} ({signed(low)} to {signed(high)})"


def ours_text(row: Mapping[Any, Any]) -> str:
    """E.g. "41.20 (37.10–45.41)", or "41.20 [37.10–45.41]" of one run."""
    if row["status"] != RUN:
        return str(row["status"])
    return f"{row['ours_percent']:.2f} {range_text(row)}"


def range_text(row: Mapping[Any, Any]) -> str:
    """An arm's 95% interval: round brackets over seeds, square ones over the images."""
    left, right = "[]" if row["interval_covers"] == "images" else "()"
    return f"{left}{row['low_percent']:.2f}{DASH}{row['high_percent']:.2f}{right}"


def _number(percent: float) -> str:
    return DASH if pd.isna(percent) else f"{percent:.2f}"


def difference_text(row: Mapping[Any, Any]) -> str:
    """E.g. "−23.08" or "+1.20"; a dash where there is none."""
    return DASH if pd.isna(row["difference_points"]) else signed(row["difference_points"])


def seeds_text(row: Mapping[Any, Any]) -> str:
    """E.g. "0, 1 (2 not run yet)"; a dash where there is none."""
    if row["status"] != RUN:
        return DASH
    missing = f" ({row['seeds_missing'].replace(' ', ', ')} {NOT_RUN})" if row["seeds_missing"] else ""
    return f"{row['seeds']}".replace(" ", ", ") + missing


def data_text(row: Mapping[Any, Any]) -> str:
    """E.g. "drop_contempt, 600 added", or "600 added" where no policy is needed; a dash where there is none."""
    if row["status"] != RUN:
        return DASH
    added = "number added unknown" if pd.isna(row["added_images"]) else f"{row['added_images']:,} added"
    return f"{row['labels']}, {added}" if row["labels"] else added
