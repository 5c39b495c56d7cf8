"""Where an address stands, as one word of a fixed order: for pages and programs alike. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class AddressState(StrEnum):
    """Asked in this order; the first that holds is told."""

    NO_SERVER = "no_server"
    STOPPED = "stopped"
    LEFT_ALONE = "left_alone"
    UNREACHABLE = "unreachable"
    WRITING = "writing"
    RESTARTING = "restarting"
    TAKING_UP = "taking_up"
    TRASHED = "trashed"
    OFF = "off"
    UNCONFIRMED = "unconfirmed"
    WORKS = "works"


MEANINGS = {
    AddressState.NO_SERVER: "its domain has no relay repository, so nothing can be written",
    AddressState.STOPPED: "its last change is not outside, and waits for a person to decide",
    AddressState.LEFT_ALONE: "somebody else changed its entry outside; it is reported and not touched",
    AddressState.UNREACHABLE: "its last change is not outside; the repository is tried again",
    AddressState.WRITING: "its last change is being written",
    AddressState.RESTARTING: "its last change is outside; a person has to restart the mail servers",
    AddressState.TAKING_UP: "its last change is outside, and the mail servers are taking it up",
    AddressState.TRASHED: "gone from the outside, kept here",
    AddressState.OFF: "switched off, gone from the outside",
    AddressState.UNCONFIRMED: "nobody has confirmed to get its mail, so it is not written outside",
    AddressState.WORKS: "outside as it is here",
}


class AddressFacts(NamedTuple):
    """All that the state of an address depends on.

    `observed`: the outside holds its last change; `stopped` and `reachable` are of its relay; `left_alone`:
    somebody else changed its entry, so it is not observed; `taken_up`: the mail servers have read its last
    change.
    """

    enabled: bool = True
    trashed: bool = False
    confirmed: bool = True
    connected: bool = True
    observed: bool = True
    stopped: bool = False
    reachable: bool = True
    left_alone: bool = False
    taken_up: bool = True
    restart_by_hand: bool = False


def decide_address_state(facts: AddressFacts) -> AddressState:
    """The first state that holds. What is not proved outside is never said to be so: off is off only when it
    is off there."""
    if not facts.connected:
        return _settled(facts) if facts.trashed else AddressState.NO_SERVER
    if not facts.observed:
        return _waiting(facts)
    if not facts.taken_up:
        return AddressState.RESTARTING if facts.restart_by_hand else AddressState.TAKING_UP
    return _settled(facts)


def _waiting(facts: AddressFacts) -> AddressState:
    if facts.stopped:
        return AddressState.STOPPED
    if facts.left_alone:
        return AddressState.LEFT_ALONE
    return AddressState.WRITING if facts.reachable else AddressState.UNREACHABLE


def _settled(facts: AddressFacts) -> AddressState:
    if facts.trashed:
        return AddressState.TRASHED
    if not facts.enabled:
        return AddressState.OFF
    return AddressState.WORKS if facts.confirmed else AddressState.UNCONFIRMED
