"""The documentation as `make docs` builds it."""

import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from small import REPOSITORY

pytest.importorskip("material", reason="needs the extra `docs`")

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

FROM_ELSEWHERE = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*(?:src|href)=.(?:https?:)?//[^>]*")
CELLS = re.compile(
    r"^\| (?P<model>[^|]+) \| (?P<paper>[\d.]+)%? \| `(?P<arm>[^|]+)` \| (?P<ours>[^|]+) \|", re.MULTILINE
)
LINKS = ("absent.md", "#absent", "CHANGELOG.md#absent", "reports/absent/index.html", "docs/")


def built(site: Path, **changes: Any) -> Path:
    build(load_config(str(REPOSITORY / "mkdocs.yml"), site_dir=str(site), **changes))
    return site


def test_every_page_is_there_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """In strict mode, so that each link and anchor leads somewhere."""
    site = built(tmp_path / "site")
    pages = {str(path.relative_to(site)): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    written = [str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "docs").rglob("*.md")]
    expected = {re.sub(r"(README)?\.md$", lambda m: "index.html" if m[1] else ".html", name) for name in written}
    reports = {str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob("reports/*/index.html")}
    assert len(reports) > 5
    assert expected | reports | {"index.html", "CHANGELOG.html", "reports/index.html"} <= set(pages)
    assert {name: found for name, text in pages.items() if (found := FROM_ELSEWHERE.findall(text))} == {}


def test_table_1_is_that_of_each_report() -> None:
    """Every cell of a row that has been run is what the report's own table shows."""
    page = runpy.run_path(str(REPOSITORY / "docs" / "hooks.py"))["tables_page"](REPOSITORY / "reports")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(sections)[-1] == "demo"
    shown = 0
    for name, text in sections.items():
        table = (REPOSITORY / "reports" / name / "table1.md").read_text(encoding="utf-8")
        for ours, theirs in zip(CELLS.finditer(text), CELLS.finditer(table), strict=False):
            assert ours.group("model", "paper", "arm") == theirs.group("model", "paper", "arm")
            run = ours["ours"] != "\N{EN DASH}"
            assert run is not theirs["ours"].startswith("not run")
            assert not run or ours["ours"].replace("%", "") == theirs["ours"]
            shown += run
    assert shown > 10


def test_each_link_that_leads_nowhere_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Here\n\n" + " ".join(f"[x]({link})" for link in LINKS))
    (tmp_path / "CHANGELOG.md").write_text("# There\n")
    hooks = shutil.copy(REPOSITORY / "docs" / "hooks.py", tmp_path / "docs")
    nav = ["README.md", "CHANGELOG.md", "reports/README.md"]
    with pytest.raises(Abort, match=f"{len(LINKS)} warnings"):
        built(tmp_path / "site", docs_dir=str(tmp_path / "docs"), hooks=[str(hooks)], nav=nav)
