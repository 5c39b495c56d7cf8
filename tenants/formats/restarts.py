"""When unikernels that read a relay repository or a certificate restart: pure, for workers and for pages.

ptt reads relay.git only when it boots, and what it holds of mails in flight is in its memory alone. So a
restart waits for a quiet moment and keeps its distance from the last one; what takes something away from
somebody does not wait.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tenants.formats.relay_entry import RelayEntry
from tenants.formats.relay_reading import NO_LOGIN
from tenants.formats.text import FormatError

SUBMISSION, RELAY, CERTIFICATE = "submission", "relay", "certificate"
# Submission first: who signs in with a new passphrase is let in before mail to new targets flows. Last what
# has read its repository and only takes a renewed certificate, or reads none at all: nobody waits for that.
ROLES = (SUBMISSION, RELAY, CERTIFICATE)


@dataclass(frozen=True)
class Pace:
    """In seconds. `quiet` passes after the last change, but never more than `longest` after the first one
    that waits; `apart` lies between two restarts, `apart_urgent` when it is urgent, so that nobody who
    switches an address off and on keeps everybody's mail servers busy."""

    quiet: int = 20
    apart: int = 300

    @property
    def longest(self) -> int:
        return 6 * self.quiet

    @property
    def apart_urgent(self) -> int:
        return min(30, self.apart)

    def between(self, *, urgent: bool) -> timedelta:
        """What lies at least between two restarts."""
        return timedelta(seconds=self.apart_urgent if urgent else self.apart)


USUAL = Pace()
LONGEST_QUIET = 600
SHORTEST_APART, LONGEST_APART = 30, 24 * 3600


def check_pace(quiet: int, apart: int) -> Pace:
    """Raises FormatError (fields `quiet`, `apart`)."""
    if not 0 <= quiet <= LONGEST_QUIET:
        raise FormatError("quiet", f"{quiet} seconds are not possible.", f"Choose 0 to {LONGEST_QUIET}.")
    if not SHORTEST_APART <= apart <= LONGEST_APART:
        said = f"Choose {SHORTEST_APART} to {LONGEST_APART}: a restart ends mails that are on their way."
        raise FormatError("apart", f"{apart} seconds are not possible.", said)
    return Pace(quiet, apart)


def due(
    *,
    changed_at: datetime,
    waiting_since: datetime,
    last_restart: datetime | None,
    urgent: bool,
    pace: Pace = USUAL,
) -> datetime:
    """From when on they may restart. `changed_at`: the last change; `waiting_since`: the first that waits."""
    quiet, longest = timedelta(seconds=pace.quiet), timedelta(seconds=pace.longest)
    at = waiting_since if urgent else min(changed_at + quiet, waiting_since + longest)
    return at if last_restart is None else max(at, last_restart + pace.between(urgent=urgent))


def takes_away(before: Mapping[bytes, RelayEntry], after: Mapping[bytes, RelayEntry]) -> bool:
    """Is something gone that the servers still let through: an address, or a passphrase that was replaced?

    Of both sides only entries that differ need be given.
    """
    for name, old in before.items():
        new = after.get(name)
        if new is None or old.password not in (NO_LOGIN, new.password):
            return True
    return False


@dataclass(frozen=True)
class Waiting:
    """A unikernel whose repository holds something newer than what it read, or for which a renewed
    certificate is there (`repository` is 0 for one that reads none).

    `should_run` is what is desired. `problem` says why it must not start now, "" when it may;
    `here` is whether it is on the host that is asked now.
    """

    label: str
    repository: int
    role: str
    due_at: datetime
    should_run: bool = True
    here: bool = True
    problem: str = ""


@dataclass(frozen=True)
class Held:
    """One that does not restart although its time has come."""

    label: str
    why: str


@dataclass(frozen=True)
class Restarts:
    """`now` in the order in which they restart; `next_at` is when the next one here may be due."""

    now: tuple[Waiting, ...]
    held: tuple[Held, ...]
    next_at: datetime | None


def decide(
    waiting: Sequence[Waiting],
    *,
    running: Collection[str],
    starting: Collection[str],
    left_alone: Collection[str],
    restartable: bool,
    now: datetime,
) -> Restarts:
    """What to restart on one host now.

    `running`: what runs there; `starting`: what this pass starts anyway, which reads the repository then;
    `left_alone`: what somebody else changed there; `restartable`: whether this host can restart at all.
    """
    found: list[Waiting] = []
    held: list[Held] = []
    later: list[datetime] = []
    first = [each for each in waiting if each.role == SUBMISSION and each.should_run]
    in_order = sorted(waiting, key=lambda each: (each.repository, ROLES.index(each.role), each.label))
    for each in in_order:
        if not each.here or not each.should_run or each.label in starting:
            continue
        if each.due_at > now:
            later.append(each.due_at)
            continue
        why = _hindrance(each, running, left_alone, restartable)
        if not why and each.role == RELAY:
            before = [one for one in first if one.repository == each.repository]
            if any(one not in found and one.label not in starting for one in before):
                why = f"{each.label} waits until submission has read the change."
        if why:
            held.append(Held(each.label, why))
        else:
            found.append(each)
    return Restarts(tuple(found), tuple(held), min(later, default=None))


def _hindrance(
    each: Waiting, running: Collection[str], left_alone: Collection[str], restartable: bool
) -> str:
    if each.label not in running:
        return f"{each.label} does not run; it reads the change when it starts."
    if each.label in left_alone:
        return f"{each.label} was changed on the host by somebody else; decide about that first."
    if not restartable:
        return f"The albatross of this host cannot restart {each.label}; restart it there by hand."
    return each.problem
