"""Judged by votes: by hand, against what is known of labels, and in the file of predictions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ferlab.data.votes import certain
from ferlab.errors import UserError
from ferlab.evaluation.comparison import align
from ferlab.evaluation.metrics import agreement, scores, vote_limits
from ferlab.evaluation.predictions import Predictions, concatenate, read, write

CLASSES = ("calm", "cross", "glad")
VOTES = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.25, 0.0, 0.75], [0.5, 0.5, 0.0]], np.float32)
SAID = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.125, 0.125, 0.75], [0.25, 0.5, 0.25]])


def run(split: str = "test", votes: np.ndarray | None = VOTES) -> Predictions:
    ids = tuple(f"{split}/{i}" for i in range(4))
    return Predictions(ids, np.array([0, 1, 2, 0]), SAID, "0123456789abcdef", CLASSES, split, 48, votes=votes)


def test_by_hand() -> None:
    """The answers are calm, calm, glad and cross: half, none, three quarters and half of the votes."""
    found = scores(run())
    assert agreement(run()).tolist() == [0.5, 0, 0.75, 0.5]
    assert found["expected_accuracy"] == (0.5 + 0 + 0.75 + 0.5) / 4
    assert found["accuracy"] == 0.5
    bits = [0.5 * 1 + 0.25 * 2 + 0.25 * 2, 2, 0.25 * 3 - 0.75 * np.log2(0.75), 0.5 * 2 + 0.5 * 1]
    assert found["vote_cross_entropy"] == pytest.approx(np.log(2) * np.mean(bits))


def test_the_best_possible_by_hand() -> None:
    """Reached by who says the shares; nobody's answer gets more."""
    limits, best = vote_limits(VOTES), scores(replace(run(), probabilities=VOTES.astype(np.float64)))
    assert limits["expected_accuracy"] == (0.5 + 1 + 0.75 + 0.5) / 4 == best["expected_accuracy"]
    bits = [0.5 + 0.25 * 2 * 2, 0, 0.25 * 2 - 0.75 * np.log2(0.75), 1]
    assert limits["vote_cross_entropy"] == pytest.approx(np.log(2) * np.mean(bits))
    assert best["vote_cross_entropy"] == pytest.approx(limits["vote_cross_entropy"])


def test_all_votes_for_the_label_are_the_label() -> None:
    found = scores(run(votes=certain(run().truth, 3)))
    assert found["expected_accuracy"] == found["accuracy"]
    assert found["vote_cross_entropy"] == pytest.approx(found["log_loss"])


def test_a_class_that_is_ruled_out_costs_much_but_not_all() -> None:
    sure = replace(run(), probabilities=np.eye(3)[[1, 1, 1, 1]])
    assert np.isfinite(scores(sure)["vote_cross_entropy"])


def test_they_travel_in_the_file(tmp_path: Path) -> None:
    """To the last bit; without votes no column and no score of theirs is there."""
    write(tmp_path / "a.parquet", run())
    back = read(tmp_path / "a.parquet")
    np.testing.assert_array_equal(back.votes, VOTES)
    assert scores(back) == scores(run())
    write(tmp_path / "b.parquet", back)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    columns = ["id", "truth", *CLASSES, "run"]
    assert list(pd.read_parquet(tmp_path / "a.parquet").columns) == [*columns, *(f"votes:{name}" for name in CLASSES)]
    write(tmp_path / "c.parquet", run(votes=None))
    assert list(pd.read_parquet(tmp_path / "c.parquet").columns) == columns
    assert read(tmp_path / "c.parquet").votes is None
    assert scores(run()).keys() - scores(run(votes=None)).keys() == {"expected_accuracy", "vote_cross_entropy"}


def test_rows_stay_together() -> None:
    order = np.array([2, 0, 3, 1])
    other = run().take(order)
    np.testing.assert_array_equal(align(run(), other).votes, VOTES)
    np.testing.assert_array_equal(run().only([False, True, False, True]).votes, VOTES[[1, 3]])
    both = concatenate([run(), run("valid")])
    np.testing.assert_array_equal(both.votes, np.concatenate([VOTES, VOTES]))
    with pytest.raises(UserError, match="valid are of another run"):
        concatenate([run(), run("valid", None)])


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("votes:cross", 0.9, "row 1 sums to"),
        ("votes:glad", -0.25, "row 1 has a share below 0"),
        ("votes:calm", float("nan"), "row 1 has a share"),
    ],
)
def test_votes_that_can_not_be_right(tmp_path: Path, column: str, value: float, named: str) -> None:
    write(tmp_path / "a.parquet", run())
    table = pd.read_parquet(tmp_path / "a.parquet")
    table.loc[1, column] = value
    _keep_metadata(tmp_path / "a.parquet", table)
    with pytest.raises(UserError, match=named):
        read(tmp_path / "a.parquet")
    _keep_metadata(tmp_path / "a.parquet", table.drop(columns=column))
    with pytest.raises(UserError, match="not a file of predictions"):
        read(tmp_path / "a.parquet")


def _keep_metadata(path: Path, table: pd.DataFrame) -> None:
    about = pq.read_schema(path).metadata[b"ferlab"]
    pq.write_table(pa.table({name: table[name] for name in table}, metadata={b"ferlab": about}), path)
