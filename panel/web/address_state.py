"""Where one address stands: its one word, and what is true of it in a sentence. Pure functions.

The same words for its owner, its holder and whoever asked for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from panel.web import times
from panel.web.sentences import ON_ITS_WAY, STOPPED, State
from tenants.address_states import AddressState

WORKS = State("ok", "Works")
TRYING_AGAIN = State("wait", "Trying again")
BEING_TAKEN_UP = State("live", "Being taken up")
WAITS_FOR_RESTART = State("wait", "Waits for a restart")
UNCONFIRMED = State("todo", "Unconfirmed")
OFF = State("off", "Off")
IN_TRASH = State("off", "In the trash")
LEFT_ALONE = State("todo", "Changed outside")
NOT_CONNECTED = State("wait", "No mail server yet")


# What pages call each state of tenants.address_states.
WORDS = {
    AddressState.NO_SERVER: NOT_CONNECTED,
    AddressState.STOPPED: STOPPED,
    AddressState.LEFT_ALONE: LEFT_ALONE,
    AddressState.UNREACHABLE: TRYING_AGAIN,
    AddressState.WRITING: ON_ITS_WAY,
    AddressState.RESTARTING: WAITS_FOR_RESTART,
    AddressState.TAKING_UP: BEING_TAKEN_UP,
    AddressState.TRASHED: IN_TRASH,
    AddressState.OFF: OFF,
    AddressState.UNCONFIRMED: UNCONFIRMED,
    AddressState.WORKS: WORKS,
}


@dataclass(frozen=True)
class AddressStanding:
    """One address at one moment. `observed` says that the outside holds its last change; `since` belongs to
    the state where a time is known."""

    state: State
    observed: bool = False
    observed_at: datetime | None = None
    checked_at: datetime | None = None
    since: datetime | None = None

    @property
    def moves(self) -> bool:
        """Will it change by itself soon?"""
        return self.state.is_moving or self.state == TRYING_AGAIN

    def sentence(self, address: str, now: datetime) -> str:
        """What is true now, whoever reads it."""
        proved = f" Last proved {times.ago(self.checked_at, now)}." if self.checked_at else ""
        since = f" since {times.clock(self.since, now)}" if self.since else ""
        return {
            WORKS: f"Mail for {address} works.{proved}",
            ON_ITS_WAY: f"The last change of {address} is being written to the mail server.",
            TRYING_AGAIN: (
                f"The mail server of {address} cannot be reached{since}. Rookery tries again by itself."
            ),
            BEING_TAKEN_UP: f"The last change of {address} is written; the mail server is taking it up.",
            WAITS_FOR_RESTART: (
                f"The last change of {address} is written, and works once the mail server was restarted."
            ),
            UNCONFIRMED: (
                f"{address} gets no mail yet: whoever is to get it has to press the button in our mail first."
            ),
            OFF: f"{address} is switched off: no mail arrives, and nobody can log in.",
            IN_TRASH: f"{address} is gone from the mail server, and can come back as it was.",
            STOPPED: f"The last change of {address} is held up: an owner of the domain has to look at it.",
            LEFT_ALONE: (
                f"Somebody changed {address} at the mail server. It was left alone; an owner of the domain"
                " decides what holds."
            ),
            NOT_CONNECTED: f"{address} waits: its domain has no mail server yet.",
        }[self.state]
