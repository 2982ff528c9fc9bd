"""The seam file: what is written comes back; what can't be right is refused."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferlab.data.images import ImageSet
from ferlab.data.labels import FER_CLASSES
from ferlab.errors import UserError
from ferlab.evaluation.comparison import align
from ferlab.evaluation.metrics import scores
from ferlab.evaluation.predictions import Predictions, read, write


def make(n: int = 5, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    return Predictions(
        tuple(f"test/{i}" for i in range(n)), rng.integers(0, 7, n), rng.dirichlet(np.ones(7), n), "0123456789abcdef"
    )


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(max_size=6), min_size=1, max_size=8, unique=True), st.integers(0, 99), st.text(max_size=6))
def test_round_trip(ids: list[str], seed: int, run: str) -> None:
    """To the last bit, and equal predictions give equal bytes."""
    made = make(len(ids), seed)
    said = Predictions(tuple(ids), made.truth, made.probabilities, run)
    with TemporaryDirectory() as folder:
        first, second = Path(folder) / "a.parquet", Path(folder) / "b.parquet"
        write(first, said)
        found = read(first)
        write(second, found)
        assert first.read_bytes() == second.read_bytes()
    assert found.ids == said.ids
    assert found.run == run
    np.testing.assert_array_equal(found.truth, said.truth)
    np.testing.assert_array_equal(found.probabilities, said.probabilities)


def test_classes_split_and_side_travel_in_the_file(tmp_path: Path) -> None:
    """Of a data set that is not FER-2013."""
    faces = ImageSet(
        np.zeros((3, 48, 48), np.uint8), np.array([0, 1, 1]), ("calm", "cross"), ("a", "b", "c"), ("",) * 3, ("x",) * 3,
        "valid",
    )  # fmt: skip
    said = Predictions.of(faces, np.array([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]]), "0123456789abcdef")
    write(tmp_path / "a.parquet", said)
    back = read(tmp_path / "a.parquet")
    assert (back.classes, back.split, back.side) == (("calm", "cross"), "valid", 48)
    np.testing.assert_array_equal(back.probabilities, said.probabilities)
    assert back.correct.tolist() == [True, False, True]
    assert scores(back)["accuracy"] == 2 / 3
    assert list(pd.read_parquet(tmp_path / "a.parquet").columns) == ["id", "truth", "calm", "cross", "run"]
    with pytest.raises(UserError, match="calm, cross apart"):
        align(make(3), back)


def test_a_file_without_metadata_is_of_fer2013s_test_split(tmp_path: Path, table: pd.DataFrame) -> None:
    table.to_parquet(tmp_path / "a.parquet")
    back = read(tmp_path / "a.parquet")
    assert (back.classes, back.split, back.side) == (FER_CLASSES, "test", 48)


def test_damaged_metadata(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", make())
    content = pq.read_table(tmp_path / "a.parquet")
    for about in (b"{", b"[1]", b'{"classes": ["happy", "elated"]}', b'{"side": "wide"}'):
        pq.write_table(content.replace_schema_metadata({b"ferlab": about}), tmp_path / "b.parquet")
        with pytest.raises(UserError, match="not a file of predictions"):
            read(tmp_path / "b.parquet")


def test_any_reader_of_parquet_can_use_it(tmp_path: Path) -> None:
    said = make()
    write(tmp_path / "a.parquet", said)
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert list(table.columns) == ["id", "truth", *FER_CLASSES, "run"]
    np.testing.assert_array_equal(table[list(FER_CLASSES)].to_numpy().argmax(axis=1), said.chosen)


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    write(tmp_path / "good.parquet", make())
    return pd.read_parquet(tmp_path / "good.parquet")


def refusal(path: Path, table: pd.DataFrame) -> str:
    table.to_parquet(path)
    with pytest.raises(UserError) as caught:
        read(path)
    assert caught.value.where == str(path)
    return caught.value.what


@pytest.mark.parametrize("column", ["id", "truth", "happy", "run"])
def test_a_column_is_missing(tmp_path: Path, table: pd.DataFrame, column: str) -> None:
    assert column in refusal(tmp_path / "a.parquet", table.drop(columns=column))


@pytest.mark.parametrize(
    ("row", "column", "value", "named"),
    [
        (2, "happy", 0.9, "row 2"),
        (4, "sad", float("nan"), "row 4"),
        (3, "id", "test/1", "test/1"),
        (0, "truth", 7, "out of range"),
        (0, "truth", -1, "out of range"),
        (1, "run", "another", "several runs"),
    ],
)
def test_a_row_that_can_not_be_right(
    tmp_path: Path, table: pd.DataFrame, row: int, column: str, value: object, named: str
) -> None:
    table.loc[row, column] = value
    if column == "happy":
        table.loc[row, "fear"] = 0.5
    assert named in refusal(tmp_path / "a.parquet", table)


def test_negative_probabilities_that_sum_to_1(tmp_path: Path, table: pd.DataFrame) -> None:
    table.loc[1, list(FER_CLASSES)] = [1.5, -0.5, 0, 0, 0, 0, 0]
    assert "row 1" in refusal(tmp_path / "a.parquet", table)


@pytest.mark.parametrize(("error", "fine"), [(1e-7, True), (1e-5, False)])
def test_rounding_is_no_mistake(tmp_path: Path, table: pd.DataFrame, error: float, fine: bool) -> None:
    table["happy"] += error
    if fine:
        table.to_parquet(tmp_path / "a.parquet")
        assert len(read(tmp_path / "a.parquet").ids) == 5
    else:
        assert "row 0" in refusal(tmp_path / "a.parquet", table)


def test_texts_where_numbers_belong(tmp_path: Path, table: pd.DataFrame) -> None:
    assert "not a file of predictions" in refusal(tmp_path / "a.parquet", table.assign(sad="much"))


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")  # numpy says so too
def test_an_unknown_truth(tmp_path: Path, table: pd.DataFrame) -> None:
    assert "out of range" in refusal(tmp_path / "a.parquet", table.assign(truth=[0, 1, None, 2, 3]))


def test_no_rows(tmp_path: Path, table: pd.DataFrame) -> None:
    refusal(tmp_path / "a.parquet", table.iloc[:0])


@pytest.mark.parametrize("content", [None, b"", b"id,truth\n", b"PAR1 cut off"])
def test_no_such_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="not a file of predictions") as caught:
        read(path)
    assert caught.value.where == str(path)
