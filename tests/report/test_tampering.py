"""What `verify` sees beside numbers: identities, code by git, trials that are missing, figures of the page."""

import base64
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from ferlab.code.history import held_by
from ferlab.params.migration import load_published
from ferlab.records.ledger import read_ledger
from ferlab.records.seal import read_seals
from ferlab.report.check import faults
from ferlab.report.evidence import Evidence
from ferlab.report.ledger_check import held_against_git, ledger_faults
from ferlab.report.render import build
from ferlab.report.search_check import search_faults
from reports import write_ledger
from temporary import REPOSITORY

REPORTS = REPOSITORY / "reports"
PUBLISHED = sorted(path.parent.name for path in REPORTS.glob("*/params.yaml"))


def evidence(folder: Path) -> Evidence:
    return Evidence(folder, load_published(folder / "params.yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a published report."""
    return Path(shutil.copytree(REPORTS / "gpu", tmp_path / "reports" / "gpu"))


def rewrite(path: Path, edit: Callable[[dict[str, Any]], object], row: int = 0) -> None:
    """Edit a line and chain all lines anew, so that nothing but what is tested shows it."""
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    edit(lines[row])
    write_ledger(path, lines)


@pytest.mark.parametrize("name", PUBLISHED)
def test_nothing_published_is_a_fault(name: str) -> None:
    ledger = REPORTS / name / "ledger.jsonl"
    assert list(ledger_faults(ledger, read_seals(REPORTS).get(name))) == []
    assert held_against_git(ledger, REPOSITORY).faults == []
    assert list(search_faults(evidence(REPORTS / name))) == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda line: line.update(identity="0" * 16),
        lambda line: line["manifest"].update(device="cpu"),
        lambda line: line["manifest"]["arguments"].update(seed="7"),
        lambda line: line["manifest"]["code"].update(training="0" * 64),
    ],
)
def test_a_line_is_named_by_its_manifest(edit: Callable[[Any], object], folder: Path) -> None:
    rewrite(folder / "ledger.jsonl", edit, 3)
    (fault,) = ledger_faults(folder / "ledger.jsonl", None)
    assert "line 4: identity is " in fault
    assert fault in list(faults(evidence(folder), results_only=True))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda line: line.update(lock="0" * 64), "has different requirements.lock"),
        (lambda line: line.update(lock=None), "has different requirements.lock"),
        (lambda line: line.update(package="0" * 64), "has different code"),
        (lambda line: line["manifest"]["code"].update(data="0" * 64), "has different code of data"),
        (lambda line: line["manifest"]["code"].update({"stages/train.py": "0" * 64}), "code of stages/train.py"),
    ],
)
def test_code_and_lock_are_those_of_the_commit(edit: Callable[[Any], object], said: str, folder: Path) -> None:
    path = folder / "ledger.jsonl"
    commit = read_ledger(path)[2].commit
    if held_by(REPOSITORY, commit) is None:
        pytest.skip("git has no history here")
    rewrite(path, edit, 2)
    (fault,) = held_against_git(path, REPOSITORY).faults
    assert fault.startswith(f"{path}, line 3: commit {commit[:10]} ")
    assert said in fault


@pytest.mark.parametrize(
    ("told", "unknown"),
    [
        ({"commit": "0" * 40}, 1),
        ({"commit": "unknown", "dirty": "unknown"}, 1),
        ({"lock": "0" * 64, "dirty": "true"}, 1),
        ({"lock": "0" * 64, "dirty": "true", "uncommitted": ["requirements.lock"]}, 1),
        ({"dirty": "true", "uncommitted": ["params.yaml"]}, 0),
    ],
)
def test_what_git_cant_say_is_unknown_and_no_fault(told: dict[str, Any], unknown: int, folder: Path) -> None:
    path = folder / "ledger.jsonl"
    if held_by(REPOSITORY, read_ledger(path)[0].commit) is None:
        pytest.skip("git has no history here")
    rewrite(path, lambda line: line.update(told))
    by_git = held_against_git(path, REPOSITORY)
    assert (by_git.faults, by_git.unknown, by_git.lines) == ([], unknown, 9)


def test_without_history_all_is_unknown(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    by_git = held_against_git(folder / "ledger.jsonl", tmp_path)
    assert (by_git.faults, by_git.unknown) == ([], 9)


def test_a_damaged_ledger_is_one_fault_and_ends_nothing(folder: Path) -> None:
    path = folder / "ledger.jsonl"
    path.write_text(path.read_text() + "{cut off\n")
    (fault,) = faults(evidence(folder))
    assert fault.startswith(f"{path}: line 10 is not a ledger's line")
    assert held_against_git(path, REPOSITORY).faults == []


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPORTS / "cpu", tmp_path / "reports" / "cpu"))


def without_trial(folder: Path, number: int) -> None:
    path = folder / "trials" / "vgg16.csv"
    table = pd.read_csv(path)
    table[table["number"] != number].to_csv(path, index=False)


def change_trial(folder: Path, key: str, value: object) -> None:
    path = folder / "trials" / "vgg16.csv"
    table = pd.read_csv(path)
    table.loc[0, key] = value
    table.to_csv(path, index=False)


def change_search(folder: Path, edit: Callable[[Any], object]) -> None:
    path = folder / "tuning" / "vgg16.json"
    tree = json.loads(path.read_text())
    edit(tree)
    path.write_text(json.dumps(tree))


SEARCHES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: without_trial(folder, 5), "vgg16.csv: has 7 trials, but 8 were planned"),
    (lambda folder: without_trial(folder, 0), "vgg16.csv: trial 0 isn't the one that the search names"),
    (lambda folder: change_trial(folder, "state", "FAIL"), "vgg16.csv: has trials that ended {'FAIL': 1, "),
    (lambda folder: change_trial(folder, "value", 0.9), "vgg16.csv: trial 0 isn't the one"),
    (lambda folder: change_trial(folder, "lr", 0.9), "vgg16.csv: trial 0 isn't the one"),
    (lambda folder: (folder / "trials" / "vgg16.csv").unlink(), "vgg16.csv: missing, though vgg16's settings"),
    (lambda folder: (folder / "tuning" / "vgg16.json").unlink(), "vgg16.json: missing, though vgg16's settings"),
    (
        lambda folder: change_search(folder, lambda tree: tree["tune"].update(trials=40)),
        "vgg16.csv: has 8 trials, but 40 were planned",
    ),
    (
        lambda folder: change_search(folder, lambda tree: tree.update(chosen=tree["transfer"][1])),
        "vgg16.json: chose trial 2, but the arms were given the settings of another",
    ),
]


@pytest.mark.parametrize(("change", "said"), SEARCHES)
def test_trials_are_those_that_were_planned_and_told(
    change: Callable[[Path], object], said: str, searched: Path
) -> None:
    change(searched)
    assert any(said in fault for fault in search_faults(evidence(searched)))


def test_a_search_that_left_nothing_is_missed_by_its_arms(searched: Path) -> None:
    (searched / "trials" / "vgg16.csv").unlink()
    (searched / "tuning" / "vgg16.json").unlink()
    assert any("vgg16.json: missing" in fault for fault in search_faults(evidence(searched)))


def pictures(page: Path) -> list[str]:
    return re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]*)", page.read_text())


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """The smallest published report, its page and figures of this version: the last two are panels of one sheet."""
    folder = Path(shutil.copytree(REPORTS / "cpu_full", tmp_path / "reports" / "cpu_full"))
    build(folder, load_published(folder / "params.yaml"))
    assert found(folder) == []
    return folder


def found(folder: Path) -> list[str]:
    seal = read_seals(REPORTS).get(folder.name)
    return [fault.replace(f"{folder}/", "") for fault in faults(evidence(folder), seal)]


def dotted(png: bytes) -> bytes:
    """A picture with a square of five pixels changed."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    left, top = picture.width // 2, picture.height // 2
    dark = sum(picture.getpixel((left, top))) < 380
    picture.paste((255, 255, 255) if dark else (0, 0, 0), (left, top, left + 5, top + 5))
    buffer = io.BytesIO()
    picture.save(buffer, format="png")
    return buffer.getvalue()


def test_the_page_shows_the_figures_that_lie_beside_it(drawn: Path) -> None:
    """A few pixels of a figure of the page, of its file, two figures exchanged, one that is none, one taken away."""
    page, text = drawn / "index.html", (drawn / "index.html").read_text()
    shown = pictures(page)
    *_, first, second = shown
    other = [f"index.html: its figure {n} differs from the file beside it" for n in (len(shown) - 1, len(shown))]
    page.write_text(text.replace(first, base64.b64encode(dotted(base64.b64decode(first))).decode()))
    assert found(drawn) == other[:1]
    page.write_text(text.replace(first, "x").replace(second, first).replace("base64,x", f"base64,{second}"))
    assert found(drawn) == other
    page.write_text(text.replace(first, "AAAA"))
    assert found(drawn) == other[:1]
    page.write_text(text)
    figure, before = drawn / "accuracy.png", (drawn / "accuracy.png").read_bytes()
    figure.write_bytes(dotted(before))
    assert found(drawn) == ["index.html: its figure 1 differs from the file beside it"]
    figure.write_bytes(b"none")
    assert any(fault.startswith("accuracy.png: not this report's figure") for fault in found(drawn))
    figure.unlink()
    assert found(drawn) == [f"index.html: shows {len(shown)} figures, and {len(shown) - 1} lie beside it"]
