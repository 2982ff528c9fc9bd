"""The numbers in README and docs are those of the committed reports: recomputed from predictions, never copied once."""

import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pandas as pd
import pytest

from ferlab.data.labels import CKPLUS_CLASSES
from ferlab.evaluation.comparison import paired
from ferlab.params.budgets import with_budget
from ferlab.params.migration import load_published
from ferlab.report.differences import interval, paired_difference
from ferlab.report.evidence import Evidence
from ferlab.report.tables import accuracy
from ferlab.report.words import signed
from reports import PAPER
from small import REPOSITORY

PAGES = ("README.md", "docs/findings.md")
MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"
FOLDER = re.compile(r"`reports/(\w+)/`")
ACCURACY = re.compile(rf"^\| `([\w-]+)`[^|]*\| (\d+\.\d\d% \(\d+\.\d\d{DASH}\d+\.\d\d\))")
SIGNED = rf"[+{MINUS}]\d+\.\d\d"
GAIN = re.compile(rf"^\| `([\w-]+)` {MINUS} `([\w-]+)`[^|]*\| ({SIGNED})(?: \| ({SIGNED} to {SIGNED}))?")
BOTH = re.compile(
    rf"^\| `([\w-]+)` over `([\w-]+)` \| ({SIGNED} \({SIGNED} to {SIGNED}\)) \| ({SIGNED} \({SIGNED} to {SIGNED}\))"
)
INTERVAL = re.compile(rf"({SIGNED})(?: points)? \((?:95% interval )?({SIGNED} to {SIGNED})")
BESIDE = re.compile(r"lands where the paper's does: (\d\d\.\d\d%) against (\d\d\.\d\d%)")
TABLE1 = re.compile(r"^\| `([\w-]+)`: ([^|]*) \| ([^|]*) \| (\d+\.\d\d)% \|")
QUALITY = re.compile(r"^\| (\w+) \| (\d+) \| (\d\.\d\d) \| (yes|no) \| (\d+) \| (\d\.\d\d) \| (\d\.\d\d) \|")
FAMILY = re.compile(r"^\| `(\w+)` \| frames \|")


def told(page: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(budget, what the pattern finds) of each line of a page; the budget is the report's that was named last."""
    budget = ""
    for line in (REPOSITORY / page).read_text(encoding="utf-8").splitlines():
        if folder := FOLDER.search(line):
            budget = folder[1]
        if found := pattern.match(line):
            yield budget, found.groups()


def evidence(budget: str) -> Evidence:
    folder = REPOSITORY / "reports" / budget
    return Evidence(folder, load_published(folder / "params.yaml"))


@pytest.mark.parametrize("page", [*PAGES, "docs/neighbours.md"])
def test_accuracies_follow_from_the_predictions(page: str) -> None:
    rows = list(told(page, ACCURACY))
    assert len(rows) >= 4
    for budget, (arm, shown) in rows:
        found = accuracy(evidence(budget).runs[arm])
        assert shown == f"{found.value:.2%} ({100 * found.low:.2f}{DASH}{100 * found.high:.2f})", (budget, arm)


def test_table_1_of_readme_is_the_papers_whole_one() -> None:
    """Its rows in its order; what has not been run says so."""
    rows = [row for _, row in told("README.md", TABLE1)]
    assert [(arm, model, percent) for arm, model, _, percent in rows] == [
        (row.arm, row.model, f"{row.percent:.2f}") for row in PAPER.rows
    ]
    run = evidence("cpu").runs
    assert [ours.startswith("not run") for _, _, ours, _ in rows] == [row.arm not in run for row in PAPER.rows]


def named_before(text: str, place: int) -> str:
    """The budget of the report that a text named last before a place."""
    return FOLDER.findall(text, 0, place)[-1]


def test_gains_in_sentences_are_differences_between_arms() -> None:
    """Of three seeds, as their interval shows, in the report that the text names before."""
    text = " ".join((REPOSITORY / "README.md").read_text(encoding="utf-8").split())
    told_there = [(named_before(text, found.start()), *found.groups()) for found in INTERVAL.finditer(text)]
    budgets = {budget for budget, *_ in told_there}
    assert {"cpu", "gpu"} <= budgets
    known = set()
    for budget in budgets:
        one = evidence(budget)
        for pair in permutations([arm for arm, seeds in one.runs.items() if len(seeds) > 1], 2):
            if gain := paired_difference(one, *pair):
                mean, low, high = (signed(100 * points) for points in (gain.mean, gain.low, gain.high))
                known.add((budget, mean, f"{low} to {high}"))
    assert [told for told in told_there if told not in known] == []


def test_what_the_quoted_systems_come_to_together_is_the_reports() -> None:
    text = " ".join((REPOSITORY / "docs" / "neighbours.md").read_text(encoding="utf-8").split())
    (shown,) = re.findall(rf"weighted on PublicTest, give (\d\d\.\d\d% \(\S+{DASH}\S+\))", text)
    table = pd.read_csv(REPOSITORY / "reports" / "neighbours" / "ensembles.csv").set_index(["ensemble", "rule"])
    one = table.loc[("all runs", "weighted")]
    assert shown == f"{one.accuracy_percent:.2f}% ({one.low_percent:.2f}{DASH}{one.high_percent:.2f})"


@pytest.mark.parametrize("page", PAGES)
def test_the_plain_network_is_told_beside_the_papers(page: str) -> None:
    text = " ".join((REPOSITORY / page).read_text(encoding="utf-8").split())
    (found,) = BESIDE.finditer(text)
    ours = accuracy(evidence(named_before(text, found.start())).runs["resnet50"]).value
    (printed,) = (row.percent for row in PAPER.rows if row.arm == "resnet50")
    assert found.groups() == (f"{ours:.2%}", f"{printed:.2f}%")


def test_the_gpu_budget_is_what_its_report_was_made_with() -> None:
    """Today's has further arms; what both have is the same training."""
    then = load_published(REPOSITORY / "reports" / "gpu" / "params.yaml")
    _, now = with_budget(REPOSITORY, "gpu")
    for key in ("classifiers.resnet50", "gan.seed", "gan.families.dcgan", "synthesis", "run.seeds", "run.draws"):
        assert now.plain(key) == then.plain(key), key
    assert {name: now.arms[name] for name in then.run.arms} == {name: then.arms[name] for name in then.run.arms}
    assert then.run.arms.items() <= now.run.arms.items()


def test_gains_follow_from_the_predictions() -> None:
    rows = list(told("docs/findings.md", GAIN))
    assert len(rows) >= 3
    for budget, (higher, lower, shown, bounds) in rows:
        found = paired_difference(evidence(budget), higher, lower)
        assert found is not None
        assert shown == signed(100 * found.mean), (budget, higher, lower)
        if bounds:
            assert bounds == f"{signed(100 * found.low)} to {signed(100 * found.high)}", (budget, higher, lower)


def test_gains_on_both_splits_are_the_predictions_and_the_last_epochs() -> None:
    rows = list(told("docs/findings.md", BOTH))
    assert len(rows) == 4
    for budget, (higher, lower, private, public) in rows:
        one = evidence(budget)
        last = [
            [pd.read_csv(one.folder / "curves" / f"{arm}-{seed}.csv")["valid_accuracy"].iloc[-1] for seed in range(3)]
            for arm in (lower, higher)
        ]
        on_private = paired_difference(one, higher, lower)
        assert [interval(on_private), interval(paired(*last))] == [private, public], (higher, lower)


def test_the_images_figures_are_the_reports() -> None:
    """By report, family and expression: frames, diversity, collapse, copies, label consistency, coverage."""
    tables = list(told("docs/findings.md", FAMILY))
    rows = list(told("docs/findings.md", QUALITY))
    assert len(tables) >= 2
    assert [(budget, row[0]) for budget, row in rows] == [(b, name) for b, _ in tables for name in CKPLUS_CLASSES]
    families = [family for _, (family,) in tables for _ in CKPLUS_CLASSES]
    for family, (budget, (name, *shown)) in zip(families, rows, strict=True):
        quality = evidence(budget).quality[family].classes[name]
        values = [f"{quality.value(key):.2f}" for key in ("diversity", "label_consistency", "coverage")]
        collapsed = "yes" if quality.collapsed else "no"
        expected = [str(quality.real), values[0], collapsed, str(quality.copies), *values[1:]]
        assert shown == expected, (budget, family, name)


def test_every_page_of_the_docs_that_readme_names_is_there() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\(((?:docs|reports)/[^)#]*)\)", text)
    assert named
    assert [path for path in named if not (REPOSITORY / Path(path)).exists()] == []
