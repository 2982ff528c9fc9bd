"""`ferlab compare`: do two runs differ?"""

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferlab.cli import complete

if TYPE_CHECKING:
    from ferlab.evaluation.comparison import Difference
    from ferlab.evaluation.contrast import Contrast, Flip, Means, OverSeeds, Seeds
    from ferlab.project import Project
    from ferlab.report.evidence import Evidence

_MLFLOW = re.compile("[0-9a-f]{32}")
_SHOWN = 10  # flipping images on the terminal; --json has them all


def compare(
    first: Annotated[
        str,
        typer.Argument(
            help="An arm, a run (resnet50-0), a prediction file or an MLflow run.", autocompletion=complete.side
        ),
    ],
    second: Annotated[str, typer.Argument(help="The other one, named in the same way.", autocompletion=complete.side)],
    name: Annotated[
        str | None,
        typer.Option("--budget", help="The arms' report; default: params.yaml's.", autocompletion=complete.report),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test whether two runs or two arms differ, and say in which classes and on which images."""
    from ferlab.cli.folder import evidence_of
    from ferlab.evaluation.contrast import contrast
    from ferlab.project import Project

    project = Project.find()
    evidence = evidence_of(project, name) if _is_of_report(first) or _is_of_report(second) else None
    sides = _judged_alike(_runs(project, first, evidence), _runs(project, second, evidence))
    result = contrast(*sides, (first, second))
    if as_json:
        typer.echo(json.dumps(result.plain(), indent=1))
        return
    if evidence:
        typer.echo(_report(evidence))
        for what in filter(_is_of_report, (first, second)):
            typer.echo(f"{what}: {_whose(project, what, evidence)}")
    _tell(result, _page(evidence, first, second) if evidence else None)


def _is_of_report(what: str) -> bool:
    return not (what.endswith(".parquet") or _MLFLOW.fullmatch(what))


def _whose(project: "Project", what: str, evidence: "Evidence") -> str:
    """Whose the runs of one side are, which is of a report."""
    from ferlab.cli.folder import seeds_named
    from ferlab.report.whose import Whose

    found = seeds_named(evidence, what)
    assert found, what
    arm, seeds = found
    origins = [evidence.origins[arm][seed] for seed in seeds]
    return Whose(project, evidence.folder).of_all([(one.identity, one.line) for one in origins])


@dataclass(frozen=True)
class Page:
    """What a report's page says of two arms.

    Attributes:
        difference: with the spread that all its arms share.
        verdict: its word on the claim that these two decide, which is corrected for the claims beside it; None where
            no claim is about them.
        drawn: whether its faces are drawn, so that nothing is decided.
    """

    difference: "Difference"
    verdict: str | None
    drawn: bool


def _page(evidence: "Evidence", first: str, second: str) -> Page | None:
    """None where the two aren't both arms of the report."""
    from ferlab.report.differences import difference
    from ferlab.report.verdict import judge
    from ferlab.report.words import drawn

    if first not in evidence.runs or second not in evidence.runs:
        return None
    found = difference(evidence, second, first)
    words = [one.word for one in judge(evidence) if one.pairs in (((second, first),), ((first, second),))]
    return Page(found, next(iter(words), None), drawn(evidence.params)) if found else None


def _report(evidence: "Evidence") -> str:
    """Which report the arms or runs are of, and whether it can say anything."""
    from ferlab.report.words import drawn

    faces = "drawn faces, which say nothing about the paper" if drawn(evidence.params) else evidence.data_sets.train
    return f"reports/{evidence.folder.name}: {faces}"


def _runs(project: "Project", what: str, evidence: "Evidence | None") -> "Seeds":
    """Seed -> predictions of one side; `evidence` is that of the report which it is of, if of any."""
    from ferlab.errors import UserError
    from ferlab.evaluation import predictions
    from ferlab.files import must_be_a_file
    from ferlab.params.near import did_you_mean

    if what.endswith(".parquet"):
        must_be_a_file(Path(what))
        return {None: predictions.read(Path(what))}
    if _MLFLOW.fullmatch(what):
        from ferlab.adapters.runs import predictions_of

        with tempfile.TemporaryDirectory() as folder:
            return {None: predictions.read(predictions_of(project, what, Path(folder)))}
    from ferlab.cli.folder import seeds_named

    assert evidence, what
    if found := seeds_named(evidence, what):
        arm, seeds = found
        return {seed: evidence.runs[arm][seed] for seed in seeds}
    raise UserError(
        f"'{what}' is no arm or run of {evidence.folder.name}, no .parquet file and no MLflow run",
        where=str(evidence.folder / "predictions"),
        next_step=f"there are {', '.join(evidence.runs) or 'no runs yet'}{did_you_mean(what, evidence.runs)}",
    )


def _judged_alike(first: "Seeds", second: "Seeds") -> "tuple[Seeds, Seeds]":
    """The same runs; without votes where some have none, as in files of before votes were kept."""
    if all(run.votes is not None for run in (*first.values(), *second.values())):
        return first, second
    return _without_votes(first), _without_votes(second)


def _without_votes(runs: "Seeds") -> "Seeds":
    return {seed: replace(run, votes=None) for seed, run in runs.items()}  # type: ignore[return-value]


def _tell(result: "Contrast", page: Page | None) -> None:
    names = f"{result.second} minus {result.first}"
    for pair in result.pairs:
        seed = "" if pair.seed is None else f"seed {pair.seed}: "
        accuracies = [f"{run.accuracy:.2%} ({run.low:.2%} to {run.high:.2%})" for run in (pair.first, pair.second)]
        apart = 100 * (pair.second.accuracy - pair.first.accuracy)
        typer.echo(f"{seed}{' and '.join(accuracies)}: {names} is {apart:+.2f} points")
        typer.echo(f"  {result.second} loses {pair.lost} images that {result.first} has right, and wins {pair.won}")
        typer.echo(f"  McNemar's exact test of these two models: p = {pair.mcnemar_p:.3g}")
    over = result.difference
    if over:
        typer.echo(
            f"{names}, over {over.seeds} seeds: {100 * over.mean:+.2f} points ({100 * over.low:+.2f} to "
            f"{100 * over.high:+.2f}), p = {over.p:.3g}, Cohen's d {over.effect:.2f} "
            f"({over.effect_low:.2f} to {over.effect_high:.2f})"
        )
    typer.echo(_decided(over, page))
    if "expected_accuracy" in result.scores:
        typer.echo(_by_votes(result.scores["expected_accuracy"], result.scores["vote_cross_entropy"]))
    changes = [f"{name} {100 * means.difference:+.1f}" for name, means in result.recall.items()]
    typer.echo(f"recall by class, {names}, points: {', '.join(changes)}")
    typer.echo(f"{len(result.images)} images flip" + (", such as" if result.images else ""))
    for image in _of_each_class(result.images):
        typer.echo(f"  {image.id} ({image.truth}): lost {image.lost}, won {image.won} times")


def _by_votes(expected: "Means", entropy: "Means") -> str:
    return (
        f"judged by the votes, untested: expected accuracy {expected.first:.2%} and {expected.second:.2%}, "
        f"{100 * expected.difference:+.2f} points; cross-entropy {entropy.first:.3f} and {entropy.second:.3f} nats, "
        f"{entropy.difference:+.3f}"
    )


def _decided(over: "OverSeeds | None", page: Page | None) -> str:
    """The page's own word where it has one; else whether an interval holds 0, which is corrected for nothing."""
    if page and page.drawn:
        return "Not decided: drawn faces can't decide anything about real ones."
    if page and page.verdict:
        return f"The page's verdict on the claim that these two decide, corrected for its other claims: {page.verdict}."
    if not over or over.seeds < 3:
        return "Not decided: McNemar's test is of these trained models alone; a verdict needs three seeds."
    if page and page.difference.varies:
        low, high, whose = page.difference.low, page.difference.high, "the report's page, uncorrected"
    else:
        low, high, whose = over.low, over.high, "this pair alone, uncorrected"
    bounds = f"the 95% interval of {whose}, {100 * low:+.2f} to {100 * high:+.2f}"
    if low > 0 or high < 0:
        return f"They differ: {bounds}, excludes 0."
    return f"No difference shown: {bounds}, holds 0."


def _of_each_class(images: "Sequence[Flip]") -> "list[Flip]":
    """Some of the images that flip, of each class in turn."""
    turn = dict[str, int]()
    order = []
    for place, image in enumerate(images):
        turn[image.truth] = turn.get(image.truth, 0) + 1
        order.append((turn[image.truth], place))
    return [images[place] for _, place in sorted(order)[:_SHOWN]]
