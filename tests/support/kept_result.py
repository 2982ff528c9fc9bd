"""A pytest plugin: the outcome of a tier that runs seldom, kept in a file that is committed."""

import os
import platform
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

PAGE = """\
# The long tier's last result

`make test-long` writes this page; commit it. It holds for the commit it names and for no later one.

| | |
| --- | --- |
| ended | {ended} |
| commit | {commit} |
| machine | {machine} |
| seed of the kills | {seed} |
| outcome | {outcome} |
| duration | {duration} |
"""


KEPT = "kept"  # the name under which a test records Markdown (`record_property`) that the page keeps


class KeptResult:
    """Writes when, of what, where and how a session ended."""

    def __init__(self, path: Path, seed: str) -> None:
        self.path, self.seed, self.began = path, seed, time.monotonic()

    @pytest.hookimpl(trylast=True)  # when other plugins have said how their tests ended
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        stats = terminalreporter.stats
        counts = {kind: len(found) for kind, found in stats.items() if kind and kind not in ("deselected", "warnings")}
        outcome = ", ".join(f"{number} {kind}" for kind, number in counts.items()) or "no test ran"
        page = PAGE.format(
            ended=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            commit=commit(config.rootpath),
            machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            seed=self.seed,
            outcome=outcome + (", cut short" if exitstatus == pytest.ExitCode.INTERRUPTED else ""),
            duration=timedelta(seconds=round(time.monotonic() - self.began)),
        )
        failed = sorted({report.nodeid for kind in ("failed", "error") for report in stats.get(kind, [])})
        page += "".join(f"\n- failed: `{name}`" for name in failed) + ("\n" if failed else "")
        reports = [report for kind in ("passed", "failed") for report in stats.get(kind, [])]
        for report in reports:
            texts = [text for name, text in report.user_properties if name == KEPT and report.when == "call"]
            page += "".join(f"\n## {report.nodeid}\n\n{text}" for text in texts)
        self.path.write_text(page)


def commit(root: Path) -> str:
    """The commit that is checked out, and whether files differ from it; the page itself doesn't count."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", ":(top,exclude)docs")
    return (git("rev-parse", "HEAD") or "unknown") + (", with uncommitted changes" if changed else "")
