"""Dynamic update (RFC 2136): record sets replaced in one signed message, if they still are as they were seen.

The server makes all changes of a message or none, and checks every prerequisite first: a compare-and-set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.update

from tenants.formats.text import FormatError
from tenants.formats.zones.data.simple import Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from workers.zone.errors import Garbled, NotSendable, UnknownOutcome
from workers.zone.keys import TsigKey, signer
from workers.zone.messages import dns_name, proved_reply
from workers.zone.outcomes import Asked
from workers.zone.records import rdata_of
from workers.zone.server import Deadline, Server, opened, reason

__all__ = ["Change", "Requirement", "batches", "require_sendable", "update", "update_message"]

_MOST_BYTES = 60_000
"""Of the records of one message, as counted by `batches`: a message has 65535, its signature included."""
_MOST_UNSIGNED = 65_535 - 600
_TOO_BIG = (
    "The change of {what} does not fit into one DNS message of 64 KiB: what is there now goes along with what"
    " takes its place."
)
_SMALLER = "Remove some records of it first, in a step of their own, or make it smaller."
_FIXED = 10
"""Bytes of a record besides its name and rdata."""


@dataclass(frozen=True)
class Requirement:
    """A record set must be exactly this (rdata on the wire, as `Transferred.seen` gives it), or absent if
    `exact` is empty. The SOA's own set makes a whole zone's version the condition."""

    owner: Name
    type: str
    exact: tuple[bytes, ...]


@dataclass(frozen=True)
class Change:
    """A record set becomes `after` (None: it is removed), if it still is `before` (see Requirement.exact)."""

    owner: Name
    type: str
    before: tuple[bytes, ...]
    after: RecordSet | None

    @property
    def requirement(self) -> Requirement:
        return Requirement(self.owner, self.type, self.before)


def update(
    server: Server,
    zone: Name,
    key: TsigKey,
    changes: Sequence[Change],
    requirements: Sequence[Requirement] = (),
    *,
    timeout: float = 30.0,
) -> None:
    """Make all changes in one message over TCP; return when the server said NOERROR, signed.

    What each changed set was before is a prerequisite; `requirements` are further ones. Without changes this
    tests the key and the requirements. The new serial is not in the answer: ask for it (`served_serial`).

    What servers make of it differs: ptt's primary and Knot ignore a change of nothing but the TTL, and ptt's
    primary answers NOERROR for a zone that it does not serve when a zone above it covers the key.

    Raises PrerequisiteFailed, RuleBroken, BadKey, BadSignature, ClockSkew, NotAuthoritative, NotAllowed and
    other Refusals (nothing was changed); NotSendable and Unreachable (nothing was sent); UnknownOutcome
    (sent, and no signed answer came).
    """
    message = update_message(zone, changes, requirements)
    signing = signer(key)
    message.use_tsig(signing)
    try:
        wire = message.to_wire()
    except dns.exception.TooBig:
        raise NotSendable(_TOO_BIG.format(what=zone.short), _SMALLER) from None
    absences = any(not item.exact for item in (*requirements, *(change.requirement for change in changes)))
    asked = Asked.about(server, "update", zone, expects_absence=absences)
    with opened(server, Deadline(timeout)) as stream:
        try:
            stream.send(wire)
            answer = stream.receive()
            proved_reply(answer, message, signing, asked)
        except OSError as problem:
            raise UnknownOutcome(f"{server} did not answer {asked.what}: {reason(problem)}.") from problem
        except Garbled as problem:
            raise UnknownOutcome(
                f"It is not known whether {asked.what} was made: {problem.sentence}"
            ) from problem


def batches(changes: Iterable[Change], *, most_bytes: int = _MOST_BYTES) -> Iterator[tuple[Change, ...]]:
    """Yield the changes in order, in groups that fit into one message each. Changes of one name that follow
    each other stay together where they fit: an alias takes the place of addresses in one message. A change
    that alone is too large stands alone; `update` refuses it. Order them so that each group leaves a valid
    zone: addresses before what points to them, and removals of addresses last."""
    group: list[Change] = []
    size = 0
    for unit in _units(changes, most_bytes):
        cost = sum(map(_cost, unit))
        if group and size + cost > most_bytes:
            yield tuple(group)
            group, size = [], 0
        group += unit
        size += cost
    if group:
        yield tuple(group)


def _units(changes: Iterable[Change], most_bytes: int) -> Iterator[tuple[Change, ...]]:
    for _, found in groupby(changes, key=lambda change: change.owner):
        unit = tuple(found)
        if sum(map(_cost, unit)) <= most_bytes:
            yield unit
        else:
            yield from ((change,) for change in unit)


def require_sendable(zone: Name, changes: Sequence[Change]) -> None:
    """Raise NotSendable for what `update` would refuse to send: here, before anything is sent."""
    message = update_message(zone, changes)
    if sum(map(_cost, changes)) <= _MOST_BYTES:
        return
    try:
        message.to_wire(max_size=_MOST_UNSIGNED)
    except dns.exception.TooBig:
        raise NotSendable(_TOO_BIG.format(what=changes[0].owner.short), _SMALLER) from None


def update_message(
    zone: Name, changes: Sequence[Change], requirements: Sequence[Requirement] = ()
) -> dns.update.UpdateMessage:
    """Return the message that `update` sends, not signed. Raises NotSendable."""
    made = dns.update.UpdateMessage(dns_name(zone))
    wanted = dict.fromkeys((*(change.requirement for change in changes), *requirements))
    for requirement in wanted:
        _require(made, requirement)
    for change in changes:
        _check(change, zone)
        if not _keeps_servers(change, zone):
            made.delete(dns_name(change.owner), _type(change.type))
    for change in changes:
        if change.after:
            for data in change.after.data:
                made.add(dns_name(change.owner), change.after.ttl, _rdata(data))
    for change in changes:
        if _keeps_servers(change, zone):
            _drop_servers(made, change)
    return made


def _check(change: Change, zone: Name) -> None:
    if change.type == "SOA":
        raise NotSendable(
            "An SOA is never sent in an update: a lower serial makes ptt's primary go back.",
            "Leave it out; the server raises the serial itself.",
        )
    if not change.owner.within(zone):
        raise NotSendable(f"{change.owner.short} lies outside {zone.short}.", "Change it in its own zone.")
    after = change.after
    if after is not None and (after.owner, after.type) != (change.owner, change.type):
        raise NotSendable(f"The change of {change.owner.short} {change.type} brings another record set.")
    if change.owner == zone and change.type == "NS" and after is None:
        raise NotSendable(f"{zone.short} would have no name servers.", "Keep at least one NS record.")


def _keeps_servers(change: Change, zone: Name) -> bool:
    """The NS set of a zone cannot be deleted as a whole (RFC 2136 §3.4.2.3): servers ignore the attempt."""
    return change.owner == zone and change.type == "NS"


def _drop_servers(made: dns.update.UpdateMessage, change: Change) -> None:
    kept = {_rdata(data) for data in change.after.data} if change.after else set()
    for wire in change.before:
        try:
            old = dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.NS, wire, 0, len(wire))
        except (dns.exception.DNSException, ValueError, LookupError):
            raise NotSendable("What the name servers were before is not what a transfer gave.") from None
        if old not in kept:
            made.delete(dns_name(change.owner), old)


def _require(made: dns.update.UpdateMessage, requirement: Requirement) -> None:
    owner, number = dns_name(requirement.owner), _type(requirement.type)
    if not requirement.exact:
        made.absent(owner, number)
    for wire in requirement.exact:
        made.present(owner, dns.rdata.GenericRdata(dns.rdataclass.IN, number, wire))


def _rdata(data: Data) -> dns.rdata.Rdata:
    try:
        return rdata_of(data)
    except FormatError as error:
        raise NotSendable(error.problem, error.fix) from None


def _type(name: str) -> dns.rdatatype.RdataType:
    try:
        return dns.rdatatype.from_text(name)
    except (dns.exception.DNSException, ValueError):
        raise NotSendable("A record set has a type that does not exist.") from None


def _cost(change: Change) -> int:
    """An upper bound of the bytes that a change takes, names not compressed."""
    owner = len(change.owner.absolute) + 1 + _FIXED
    before = sum(owner + len(wire) for wire in change.before) + owner
    if change.after is None:
        return before + owner
    added = sum(owner + len(_rdata(data).to_wire() or b"") for data in change.after.data)
    return before + owner + added
