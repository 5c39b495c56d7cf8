"""The parcel and the standing of an address as tables: no claim without its proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from panel.web.address_state import Stage, Standing, ago, clock
from panel.web.parcel import Parcel, parcel_of
from tenants.models import AddressRequest, Domain, Organization

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
Status = AddressRequest.Status


def parcel(status: str, standing: Standing | None = None) -> Parcel:
    domain = Domain(name="example.org", organization=Organization(name="Analytical Society"))
    confirmed = (
        None if status in {Status.ASKED, Status.WITHDRAWN, Status.EXPIRED} else NOW - timedelta(minutes=20)
    )
    decided = NOW - timedelta(minutes=10) if status in {Status.APPROVED, Status.REFUSED} else None
    request = AddressRequest(
        domain=domain,
        local_part="grace",
        target="grace@home.example",
        status=status,
        reason="No room.",
        asked_at=NOW - timedelta(minutes=30),
        confirmed_at=confirmed,
        decided_at=decided,
    )
    return parcel_of(request, standing, NOW)


def states(shown: Parcel) -> str:
    return " ".join(step.state for step in shown.timeline)


@pytest.mark.parametrize(
    ("status", "stage", "written", "expected", "final"),
    [
        (Status.ASKED, None, False, "done needs todo todo todo", False),
        (Status.CONFIRMED, None, False, "done done live todo todo", False),
        (Status.REFUSED, None, False, "done done fail skip skip", True),
        (Status.TAKEN, None, False, "done done fail skip skip", True),
        (Status.WITHDRAWN, None, False, "done skip fail skip skip", True),
        (Status.EXPIRED, None, False, "done skip fail skip skip", True),
        (Status.APPROVED, None, False, "done done done skip fail", True),
        (Status.APPROVED, Stage.DELETED, True, "done done done skip fail", True),
        (Status.APPROVED, Stage.NO_SERVER, False, "done done done fail todo", False),
        (Status.APPROVED, Stage.STOPPED, False, "done done done fail todo", False),
        (Status.APPROVED, Stage.LEFT_ALONE, False, "done done done fail todo", False),
        (Status.APPROVED, Stage.UNREACHABLE, False, "done done done live todo", False),
        (Status.APPROVED, Stage.WRITING, False, "done done done live todo", False),
        (Status.APPROVED, Stage.RESTARTING, True, "done done done done live", False),
        (Status.APPROVED, Stage.OFF, True, "done done done done fail", False),
        (Status.APPROVED, Stage.WORKS, True, "done done done done done", True),
    ],
)
def test_every_stop(status: str, stage: Stage | None, written: bool, expected: str, final: bool) -> None:
    shown = parcel(status, Standing(stage, written=written) if stage else None)
    assert states(shown) == expected
    assert shown.final is final
    assert shown.works is (stage is Stage.WORKS)
    assert shown.can_withdraw is (status in AddressRequest.OPEN)
    assert shown.sentence.endswith(".")


def test_only_what_works_is_said_to_work() -> None:
    for stage in Stage:
        sentence = Standing(stage, written=True).sentence("ada@example.org", NOW)
        assert sentence.endswith(".")
        assert ("works" in sentence) is (stage is Stage.WORKS)
        assert "ada@example.org" in sentence


def test_the_proof_line_claims_nothing_that_is_not_written() -> None:
    for stage in Stage:
        proof = Standing(stage, written=False, asked_at=NOW).proof
        assert proof["observed"]["state"] == proof["pushed"]["state"] == "todo"
        proof = Standing(stage, written=True, asked_at=NOW, written_at=NOW).proof
        assert {each["state"] for each in proof.values()} == {"done"}


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (None, ""),
        (NOW - timedelta(minutes=33), "08:57"),
        (datetime(2026, 5, 4, 8, 57, tzinfo=UTC), "4 May, 08:57"),
        (datetime(2025, 5, 4, 8, 57, tzinfo=UTC), "4 May 2025, 08:57"),
    ],
)
def test_clock(at: datetime | None, said: str) -> None:
    assert clock(at, NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s ago"), (12, "12 s ago"), (200, "3 minutes ago"), (7300, "2 hours ago")]
)
def test_ago(seconds: int, said: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == said
