"""Where a zone stands: its one word, what is true of it in a sentence, and the rows of its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from panel.web import times
from panel.web.sentences import ON_ITS_WAY, STOPPED, State
from tenants.formats.zones.merge import written_by_unikernels
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import type_rank
from tenants.models import RecordSet

SERVED = State("ok", "Served")
UNPROVED = State("todo", "Waits for proof")
TRYING_AGAIN = State("wait", "Trying again")
FROZEN = State("off", "Frozen")
NOT_WRITTEN = State("fail", "Not written")
CHANGED_OUTSIDE = State("todo", "Changed outside")
REMOVING = State("wait", "Being removed")
REMOVED = State("off", "Removed")
LET_GO = State("off", "Let go")


@dataclass(frozen=True)
class ZoneFacts:
    """All that the state of a zone depends on. `refusal` says why its content is not written."""

    name: str
    proved: bool = True
    standing: str = "kept"
    stopped: str = ""
    unreachable: str = ""
    observed: bool = True
    frozen: bool = False
    refusal: str = ""
    changed_outside: int = 0
    serial: int | None = None
    served_at: datetime | None = None


def zone_state(facts: ZoneFacts) -> State:
    """The one word for a zone: the first line that holds.

    | word                | what is true                                                     |
    |---------------------|------------------------------------------------------------------|
    | Let go              | Rookery writes nothing into it any more; outside it is as it was |
    | Removed             | its file is gone, and the primary does not answer for it         |
    | Stopped: needs you  | a person must act before anything is written                     |
    | Waits for proof     | nobody proved yet whose domain it is, so it is not published     |
    | Not written         | its content would take it off the air                            |
    | Trying again        | git or the primary cannot be reached                             |
    | Being removed       | somebody removed it, and that is not proved yet                  |
    | On its way          | the last change is not served yet                                |
    | Changed outside     | others changed record sets of ours; they were left alone         |
    | Frozen              | nothing is written into it for now                               |
    | Served              | the primary answers with it                                      |
    """
    lines = (
        (facts.standing == "let_go", LET_GO),
        (facts.standing == "removed", REMOVED),
        (bool(facts.stopped), STOPPED),
        (facts.standing == "removing" and bool(facts.unreachable), TRYING_AGAIN),
        (facts.standing == "removing", REMOVING),
        (not facts.proved, UNPROVED),
        (bool(facts.refusal), NOT_WRITTEN),
        (not facts.observed and bool(facts.unreachable), TRYING_AGAIN),
        (not facts.observed, ON_ITS_WAY),
        (facts.changed_outside > 0, CHANGED_OUTSIDE),
        (facts.frozen, FROZEN),
    )
    return next((state for holds, state in lines if holds), SERVED)


def zone_sentence(facts: ZoneFacts, state: State, now: datetime) -> str:
    """What is true now."""
    serial = f" with serial {facts.serial}" if facts.serial is not None else ""
    proved = f", last proved {times.ago(facts.served_at, now)}" if facts.served_at else ""
    return {
        SERVED: f"{facts.name} is served as you asked{serial}{proved}.",
        UNPROVED: f"{facts.name} is not published yet: first show that the domain is yours.",
        STOPPED: f"Nothing is written for {facts.name} until somebody acts. {facts.stopped}",
        NOT_WRITTEN: facts.refusal,
        TRYING_AGAIN: f"The last change of {facts.name} waits. {facts.unreachable}",
        ON_ITS_WAY: f"The last change of {facts.name} is being written and served.",
        CHANGED_OUTSIDE: (
            f"{facts.name} is served{serial}, but others changed"
            f" {'a record set' if facts.changed_outside == 1 else f'{facts.changed_outside} record sets'} of"
            f" yours{proved}."
        ),
        REMOVING: f"{facts.name} is being taken off the air.",
        REMOVED: f"{facts.name} was removed: the primary does not answer for it any more{proved}.",
        LET_GO: f"Rookery does not keep {facts.name} any more. Outside it is as it was.",
        FROZEN: f"{facts.name} is frozen: Rookery writes nothing into it.",
    }[state]


# Rows ------------------------------------------------------------------------------------------------

GROUPS = ("Mail", "Web and addresses", "Name servers", "Keys and certificates", "Other")


@dataclass(frozen=True)
class RowLine:
    """One record set as the page shows it."""

    owner: str
    full: str
    type: str
    ttl: str
    seconds: int
    data: Sequence[str]
    word: str
    badge: str
    note: str = ""
    may_edit: bool = False
    may_take: bool = False
    may_freeze: bool = False
    is_frozen: bool = False
    group: str = "Other"
    staged: str = ""
    rank: Any = field(default=None, compare=False)


def relative(owner: str, zone: str) -> str:
    """“www”, “@”, or the full name where it lies outside."""
    if owner == zone:
        return "@"
    return owner.removesuffix(f".{zone}") if owner.endswith(f".{zone}") else f"{owner}."


def row_lines(
    rows: Iterable[RecordSet], zone: str, minimum: int, staged: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[tuple[str, list[RowLine]]]:
    """The record sets by group, with what is staged for each."""
    listed = [row for row in rows if not row.absent]
    servers = {
        target.removesuffix(".")
        for row in listed
        if row.type == "NS" and row.owner == zone
        for target in row.data
    }
    exchanging = [text for row in listed if row.type == "MX" for text in row.data]
    exchanging += [text for (_, kind), change in staged.items() if kind == "MX" for text in change["data"]]
    exchangers = {text.rpartition(" ")[2].removesuffix(".") for text in exchanging}
    lines = [
        _line(row, zone, _group(row.owner, row.type, row.data, zone, servers, exchangers), staged)
        for row in listed
    ]
    known = {(line.full, line.type) for line in lines}
    for (owner, kind), change in staged.items():
        if (owner, kind) not in known:
            lines.append(_new_line(owner, kind, change, zone, minimum, servers, exchangers))
    found = []
    for group in GROUPS:
        inside = sorted((line for line in lines if line.group == group), key=lambda line: line.rank)
        if inside:
            found.append((group, inside))
    return found


def _rank(owner: str, kind: str) -> Any:
    try:
        return Name.of(owner).key, type_rank(kind)
    except ValueError:
        return (), 0


def _line(
    row: RecordSet, zone: str, group: str, staged: Mapping[tuple[str, str], Mapping[str, Any]]
) -> RowLine:
    change = staged.get((row.owner, row.type))
    machine = written_by_unikernels(Name.of(row.owner).labels, row.type)
    external = row.holder == RecordSet.Holder.EXTERNAL
    frozen = row.holder == RecordSet.Holder.FROZEN
    word, badge = ("frozen", "off") if frozen else ("by Rookery", "ok")
    if external:
        word, badge = ("by a unikernel", "live") if machine else ("by others", "off")
    data: Sequence[str] = row.data
    if change is not None and change["data"]:
        data = change["data"]
    return RowLine(
        owner=relative(row.owner, zone),
        full=row.owner,
        type=row.type,
        ttl=ttl_words(row.ttl),
        seconds=row.ttl,
        data=data,
        word=word,
        badge=badge,
        may_edit=not external and not frozen,
        may_take=external and not machine,
        may_freeze=not external,
        is_frozen=frozen,
        group=group,
        staged=_staged_word(change),
        rank=_rank(row.owner, row.type),
    )


def _new_line(
    owner: str,
    kind: str,
    change: Mapping[str, Any],
    zone: str,
    minimum: int,
    servers: set[str],
    exchangers: set[str],
) -> RowLine:
    ttl = change["ttl"] if change["ttl"] is not None else minimum
    return RowLine(
        owner=relative(owner, zone),
        full=owner,
        type=kind,
        ttl=ttl_words(ttl),
        seconds=ttl,
        data=change["data"],
        word="new",
        badge="wait",
        may_edit=True,
        group=_group(owner, kind, change["data"], zone, servers, exchangers),
        staged="will be added",
        rank=_rank(owner, kind),
    )


def _staged_word(change: Mapping[str, Any] | None) -> str:
    if change is None:
        return ""
    if change.get("take_over"):
        return "will be taken over"
    return "will be changed" if change["data"] else "will be removed"


def _group(
    owner: str, kind: str, data: Sequence[str], zone: str, servers: set[str], exchangers: set[str]
) -> str:
    first = owner.partition(".")[0]
    if kind in {"NS", "DS"} or (kind in {"A", "AAAA"} and owner in servers):
        return "Name servers"
    if kind in {"TLSA", "SSHFP", "CAA", "DNSKEY"} or first == "_acme-challenge":
        return "Keys and certificates"
    mail_text = first in {"_dmarc", "_mta-sts", "_smtp"} or "._domainkey." in owner
    if kind == "MX" or owner in exchangers or mail_text or any("v=spf1" in text for text in data):
        return "Mail"
    if kind in {"A", "AAAA", "CNAME", "HTTPS", "SVCB"}:
        return "Web and addresses"
    return "Other"


def ttl_words(seconds: int) -> str:
    """“1 hour”, “5 minutes”, “90 s”."""
    for length, one, many in ((86400, "day", "days"), (3600, "hour", "hours"), (60, "minute", "minutes")):
        if seconds and seconds % length == 0:
            number = seconds // length
            return f"{number} {one if number == 1 else many}"
    return f"{seconds} s"


# What people type, by type -----------------------------------------------------------------------------

EXAMPLES: dict[str, tuple[str, str, str]] = {
    "MX": ("Who takes the mail", "10 mail", "Each line: preference and host; the lowest is tried first."),
    "A": ("IPv4 addresses", "192.0.2.25", "One address on each line."),
    "AAAA": ("IPv6 addresses", "2001:db8::25", "One address on each line."),
    "CNAME": ("Alias of", "mail", "The one name that this name is an alias of."),
    "TXT": ("Text", "v=spf1 mx -all", "One text on each line, without quotes and backslashes."),
    "NS": ("Name servers", "ns1", "One host on each line."),
    "SRV": ("Services", "0 5 5060 sip", "Each line: priority, weight, port and host."),
    "CAA": ("Who may issue certificates", '0 issue "letsencrypt.org"', "Each line: flags, tag, value."),
    "TLSA": ("Certificates", "3 1 1 5F2A…", "Each line: usage, selector, matching type, digits."),
    "SSHFP": ("SSH host keys", "4 2 9D1C…", "Each line: algorithm, type, digits; ssh-keygen -r prints them."),
    "DS": ("Delegation signers", "12345 8 2 49FD…", "Each line: key tag, algorithm, digest type, digits."),
    "PTR": ("Points to", "mail.example.org.", "The host behind this address."),
    "LOC": (
        "Location",
        "52 22 23.000 N 4 53 32.000 E -2.00m",
        "Latitude, longitude, height; N S E W in capitals.",
    ),
    "HTTPS": ("How to reach the site", "1 www alpn=h2,h3", "Each line: priority, target, parameters."),
    "SVCB": ("How to reach the service", "1 host alpn=h2", "Each line: priority, target, parameters."),
}
PURPOSES = {
    "MX": "mail",
    "A": "an IPv4 address",
    "AAAA": "an IPv6 address",
    "CNAME": "an alias",
    "TXT": "text: SPF, DMARC, proofs",
    "NS": "name servers",
    "SRV": "a service",
    "CAA": "who may issue certificates",
    "TLSA": "a certificate",
    "SSHFP": "SSH host keys",
    "DS": "a signed delegation",
    "PTR": "the name of an address",
    "LOC": "a place",
    "HTTPS": "how to reach a web site",
    "SVCB": "how to reach a service",
}
