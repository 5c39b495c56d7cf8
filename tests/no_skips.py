"""Turns a skipped test into a failed one when ROOKERY_NO_SKIPS=1: `bin/test --all` leaves nothing out.

An expected failure (xfail) stays what it is; pytest reports it as skipped too, so it is told apart here.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

ACTIVE = os.environ.get("ROOKERY_NO_SKIPS") == "1"


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not ACTIVE or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} may not be skipped here (ROOKERY_NO_SKIPS=1). {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail(report)
    return report
