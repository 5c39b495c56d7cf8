"""How a target stands: what is right is one line to open, what is not stands there."""

from __future__ import annotations

from django.utils import timezone

from panel.web.repositories import condition_lines
from tenants.models import Condition

Type = Condition.Type


def shown(**statuses: bool) -> tuple[list[str], list[str], str]:
    now = timezone.now()
    rows = {
        Type[kind]: Condition(type=Type[kind], status=status, message=kind, since=now)
        for kind, status in statuses.items()
    }
    found = condition_lines(rows, now)
    return (
        [each["message"] for each in found["open"]],
        [each["message"] for each in found["folded"]],
        found["fold"],
    )


def test_what_is_not_right_stands_open() -> None:
    # DRIFTED is right when it is not so.
    assert shown(SYNCED=True, REACHABLE=True, DRIFTED=False) == (
        [],
        ["SYNCED", "REACHABLE", "DRIFTED"],
        "All 3 things are right",
    )
    assert shown(SYNCED=True, REACHABLE=True, DRIFTED=True) == (
        ["DRIFTED"],
        ["SYNCED", "REACHABLE"],
        "2 other things are right",
    )


def test_one_line_is_not_worth_a_fold() -> None:
    assert shown(SYNCED=True, REACHABLE=False) == (["SYNCED", "REACHABLE"], [], "")
    assert shown() == ([], [], "")
