"""The page of `ferlab ui`, over real HTTP."""

import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ferlab.adapters.dashboard import missing
from ferlab.cli import ui
from ferlab.cli.landing import Door, serving
from ferlab.errors import UserError
from ferlab.files import write_json
from ferlab.project import Project

HOST = "127.0.0.1"
DOORS = [Door("MLflow", "http://127.0.0.1:5", "runs"), Door("<b>Optuna</b>", "", "none & why")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for path in ("reports/tiny/index.html", "reports/a b&c/index.html", "reports/collapse/table.md", "params.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"this is {path}")
    write_json(tmp_path / "reports/tiny/summary.json", {"faces": "demo", "accuracy": {"svm": 0.5, "resnet50": 0.5}})
    (tmp_path / "reports" / "link").symlink_to(tmp_path / "params.yaml")
    return Project(tmp_path)


@pytest.fixture
def page(project: Project) -> Iterator[str]:
    with serving(project, DOORS, HOST, 0) as url:
        yield url


def get(page: str, path: str, method: str = "GET") -> tuple[int, str]:
    """What a server answers to a path as it stands: a client that tidies it would hide what is tried."""
    connection = http.client.HTTPConnection(urlsplit(page).netloc, timeout=60)
    connection.request(method, path)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_each_link_of_the_page_leads_somewhere(page: str, project: Project) -> None:
    status, text = get(page, "/")
    assert status == 200
    links = re.findall(r'<a href="([^"]*)"', text)
    assert links == ["http://127.0.0.1:5", "/reports/a%20b%26c/index.html", "/reports/tiny/index.html"]
    for link in links[1:]:
        assert get(page, link)[1].startswith("this is reports/")
    assert "drawn faces" in text
    assert "<td>2" in text
    assert "&lt;b&gt;Optuna" in text
    assert "none &amp; why" in text
    assert "Documentation" not in text
    (project.root / "mkdocs.yml").touch()
    assert "`make docs` builds it here" in get(page, "/")[1]


def test_a_report_and_a_site_that_are_made_later_are_on_it(page: str, project: Project) -> None:
    for path in ("reports/late/index.html", "site/index.html"):
        (project.root / path).parent.mkdir()
        (project.root / path).write_text(path)
    text = get(page, "/")[1]
    for path in ("/reports/late/index.html", "/site/index.html"):
        assert f'href="{path}"' in text
        assert get(page, path) == (200, path.lstrip("/"))


def test_nothing_else_of_the_project_is_given_out(page: str) -> None:
    beside = ("/params.yaml", "/reports/../params.yaml", "/reports/%2e%2e/params.yaml", "//params.yaml", "/mlflow.db")
    for path in (*beside, "/reports/link", "/reports/absent/", "/%2e%2e/", "/site/"):
        assert [get(page, path, method)[0] for method in ("GET", "HEAD")] == [404, 404], path


def test_a_port_that_is_taken_is_no_hindrance(project: Project) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        with serving(project, [], HOST, other.getsockname()[1]) as url:
            assert get(url, "/")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        get(url, "/")


SERVER = ("-m", "http.server", "--bind", HOST)


@pytest.mark.parametrize(
    ("words", "patience", "said"),
    [
        (SERVER, 120.0, ""),
        (("-c", "raise SystemExit(3)"), 120.0, "the server of MLflow has ended, with exit code 3"),
        (("-c", "import time; time.sleep(900)"), 0.5, "the server of MLflow gives no answer within 0.5 s"),
    ],
)
def test_a_server_is_told_once_it_answers(
    words: tuple[str, ...], patience: float, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui, "PATIENCE", patience)
    port = ui.free_port(0)
    door = Door("MLflow", f"http://{HOST}:{port}", "runs")
    with subprocess.Popen([sys.executable, *words, str(port)], stderr=subprocess.DEVNULL) as server:
        try:
            with pytest.raises(UserError) if said else nullcontext() as caught:
                ui.wait_for(door, server, "its log has why")
            assert said in str(caught.value) if caught else get(door.url, "/")[0] == 200
        finally:
            server.kill()


def test_without_a_dashboard_the_page_says_what_to_do(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERLAB_STUDY_STORAGE", raising=False)
    monkeypatch.setattr("ferlab.adapters.dashboard.find_spec", lambda _: None)
    assert ".[dashboard]" in missing(project)
    monkeypatch.setattr("ferlab.adapters.dashboard.find_spec", lambda _: object())
    assert "ferlab tune" in missing(project)
    assert not project.state.exists()  # looking makes no database
    project.state.mkdir()
    (project.state / "optuna.db").touch()
    assert missing(project) == ""
    monkeypatch.setenv("FERLAB_STUDY_STORAGE", "postgresql://me:secret@host/studies")
    assert missing(project) == ""
