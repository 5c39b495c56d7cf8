"""The picture of a letter's path: each role once, in the order that mail takes, and no better than it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from panel.web.host_standing import CHANGED_OUTSIDE, RUNS, STARTING
from panel.web.letter_path import Box, Picture, Seen, box_state, letter_path
from tenants.formats.roles.catalogue import ROLES
from tenants.models import PublicAddress, Release, Stack, Upgrade

WELL = Seen("proved", RUNS, 7)


def part(role: str, label: str = "", address: str = "10.0.0.5/24") -> dict[str, Any]:
    return {"role": role, "label": label or role, "address": address}


def stack_of(*parts: dict[str, Any], **services: str) -> Stack:
    release = Release(pk=1, number=1, parts=list(parts), services=services)
    return Stack(
        release=release, public=PublicAddress(address="192.0.2.25"), firewall="open", open_relay=True
    )


def boxes(picture: Picture) -> dict[str, Box]:
    found = [box for lane in picture.lanes for box in lane.boxes]
    assert len(found) == len({each.role for each in found}) == len(ROLES)
    return {each.role: each for each in found}


def test_letters_take_the_roles_in_their_order() -> None:
    picture = letter_path(stack_of(*map(part, ROLES)), dict.fromkeys(ROLES, WELL), "proved")
    ways = {lane.kind: [box.title for box in lane.boxes] for lane in picture.lanes}
    assert ways == {
        "in": ["Receiver", "Spam filter"],
        "out": ["Submission server", "DKIM signer"],
        "meet": ["Relay"],
        "rely": ["DNS resolver", "Primary DNS server", "Let's Encrypt secondary"],
    }
    places = [box.place for lane in picture.lanes[:2] for box in lane.boxes]
    assert places == [
        "Hop 1 of 3, then the spam filter",
        "Hop 2 of 3, then the relay",
        "Hop 1 of 3, then the DKIM signer",
        "Hop 2 of 3, then the relay",
    ]
    assert (picture.state.badge, picture.state.word, picture.sentence) == ("ok", "8 of 8 run", "")
    assert boxes(picture)["relay"].address == "10.0.0.5"


@pytest.mark.parametrize(
    ("seen", "badge", "word"),
    [
        (WELL, "ok", "Runs"),
        (replace(WELL, standing=STARTING), "live", "On its way"),
        (replace(WELL, standing=CHANGED_OUTSIDE, found="It is gone."), "todo", "Changed outside"),
        (replace(WELL, found="It is gone."), "todo", "Needs you"),
        (replace(WELL, standing=None), "todo", "Not there"),
        (replace(WELL, away=True), "wait", "Host is silent"),
        (replace(WELL, phase="failed"), "fail", "Failed"),
        (replace(WELL, phase="doing"), "live", "Being started"),
        (replace(WELL, phase="gone", standing=None), "off", "Stopped"),
        (Seen("pending"), "off", "Not begun"),
        # It waits until what needs it is taken back, and runs until then.
        (replace(WELL, phase="pending"), "ok", "Runs"),
        (None, "wait", "Not known"),
    ],
)
def test_a_box_is_no_better_than_what_is_known(seen: Seen | None, badge: str, word: str) -> None:
    state = box_state(seen)
    assert (state.badge, state.word) == (badge, word)


def test_a_role_that_a_service_fills_or_nobody_is_not_counted() -> None:
    stack = stack_of(part("relay"), verifier="10.0.0.20")
    picture = letter_path(stack, {"relay": replace(WELL, phase="failed")}, "proved")
    found = boxes(picture)
    guard = found["verifier"]
    assert (guard.state.word, guard.address) == ("Not watched", "10.0.0.20")
    assert guard.note == "A service does this instead"
    assert found["signer"].state.word == "Not in this stack"
    assert (picture.state.badge, picture.state.word) == ("fail", "0 of 1 run")


def test_ports_are_as_open_as_they_were_proved() -> None:
    def notes(ports: str, **changes: Any) -> list[str]:
        stack = stack_of(*map(part, ROLES))
        for name, value in changes.items():
            setattr(stack, name, value)
        return [lane.note for lane in letter_path(stack, {}, ports).lanes[:2]]

    assert notes("proved") == ["port 25, open", "port 465, open"]
    assert notes("proved", open_relay=False) == ["port 25, closed", "port 465, open"]
    assert notes("doing") == ["port 25, being opened", "port 465, being opened"]
    assert notes("pending") == ["port 25, closed", "port 465, closed"]
    assert notes("pending", wanted="cancelled") == ["port 25, to be closed", "port 465, to be closed"]
    # Rookery does not know what rules of others let in.
    assert notes("proved", open_relay=False, firewall="others") == ["port 25", "port 465"]


def test_in_an_upgrade_the_one_that_serves_is_shown_and_the_other_named() -> None:
    stack = stack_of(part("relay"), part("primary"), part("signer"))
    new = part("relay", "relay-2", "10.0.0.15/24")
    after = Release(pk=2, number=2, parts=[new, {**part("primary"), "image": "new"}, part("signer")])
    upgrade = Upgrade(before=stack.release, after=after)
    known = dict.fromkeys(("relay", "primary", "signer"), WELL)
    picture = letter_path(stack, known, "proved", upgrade, {"primary"})
    found = boxes(picture)
    assert (found["relay"].address, found["relay"].note) == (
        "10.0.0.5",
        "Beside it: release 2, at 10.0.0.15",
    )
    assert (found["primary"].state.word, found["primary"].note) == ("Being replaced", "")
    assert (found["signer"].state.word, found["signer"].note) == ("Runs", "")
    assert picture.sentence.startswith("This is release 1, which has the traffic. Release 2 is beside it")

    stack.release = after
    assert "being led to it now, from release 1" in letter_path(stack, known, "", upgrade, {"flip"}).sentence
    flipped = letter_path(stack, known, "", upgrade)
    assert boxes(flipped)["relay"].note == "Beside it: release 1, at 10.0.0.5"
    assert "Release 1 finishes the connections" in flipped.sentence
