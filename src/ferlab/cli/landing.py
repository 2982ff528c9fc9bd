"""The page of `ferlab ui`: where runs, searches, reports and documentation can be looked at."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

from ferlab.errors import UserError
from ferlab.project import Project
from ferlab.yaml_file import read_yaml

SERVED = ("reports", "site")  # folders of the project; nothing else is given out
NAMES = {"fer2013": "FER-2013", "ckplus": "CK+"}


@dataclass(frozen=True)
class Door:
    """One of the page's ways to another server.

    Attributes:
        url: where it is; empty where there is none.
        text: what is there, or why nothing is.
    """

    name: str
    url: str
    text: str


@dataclass(frozen=True)
class Listed:
    """A report: its budget, whose faces it is of, and how many arms have run."""

    budget: str
    faces: str
    arms: int


TEMPLATE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ferlab: {{ folder }}</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8886; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; overflow-wrap: anywhere; }
</style>
<h1>ferlab <small>{{ folder }}</small></h1>
<dl>
{% for door in doors %}
<dt>{% if door.url %}<a href="{{ door.url }}">{{ door.name }}</a>{% else %}{{ door.name }}{% endif %}</dt>
<dd>{{ door.text }}</dd>
{% endfor %}
</dl>
<h2>Reports</h2>
{% if reports %}
<table>
<tr><th>budget<th>faces<th>arms that have run</tr>
{% for report in reports %}
<tr><td><a href="/reports/{{ report.budget | urlencode }}/index.html">{{ report.budget }}</a>
<td>{{ report.faces }}<td>{{ report.arms }}</tr>
{% endfor %}
</table>
{% else %}
<p>There is none yet: <code>ferlab reproduce</code> makes one.</p>
{% endif %}
</html>
"""


def landing(project: Project, doors: Sequence[Door]) -> str:
    """The page as HTML, with the reports that there are now."""
    from jinja2 import Environment

    page = Environment(autoescape=True, trim_blocks=True).from_string(TEMPLATE)
    return page.render(folder=project.root.name, doors=[*doors, *documentation(project)], reports=reports(project))


def documentation(project: Project) -> list[Door]:
    """The way to the site that `make docs` builds in a checkout; a study outside of one has none."""
    if (project.root / "site" / "index.html").is_file():
        return [Door("Documentation", "/site/index.html", "findings, Table 1 of each report, guides")]
    if (project.root / "mkdocs.yml").is_file():
        return [Door("Documentation", "", "`make docs` builds it here")]
    return []


def reports(project: Project) -> list[Listed]:
    """The reports with a page, by name."""
    return [_listed(page.parent) for page in sorted((project.root / "reports").glob("*/index.html"))]


def _listed(folder: Path) -> Listed:
    try:
        told: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        return Listed(folder.name, _faces(folder, told["faces"]), len(told["accuracy"]))
    except (OSError, ValueError, KeyError, TypeError, UserError):  # its page still can be looked at
        return Listed(folder.name, "unknown", 0)


def _faces(folder: Path, kind: str) -> str:
    if kind == "demo":
        return "drawn faces"
    data = read_yaml(folder / "params.yaml")["data"]
    used = data.get("train", "fer2013"), data.get("gans", "ckplus")  # earlier reports had no choice
    return " and ".join(dict.fromkeys(NAMES.get(name, name) for name in used))


class Handler(SimpleHTTPRequestHandler):
    """Gives out the page, made anew for each request, and the files of SERVED."""

    def __init__(self, *words: Any, project: Project, doors: Sequence[Door]) -> None:
        self.project, self.doors = project, doors
        super().__init__(*words, directory=str(project.root))  # which answers the request

    def send_head(self) -> Any:
        if self.path.partition("?")[0] == "/":
            return self._page(landing(self.project, self.doors).encode())
        asked = Path(self.translate_path(self.path)).resolve()
        if any(asked.is_relative_to((self.project.root / name).resolve()) for name in SERVED):
            return super().send_head()
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def _page(self, body: bytes) -> BytesIO:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return BytesIO(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a terminal is no place for each picture of a page."""


@contextmanager
def serving(project: Project, doors: Sequence[Door], host: str, port: int) -> Iterator[str]:
    """Serve the page and the folders SERVED for so long as the context lasts.

    Args:
        port: where to listen; any other where that one is taken.

    Yields:
        The page's URL.
    """
    handler = partial(Handler, project=project, doors=doors)
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except OSError:
        server = ThreadingHTTPServer((host, 0), handler)
    with server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
