"""The parcel and the standing of an address as tables: no claim without its proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from panel.web import address_state as states
from panel.web import times
from panel.web.address_state import WORDS, AddressStanding
from panel.web.parcel import Parcel, parcel_of
from panel.web.proofs import address_proof
from panel.web.sentences import ON_ITS_WAY, STOPPED, State
from tenants.address_states import AddressFacts, decide_address_state
from tenants.models import AddressRequest, Domain, Mailbox, Organization

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
Status = AddressRequest.Status


def parcel(status: str, standing: AddressStanding | None = None) -> Parcel:
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


def states_of(shown: Parcel) -> str:
    return " ".join(step.state for step in shown.timeline)


@pytest.mark.parametrize(
    ("status", "state", "observed", "expected", "final"),
    [
        (Status.ASKED, None, False, "done needs todo todo todo", False),
        (Status.CONFIRMED, None, False, "done done live todo todo", False),
        (Status.REFUSED, None, False, "done done fail skip skip", True),
        (Status.TAKEN, None, False, "done done fail skip skip", True),
        (Status.WITHDRAWN, None, False, "done skip fail skip skip", True),
        (Status.EXPIRED, None, False, "done skip fail skip skip", True),
        (Status.APPROVED, None, False, "done done done skip fail", True),
        (Status.APPROVED, states.NOT_CONNECTED, False, "done done done fail todo", False),
        (Status.APPROVED, STOPPED, False, "done done done fail todo", False),
        (Status.APPROVED, states.LEFT_ALONE, False, "done done done fail todo", False),
        (Status.APPROVED, states.TRYING_AGAIN, False, "done done done live todo", False),
        (Status.APPROVED, ON_ITS_WAY, False, "done done done live todo", False),
        (Status.APPROVED, states.BEING_TAKEN_UP, True, "done done done done live", False),
        (Status.APPROVED, states.WAITS_FOR_RESTART, True, "done done done done live", False),
        (Status.APPROVED, states.OFF, True, "done done done done fail", False),
        (Status.APPROVED, states.WORKS, True, "done done done done done", True),
    ],
)
def test_every_stop(status: str, state: State | None, observed: bool, expected: str, final: bool) -> None:
    shown = parcel(status, AddressStanding(state, observed=observed) if state else None)
    assert states_of(shown) == expected
    assert shown.final is final
    assert shown.works is (state is states.WORKS)
    assert shown.can_withdraw is (status in AddressRequest.OPEN)
    assert shown.sentence.endswith(".")


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, states.WORKS),
        ({"confirmed": False}, states.UNCONFIRMED),
        ({"enabled": False, "confirmed": False}, states.OFF),
        ({"trashed": True, "enabled": False}, states.IN_TRASH),
        ({"taken_up": False}, states.BEING_TAKEN_UP),
        ({"taken_up": False, "restart_by_hand": True, "enabled": False}, states.WAITS_FOR_RESTART),
        ({"observed": False, "enabled": False}, ON_ITS_WAY),
        ({"observed": False, "reachable": False}, states.TRYING_AGAIN),
        ({"reachable": False}, states.WORKS),
        ({"observed": False, "stopped": True, "reachable": False}, STOPPED),
        ({"stopped": True}, states.WORKS),
        ({"observed": False, "left_alone": True}, states.LEFT_ALONE),
        ({"connected": False, "observed": False, "confirmed": False}, states.NOT_CONNECTED),
        ({"connected": False, "observed": False, "trashed": True}, states.IN_TRASH),
    ],
)
def test_the_one_word_of_an_address(facts: dict[str, bool], state: State) -> None:
    """What is not proved outside is never said to be so: off is off only when it is off there."""
    assert WORDS[decide_address_state(AddressFacts(**facts))] == state


EVERY_STATE = [each for each in (*vars(states).values(), ON_ITS_WAY, STOPPED) if isinstance(each, State)]


@pytest.mark.parametrize("state", EVERY_STATE, ids=lambda state: state.word)
def test_only_what_works_is_said_to_work(state: State) -> None:
    standing = AddressStanding(state, observed=True, checked_at=NOW, since=NOW - timedelta(minutes=33))
    sentence = standing.sentence("ada@example.org", NOW)
    assert sentence.endswith(".")
    assert ("Mail for ada@example.org works" in sentence) is (state == states.WORKS)
    assert "ada@example.org" in sentence


@pytest.mark.parametrize("state", EVERY_STATE, ids=lambda state: state.word)
def test_the_proof_line_claims_nothing_that_is_not_written(state: State) -> None:
    mailbox = Mailbox(changed_at=NOW)
    proof = address_proof(mailbox, AddressStanding(state), None, {}, "", "")
    assert proof["observed"]["state"] == proof["pushed"]["state"] == "todo"
    if state != states.LEFT_ALONE:
        standing = AddressStanding(state, observed=True, observed_at=NOW)
        proof = address_proof(mailbox, standing, None, {}, "", "")
        assert {each["state"] for each in proof.values()} == {"done"}


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW - timedelta(minutes=33), "08:57"),
        (NOW - timedelta(days=6), "Sunday, 09:30"),
        (datetime(2026, 5, 4, 8, 57, tzinfo=UTC), "4 May"),
        (datetime(2025, 5, 4, 8, 57, tzinfo=UTC), "4 May 2025"),
    ],
)
def test_clock(at: datetime, said: str) -> None:
    assert times.clock(at, NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (12, "12\N{NO-BREAK SPACE}s ago"), (200, "3 minutes ago"), (7300, "2 hours ago")],
)
def test_ago(seconds: int, said: str) -> None:
    assert times.ago(NOW - timedelta(seconds=seconds), NOW) == said
