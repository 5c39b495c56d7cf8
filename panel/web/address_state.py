"""Where an address stands: what is asked for here, and how far it was proved at the mail server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.timesince import timesince

from tenants.models import Condition, Mailbox, Step, SyncTarget


class Stage(StrEnum):
    """In the order in which they are asked; the first that holds is told."""

    DELETED = "deleted"
    OFF = "off"
    UNCONFIRMED = "unconfirmed"
    NO_SERVER = "no server"
    STOPPED = "stopped"
    UNREACHABLE = "unreachable"
    WRITING = "writing"
    LEFT_ALONE = "left alone"
    RESTARTING = "restarting"
    WORKS = "works"


_BADGES: dict[Stage, tuple[str, str]] = {
    Stage.DELETED: ("off", "deleted"),
    Stage.OFF: ("off", "off"),
    Stage.UNCONFIRMED: ("todo", "unconfirmed"),
    Stage.NO_SERVER: ("wait", "no mail server yet"),
    Stage.STOPPED: ("fail", "stopped"),
    Stage.UNREACHABLE: ("wait", "waiting for the mail server"),
    Stage.WRITING: ("live", "being written"),
    Stage.LEFT_ALONE: ("fail", "changed outside"),
    Stage.RESTARTING: ("live", "being taken up"),
    Stage.WORKS: ("ok", "works"),
}


@dataclass(frozen=True)
class Standing:
    """One address at one moment. `written` says that the outside holds its last change; `since` belongs
    to the stage where a time is known."""

    stage: Stage
    written: bool = False
    asked_at: datetime | None = None
    written_at: datetime | None = None
    proved_at: datetime | None = None
    since: datetime | None = None

    @property
    def badge(self) -> str:
        return _BADGES[self.stage][0]

    @property
    def word(self) -> str:
        return _BADGES[self.stage][1]

    @property
    def moves(self) -> bool:
        """Will it change by itself soon?"""
        return self.stage in {Stage.UNREACHABLE, Stage.WRITING, Stage.RESTARTING}

    def sentence(self, address: str, now: datetime | None = None) -> str:
        """What is true now, for the holder of the address."""
        proved = f" Last proved {ago(self.proved_at, now)}." if self.proved_at else ""
        since = f" since {clock(self.since, now)}" if self.since else ""
        return {
            Stage.DELETED: f"{address} was deleted by the owner of its domain.",
            Stage.OFF: f"{address} is switched off: no mail arrives, and nobody can log in.",
            Stage.UNCONFIRMED: (
                f"{address} gets no mail yet: nobody has confirmed to get it. Press the button in our mail."
            ),
            Stage.NO_SERVER: f"{address} waits: its domain has no mail server yet.",
            Stage.STOPPED: (
                f"The last change of {address} is held up. The owner of the domain has to look at it."
            ),
            Stage.UNREACHABLE: (
                f"The mail server of {address} cannot be reached{since}. Rookery tries again by itself."
            ),
            Stage.WRITING: f"The last change of {address} is being written to the mail server.",
            Stage.LEFT_ALONE: (
                f"Somebody changed {address} at the mail server. The owner of the domain has to decide."
            ),
            Stage.RESTARTING: (
                f"The last change of {address} is at the mail server, which takes it up when it restarts."
            ),
            Stage.WORKS: f"Mail for {address} works.{proved}",
        }[self.stage]

    @property
    def proof(self) -> dict[str, Any]:
        """The four words of parts/proof.html for the last change."""
        here = {"state": "done", "at": self.asked_at}
        if self.written:
            done = {"state": "done"}
            return {
                "accepted": here,
                "planned": done,
                "pushed": done,
                "observed": {"state": "done", "at": self.written_at},
            }
        todo = {"state": "todo"}
        planned = {
            Stage.STOPPED: {"state": "fail", "note": "held up"},
            Stage.LEFT_ALONE: {"state": "fail", "note": "changed outside"},
            Stage.WRITING: {"state": "live"},
            Stage.UNREACHABLE: {"state": "live", "note": "trying again"},
        }.get(self.stage, todo)
        return {"accepted": here, "planned": planned, "pushed": todo, "observed": todo}


def with_standing(mailboxes: QuerySet[Mailbox]) -> QuerySet[Mailbox]:
    """Load everything that `standing_of` reads, in a constant number of queries."""
    return mailboxes.select_related("domain__relay__sync_target").prefetch_related(
        "targets", "domain__relay__sync_target__conditions"
    )


def standing_of(mailbox: Mailbox, now: datetime | None = None) -> Standing:
    target: SyncTarget | None = getattr(getattr(mailbox.domain, "relay", None), "sync_target", None)
    # A change from before the relay was connected has generation 0: the first pass carries it.
    written = (
        target is not None
        and target.observed_generation >= max(mailbox.generation, 1)
        and not _left_alone(mailbox, target)
    )
    stage, since = _here(mailbox) or _outside(mailbox, target, written, now or timezone.now())
    return Standing(
        stage=stage,
        written=written,
        asked_at=mailbox.changed_at,
        written_at=target.observed_at if target is not None and written else None,
        proved_at=target.checked_at if target is not None and written else None,
        since=since,
    )


_Told = tuple[Stage, datetime | None]


def _here(mailbox: Mailbox) -> _Told | None:
    """What our own rows say; nothing when the address is to be served."""
    if mailbox.trashed_at is not None:
        return Stage.DELETED, mailbox.trashed_at
    if not mailbox.enabled:
        return Stage.OFF, None
    if not any(row.confirmed_at for row in mailbox.targets.all()):
        return Stage.UNCONFIRMED, None
    return None


def _outside(mailbox: Mailbox, target: SyncTarget | None, written: bool, now: datetime) -> _Told:
    """How far an address that is to be served has come."""
    if target is None:
        return Stage.NO_SERVER, None
    conditions = {row.type: row for row in target.conditions.all()}
    if not written:
        return _not_written(mailbox, target, conditions)
    waiting = conditions.get(Condition.Type.RELOAD_PENDING)
    since = waiting.since if waiting is not None else None
    if waiting is not None and waiting.status:
        return Stage.RESTARTING, since
    return (Stage.RESTARTING, None) if _settles(target, now) else (Stage.WORKS, since)


def _not_written(mailbox: Mailbox, target: SyncTarget, conditions: dict[str, Condition]) -> _Told:
    if target.stop_code and target.generation <= target.stop_generation:
        return Stage.STOPPED, None
    if _left_alone(mailbox, target):
        return Stage.LEFT_ALONE, None
    reachable = conditions.get(Condition.Type.REACHABLE)
    if reachable is not None and not reachable.status:
        return Stage.UNREACHABLE, reachable.since
    return Stage.WRITING, None


def _left_alone(mailbox: Mailbox, target: SyncTarget) -> bool:
    """Did somebody else change the entry outside? Then it is reported and stays as it is."""
    return mailbox.local_part in target.proof.get("apart", {})


def _settles(target: SyncTarget, now: datetime) -> bool:
    """Is a pass that has proved the change just now making the mail servers take it up?"""
    if target.lease_until <= now:
        return False
    return Step.objects.filter(
        run=target.runs.order_by("-pk").values("pk")[:1],
        name="settle",
        state__in=[Step.State.PENDING, Step.State.RUNNING],
    ).exists()


def clock(at: datetime | None, now: datetime | None = None) -> str:
    """“08:57” today, “4 May, 08:57” on another day; empty without a time."""
    if at is None:
        return ""
    local, today = timezone.localtime(at), timezone.localtime(now or timezone.now())
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}, {local:%H:%M}"


def ago(at: datetime | None, now: datetime | None = None) -> str:
    """“12 s ago”, “3 minutes ago”; empty without a time."""
    if at is None:
        return ""
    seconds = max(0, int(((now or timezone.now()) - at).total_seconds()))
    if seconds < 90:
        return f"{seconds} s ago"
    return f"{timesince(at, now, depth=1)} ago".replace("\xa0", " ")
