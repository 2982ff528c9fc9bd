"""What a question's answers say: a row a grid point, against the first one, by the evaluation room's statistics."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ferlab.ablation.plan import place_of
from ferlab.ablation.question import Question, points, shown
from ferlab.ablation.result import Result
from ferlab.errors import UserError
from ferlab.evaluation import predictions
from ferlab.evaluation.comparison import mcnemar, paired
from ferlab.evaluation.intervals import of_runs
from ferlab.evaluation.metrics import agreement
from ferlab.evaluation.predictions import Predictions
from ferlab.files import canonical_json, write_text
from ferlab.project import Project
from ferlab.report.formats import LEFT, markdown_table

PREDICTIONS = "valid.parquet"  # beside an answer
FORMATS = (".csv", ".md", ".json")


def summarise(project: Project, question: Question, answers: Sequence[Result]) -> pd.DataFrame:
    """One row a grid point, in the question's order; the first is the baseline.

    Returns:
        The varied keys; `runs` (answered) and `failed`; `accuracy`, `low`, `high` on PublicTest in percent, a t
        interval over seeds, Wilson's for one, or where the seed changes nothing; `difference` to the baseline in
        points, paired by seed, with its t interval `difference_low`, `difference_high` and `p`; with one seed, or
        where the seed changes nothing, McNemar's exact `p` of the two models' images alone; `test` says which. Where
        people voted on the images, `expected_accuracy` in percent, the mean over seeds, and `expected_difference` to
        the baseline in points, paired by seed.
    """
    groups: dict[str, list[Result]] = {}
    for point in points(question):
        groups.setdefault(canonical_json(dict(point.varied)), []).extend(
            a for a in answers if a.point.name == point.name
        )
    (_, baseline), *_ = groups.items()
    agreed = _agreed(project, answers)
    rows = []
    for answered in groups.values():
        varied = {key: shown(value) for key, value in answered[0].point.varied.items()}
        figures = _figures(project, answered) | _against(project, answered, baseline)
        rows.append(varied | figures | _by_votes(agreed, answered, baseline))
    return pd.DataFrame(rows)


def _figures(project: Project, answers: Sequence[Result]) -> dict[str, object]:
    good = [a for a in answers if a.accuracy is not None]
    counts: dict[str, object] = {"runs": len(good), "failed": sum(a.source == "failed" for a in answers)}
    if not good:
        return counts
    images = len(validation_predictions(project, good[0]).ids)
    found = of_runs([a.accuracy for a in good if a.accuracy is not None], images)
    return counts | {"accuracy": 100 * found.value, "low": 100 * found.low, "high": 100 * found.high}


def _against(project: Project, answers: Sequence[Result], baseline: Sequence[Result]) -> dict[str, object]:
    theirs = {a.point.seed: a for a in baseline if a.accuracy is not None}
    pairs = [(theirs[a.point.seed], a) for a in answers if a.accuracy is not None and a.point.seed in theirs]
    if answers is baseline or not pairs:
        return {}
    before, after = ([float(pair[i].accuracy or 0) for pair in pairs] for i in (0, 1))
    found = paired(before, after)
    figures: dict[str, object] = {"difference": 100 * found.mean}
    if found.varies:
        return figures | {
            "difference_low": 100 * found.low,
            "difference_high": 100 * found.high,
            "p": found.p,
            "test": f"t over {len(pairs)} paired seeds",
        }
    first, second = (validation_predictions(project, a) for a in pairs[0])
    return figures | {"p": mcnemar(first, second).p, "test": "McNemar, these two models only"}


def _agreed(project: Project, answers: Sequence[Result]) -> dict[str, float]:
    """Identity of each training -> its expected accuracy, 0-1; nothing where there are images without votes."""
    found = dict[str, float]()
    for result in answers:
        if result.answer and result.answer.identity not in found:
            said = validation_predictions(project, result)
            if said.votes is None:
                return {}
            found[result.answer.identity] = float(agreement(said).mean())
    return found


def _by_votes(agreed: Mapping[str, float], answers: Sequence[Result], baseline: Sequence[Result]) -> dict[str, object]:
    before, after = (
        {a.point.seed: agreed[a.answer.identity] for a in group if a.answer and agreed} for group in (baseline, answers)
    )
    figures: dict[str, object] = {"expected_accuracy": 100 * np.mean(list(after.values()))} if after else {}
    if answers is not baseline and (shared := before.keys() & after.keys()):
        figures["expected_difference"] = 100 * np.mean([after[seed] - before[seed] for seed in shared])
    return figures


def write(table: pd.DataFrame, path: Path) -> None:
    """Write the table as CSV, Markdown or JSON, by the file's ending.

    Raises:
        UserError: another ending.
    """
    if path.suffix == ".csv":
        write_text(path, table.to_csv(index=False))
    elif path.suffix == ".json":
        write_text(path, json.dumps(json.loads(table.to_json(orient="records")), indent=1) + "\n")
    elif path.suffix == ".md":
        write_text(path, markdown(table))
    else:
        raise UserError(
            f"'{path.name}' ends in none of {', '.join(FORMATS)}",
            where="--out",
            next_step="choose one of these endings",
        )


def validation_predictions(project: Project, result: Result) -> Predictions:
    """What an answered point says of the images that validate."""
    assert result.answer
    return predictions.read(place_of(project, result.answer.identity) / PREDICTIONS)


def markdown(table: pd.DataFrame) -> str:
    """The table in Markdown, figures with two decimals."""
    cells = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return markdown_table(dict.fromkeys(map(str, table.columns), LEFT), cells)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.2f}"
    return str(value)
