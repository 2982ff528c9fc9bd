"""The notebook in examples/: its cells run as they stand, in ten lines, and find what ferlab does."""

import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import confusion_matrix

from ferlab.evaluation.predictions import read
from small import REPOSITORY

FOLDER = REPOSITORY / "examples"
CELLS: list[dict[str, Any]] = json.loads((FOLDER / "read_predictions.ipynb").read_text(encoding="utf-8"))["cells"]
CODE = "\n".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code")


@pytest.mark.parametrize(("report", "run"), [("gpu", "resnet50-0"), ("trial", "svm-0"), ("demo", "resnet50-dcgan-0")])
def test_it_finds_accuracy_and_confusion_of_any_report(report: str, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    found: dict[str, Any] = {}
    exec(CODE.replace("reports/gpu", f"reports/{report}").replace("resnet50-0", run), found)
    expected = read(Path(f"../reports/{report}/predictions/{run}.parquet"))
    assert found["accuracy"] == expected.correct.mean()
    counts = found["confusion"].reindex(index=expected.classes, columns=expected.classes, fill_value=0)
    assert (counts.to_numpy() == confusion_matrix(expected.truth, expected.chosen, labels=range(7))).all()


def test_it_is_short_and_committed_without_outputs() -> None:
    lines = [line for line in CODE.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) <= 10
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS if "outputs" in cell)
