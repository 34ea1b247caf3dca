"""`pytest --no-unexpected-skips`: a test that is skipped fails the run, unless its reason is one of those below.

So a library that a machine lacks, or a condition that is never met any more, cannot silence tests unnoticed.
"""

import re

import pytest

ALLOWED = (
    re.compile(r"no GPU here"),  # tests on CUDA devices
    re.compile(r"no file system can be mounted here"),  # the full disk, where a user may not mount one
)


def find_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test or a whole file was skipped."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


class SkipPolicy:
    """Counts skips whose reasons are not allowed, and fails the run where there are any."""

    def __init__(self) -> None:
        self.unexpected: list[str] = []

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Hears of each report; an expected failure (xfail) is no skip."""
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = find_reason(report)
            if not any(allowed.search(reason) for allowed in ALLOWED):
                self.unexpected.append(f"{report.nodeid}: {reason}")

    pytest_runtest_logreport = note

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unexpected and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.unexpected:
            terminalreporter.section("unexpected skips", red=True)
            for line in self.unexpected:
                terminalreporter.line(line)
            terminalreporter.line("install what is missing, or add the reason to tests/support/skip_policy.py")
