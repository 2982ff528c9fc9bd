"""An ablation on the terminal: a live table where there is one, plain lines elsewhere."""

import sys
import time
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.live import Live
from rich.table import Table

from ferlab.ablation.plan import Planned
from ferlab.ablation.question import Point, Question
from ferlab.ablation.result import Result
from ferlab.cli.progress import duration
from ferlab.evaluation.intervals import over_seeds

REFRESH = 2.0  # times a second, at most: a table of thousands of runs takes a while to make


class Display:
    """Shows how far the points are. Use as a context manager; `watch` and `heard` are called as they go on."""

    def __init__(self, question: Question, planned: Sequence[Planned], jobs: int, silent: bool) -> None:
        self.question, self.jobs, self.silent = question, jobs, silent
        self._planned = list(planned)
        self._progress: dict[str, str] = {}
        self._answers: dict[str, Result] = {}
        self._began = time.monotonic()
        self._console = Console(stderr=True)
        self._live = None if silent or not sys.stderr.isatty() else self._live_table()

    def __enter__(self) -> "Display":
        if self._live:
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def watch(self, point: Point, words: str) -> None:
        """A point's training says how far it is."""
        self._progress[point.name] = words

    def heard(self, answer: Result) -> None:
        """A point has been answered."""
        self._answers[answer.point.name] = answer
        if not self._live and not self.silent:
            done = f"{answer.accuracy:.2%}" if answer.accuracy is not None else "failed"
            count = f"{len(self._answers)}/{len(self._planned)}"
            print(f"{count}  {answer.point.title}, seed {answer.point.seed}: {done} ({answer.source}){self._left()}",
                  file=sys.stderr, flush=True)  # fmt: skip

    def show(self, table: pd.DataFrame) -> None:
        """Print the summary: one line a grid point that fits a terminal."""
        tests = sorted(set(table.get("test", pd.Series(dtype=str)).dropna()))
        shown = Table(
            title=f"{self.question.arm}: accuracy on the validation images, %, with 95% intervals",
            caption=f"difference to the first row; p: {'; '.join(tests)}" if tests else None,
        )
        varied = [key.rsplit(".", 1)[-1] for key in self.question.grid]
        for column in (*varied, "runs", "accuracy", "difference", "p"):
            shown.add_column(column, no_wrap=True, justify="left" if column in varied else "right")
        for row in table.to_dict(orient="records"):
            keys = [str(row[key]) for key in self.question.grid]
            runs = f"{row['runs']}" + (f" ({row['failed']} failed)" if row["failed"] else "")
            p = f"{row['p']:.3f}" if not pd.isna(row.get("p")) else ""
            difference = _interval(row, "difference", "difference_low", "difference_high", sign="+")
            shown.add_row(*keys, runs, _interval(row, "accuracy", "low", "high"), difference, p)
        Console().print(shown)
        if "expected_accuracy" in table:
            Console().print(self._judged_by_votes(table))

    def _judged_by_votes(self, table: pd.DataFrame) -> Table:
        shown = Table(
            title="the same images judged by the votes: expected accuracy, %", caption="difference: points, untested"
        )
        for key in self.question.grid:
            shown.add_column(key.rsplit(".", 1)[-1])
        for column in ("expected accuracy", "difference"):
            shown.add_column(column, justify="right")
        for row in table.to_dict(orient="records"):
            keys = [str(row[key]) for key in self.question.grid]
            shown.add_row(*keys, _figure(row, "expected_accuracy"), _figure(row, "expected_difference", "+"))
        return shown

    def _live_table(self) -> Live:
        """The table, there from the start and made anew at every beat: its clock goes on while nothing is told."""
        return Live(console=self._console, refresh_per_second=REFRESH, get_renderable=self._table)

    def _left(self) -> str:
        ran = [a.seconds for a in list(self._answers.values()) if a.seconds is not None]
        ahead = sum(p.state == "to run" and p.point.name not in self._answers for p in self._planned)
        return f"; about {duration(sum(ran) / len(ran) * ahead / self.jobs)} left" if ran and ahead else ""

    def _table(self) -> Table:
        spent = duration(time.monotonic() - self._began)
        title = f"{len(self._answers)} of {len(self._planned)} runs, {spent}{self._left()}"
        table = Table("", "seeds", "accuracy", "now", title=title)
        groups: dict[str, list[Point]] = {}
        for planned in self._planned:
            groups.setdefault(planned.point.title, []).append(planned.point)
        for name, group in groups.items():
            answers = [self._answers[p.name] for p in group if p.name in self._answers]
            good = [a.accuracy for a in answers if a.accuracy is not None]
            if len(set(good)) > 1:
                found = over_seeds(good)
                accuracy = f"{100 * found.value:.2f} [{100 * found.low:.2f}, {100 * found.high:.2f}]"
            else:
                accuracy = f"{100 * good[0]:.2f}" if good else ""
            now = [self._progress[p.name] for p in group if p.name in self._progress and p.name not in self._answers]
            failed = ["failed"] * sum(a.source == "failed" for a in answers)
            table.add_row(name, f"{len(answers)}/{len(group)}", accuracy, "; ".join(now + failed))
        return table


def _interval(row: Mapping[Hashable, Any], value: str, low: str, high: str, sign: str = "") -> str:
    bounds = "" if pd.isna(row.get(low)) else f" [{row[low]:{sign}.2f}, {row[high]:{sign}.2f}]"
    return f"{_figure(row, value, sign)}{bounds}"


def _figure(row: Mapping[Hashable, Any], value: str, sign: str = "") -> str:
    return "" if pd.isna(row.get(value)) else f"{row[value]:{sign}.2f}"
