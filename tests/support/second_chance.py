"""A pytest plugin: a chaos test that fails is run once more, alone, and both outcomes are printed.

A test that kills real processes can meet a bad moment on a busy machine. Whether it did, or has found a fault, a second
run tells: after all others, in a process of its own, with fixtures of its own. A test that fails twice is a failure.
"""

import subprocess
import sys

import pytest

NAME = "second_chance"
MARKERS = {"chaos", "long"}
TITLE = "failed beside others, passed alone"


class SecondChance:
    """Runs failed chaos tests again at the session's end. Lives in the process that prints, not in xdist's workers."""

    def __init__(self) -> None:
        self.failed: dict[str, list[pytest.TestReport]] = {}  # by test: its setup, call and teardown can each fail
        self.outcomes: dict[str, subprocess.CompletedProcess[str]] = {}

    @property
    def recovered(self) -> list[pytest.TestReport]:
        """Failures whose test then passed."""
        passed = (name for name, again in self.outcomes.items() if again.returncode == pytest.ExitCode.OK)
        return [report for name in passed for report in self.failed[name]]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and MARKERS & set(report.keywords):
            self.failed.setdefault(report.nodeid, []).append(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        for name in self.failed:
            print(f"\nonce more, alone: {name}", file=sys.__stderr__, flush=True)
            # else pytest would note here what failed last, and this plugin would run it a third time
            words = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", f"no:{NAME}", name)
            self.outcomes[name] = subprocess.run(
                words, cwd=session.config.rootpath, capture_output=True, text=True, check=False
            )
        if session.exitstatus == pytest.ExitCode.TESTS_FAILED and len(self.recovered) == session.testsfailed:
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.outcomes:
            return
        terminalreporter.section("failed chaos tests, once more, alone")
        for name, again in self.outcomes.items():
            passed = again.returncode == pytest.ExitCode.OK
            terminalreporter.write_line(f"{name}: failed beside others, {'passed' if passed else 'failed'} alone")
            if not passed:
                terminalreporter.write_line(again.stdout + again.stderr)
        stats = terminalreporter.stats
        for report in self.recovered:
            kind = "failed" if report.when == "call" else "error"
            stats[kind].remove(report)
            stats.setdefault(TITLE, []).append(report)
