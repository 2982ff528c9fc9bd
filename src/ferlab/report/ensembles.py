"""The ensembles that a budget's runs make without any training: over an arm's seeds, over networks, over everything."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ferlab.evaluation.comparison import Flips, align, mcnemar
from ferlab.evaluation.ensemble import RULES
from ferlab.evaluation.intervals import Interval, wilson
from ferlab.evaluation.metrics import scores
from ferlab.evaluation.predictions import Predictions
from ferlab.params import NetworkClassifier
from ferlab.report.evidence import Evidence
from ferlab.report.runs import read_runs

NETWORKS, ALL = "all networks", "all runs"
DECIMALS = 6  # of percentages in ensembles.csv


@dataclass(frozen=True)
class Ensemble:
    """Some runs of a budget, combined by one rule.

    Attributes:
        name: the arm whose seeds they are, NETWORKS or ALL.
        rule: of `evaluation.ensemble.RULES`.
        members: runs, e.g. `resnet50-0`.
        not_run: runs that the budget names and that would be members.
        combined: what they say together of the split `test`.
        alone: what the members say of it, in the same order of rows.
        best: the member with the highest accuracy on validation, the first of equals; None where that isn't on file.
    """

    name: str
    rule: str
    members: tuple[str, ...]
    not_run: tuple[str, ...]
    combined: Predictions
    alone: Mapping[str, Predictions]
    best: str | None

    @property
    def accuracy(self) -> Interval:
        """0-1, with Wilson's interval: the members are given, and the images are what could have been others."""
        return wilson(int(self.combined.correct.sum()), len(self.combined.ids))

    @property
    def mean(self) -> float:
        """The members' mean accuracy, 0-1."""
        return float(np.mean([run.correct.mean() for run in self.alone.values()]))

    @property
    def against_best(self) -> Flips | None:
        """McNemar's exact test against the best member."""
        return mcnemar(self.alone[self.best], self.combined) if self.best else None


def ensembles(evidence: Evidence) -> list[Ensemble]:
    """Every ensemble of a report's runs.

    Weights and stacking are fitted where what all members say of validation is on file, and validation judges none of
    them. Arms that pick their epoch on the test split are left out.

    Raises:
        UserError: as `evaluation.ensemble.aligned`.
    """
    return list(_made(evidence))


def _made(evidence: Evidence) -> Iterator[Ensemble]:
    params, runs = evidence.params, evidence.test_runs
    fair = [arm for arm in params.run.arms if params.arms[arm].select_on != "test"]
    test = {f"{arm}-{seed}": run for arm in fair for seed, run in runs.get(arm, {}).items()}
    known = {
        f"{arm}-{seed}": run
        for arm, seeds in read_runs(evidence.folder, params, ("valid",)).items()
        for seed, run in seeds.items()
        if "valid" not in params.arms[arm].tests
    }
    networks = [arm for arm in fair if isinstance(params.classifiers[params.arms[arm].classifier], NetworkClassifier)]
    groups: dict[str, list[str]] = {arm: [arm] for arm in fair}
    if len(networks) > 1:
        groups[NETWORKS] = networks
    if len(fair) > len(networks):
        groups[ALL] = fair
    seen = set[tuple[str, ...]]()
    for name, arms in groups.items():
        planned = [f"{arm}-{seed}" for arm in arms for seed in params.run.seeds]
        members = {run: test[run] for run in planned if run in test}
        if len(members) < 2 or tuple(members) in seen:
            continue
        seen.add(tuple(members))
        valid = {run: known[run] for run in members if run in known}
        for rule, combine in RULES.items():
            if rule == "average" or len(valid) == len(members):
                combined = combine(members, valid)
                alone = {run: align(combined, one) for run, one in members.items()}
                absent = tuple(run for run in planned if run not in members)
                yield Ensemble(name, rule, tuple(members), absent, combined, alone, _best(evidence, members))


def _best(evidence: Evidence, members: Mapping[str, Predictions]) -> str | None:
    accuracies = {}
    for run in members:
        arm, _, seed = run.rpartition("-")
        selection = evidence.selection(arm, int(seed))
        if selection is None:
            return None
        accuracies[run] = selection.valid_accuracy
    return max(accuracies, key=lambda run: accuracies[run])


def table(made: list[Ensemble]) -> pd.DataFrame:
    """A row an ensemble, as ensembles.csv holds it; percentages of the split `test`."""
    return pd.DataFrame([_row(one) for one in made], columns=COLUMNS)


COLUMNS = (
    "ensemble", "rule", "members", "not_run", "test_images", "accuracy_percent", "low_percent", "high_percent",
    "macro_f1_percent", "balanced_percent", "members_percent", "best_member", "best_percent", "only_best",
    "only_ensemble", "mcnemar_p", "identity",
)  # fmt: skip


def _row(one: Ensemble) -> dict[str, Any]:
    interval, flips = one.accuracy, one.against_best
    measured = scores(one.combined)
    return {
        "ensemble": one.name,
        "rule": one.rule,
        "members": " ".join(one.members),
        "not_run": " ".join(one.not_run),
        "test_images": len(one.combined.ids),
        "accuracy_percent": _percent(interval.value),
        "low_percent": _percent(interval.low),
        "high_percent": _percent(interval.high),
        "macro_f1_percent": _percent(measured["macro_f1"]),
        "balanced_percent": _percent(measured["balanced_accuracy"]),
        "members_percent": _percent(one.mean),
        "best_member": one.best or "",
        "best_percent": _percent(float(one.alone[one.best].correct.mean())) if one.best else float("nan"),
        "only_best": flips.lost if flips else pd.NA,
        "only_ensemble": flips.won if flips else pd.NA,
        "mcnemar_p": float(f"{flips.p:.6g}") if flips else float("nan"),
        "identity": one.combined.run,
    }


def _percent(share: float) -> float:
    return round(100 * share, DECIMALS)
