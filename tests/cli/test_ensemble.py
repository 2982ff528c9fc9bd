"""`ferlab ensemble` on the committed report of one GPU, and what it refuses."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ferlab.cli import main
from ferlab.errors import UserError
from reports import ROOT


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, folder / name)
    gpu = folder / "reports" / "gpu"
    shutil.copytree(ROOT / "reports" / "gpu" / "predictions", gpu / "predictions")
    shutil.copy(ROOT / "reports" / "gpu" / "params.yaml", gpu / "params.yaml")
    return folder


def ferlab(project: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.chdir(project)
    result = CliRunner().invoke(main.app, words, catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_an_arm_is_all_its_seeds_and_the_file_can_be_compared(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ferlab(project, monkeypatch, "ensemble", "resnet50", "--budget", "gpu", "--into", "three.parquet")
    assert "resnet50-2: 64.22%" in said
    assert "together (average): 65.20% (63.63% to 66.74%; Wilson, 1 run, n = 3589)" in said
    said = ferlab(project, monkeypatch, "compare", "resnet50-1", "three.parquet", "--budget", "gpu")
    assert "three.parquet loses 120 images that resnet50-1 has right, and wins 177" in said


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["resnet50", "vgg16"], "'vgg16' is no arm or run of gpu that has run"),
        (["resnet50", "resnet50-7"], "'resnet50-7' is no arm or run"),
        (["resnet50", "resnet50-1"], "resnet50-1 is named twice"),
        (["resnet50-1"], "needs two members"),
        (["resnet50", "--rule", "best"], "the rules are average, weighted, stacked"),
        (["resnet50", "--rule", "stacked"], "what resnet50-0 says of validation isn't on file"),
        (["resnet50", "--into", "three.csv"], "three.csv"),
    ],
)
def test_what_makes_no_ensemble_is_named(
    words: list[str], named: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as caught:
        ferlab(project, monkeypatch, "ensemble", "--budget", "gpu", *words)
    assert named in str(caught.value)
