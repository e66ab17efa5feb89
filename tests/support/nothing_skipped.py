"""In CI a skipped test is a failed one: a suite that leaves out what it cannot do proves nothing.

Everything that tests need is installed by scripts/test, so there is no honest reason to skip.
"""

from __future__ import annotations

import pytest


class NothingSkipped:
    """A pytest plugin that turns skipped and expectedly failed tests, and skipped files, into failures."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> object:
        """A test's own report, before anybody counts it."""
        report: pytest.TestReport = yield
        _condemn(report, item.nodeid)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> object:
        """A whole file may skip itself while it is collected."""
        report: pytest.CollectReport = yield
        _condemn(report, collector.nodeid)
        return report


def _condemn(report: pytest.TestReport | pytest.CollectReport, node: str) -> None:
    if report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"{node} was skipped, and with CI=true nothing may be: {report.longrepr}"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
