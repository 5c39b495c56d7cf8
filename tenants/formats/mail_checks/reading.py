"""What a check may ask, what it was answered, and what is still to be asked.

Checks are functions of the answers known so far. One that needs another answer says so and stops; whoever
observes asks, and judges again. So the questions stand nowhere but in the checks.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tenants.formats.exchanges import is_host

__all__ = [
    "Answer",
    "Connect",
    "Connected",
    "Lookup",
    "NotAsked",
    "Policy",
    "PolicyFile",
    "Question",
    "Reading",
    "Relay",
    "Relayed",
    "Said",
    "Status",
]

MOST_HOSTS = 10
MOST_ADDRESSES = 10  # of one host


class Status(StrEnum):
    """How a question to the DNS was answered."""

    DATA = "data"
    NO_DATA = "no data"  # the name exists, without records of this type
    NO_NAME = "no name"  # NXDOMAIN
    FAILED = "failed"  # SERVFAIL, REFUSED, silence, nonsense


@dataclass(frozen=True)
class Lookup:
    """Records of a name (lower case, no final dot): of the resolver, or of the server at an address."""

    name: str
    kind: str
    server: str = ""


@dataclass(frozen=True)
class Connect:
    """What a mail server says at a port: 25 with STARTTLS, 465 with TLS at once. `host` is its name."""

    address: str
    port: int
    host: str


@dataclass(frozen=True)
class Relay:
    """Whether the mail server at an address takes mail of a stranger for a stranger. Nothing is sent."""

    address: str


@dataclass(frozen=True)
class PolicyFile:
    """What the MTA-STS policy host of a domain serves (RFC 8461 §3.3)."""

    domain: str


Question = Lookup | Connect | Relay | PolicyFile


@dataclass(frozen=True)
class Said:
    """What the DNS said. `records` as text: names in lower case without their last dot, TXT as its bytes say.

    `ttl` in seconds, for how long others may keep it (of a negative answer too). `authoritative`: the server
    keeps the zone itself; `authentic`: the resolver proved it by DNSSEC. `referred` are the name servers it
    names instead, with `glue`, pairs of name and address. `problem` says why there is no answer.
    """

    status: Status
    records: tuple[str, ...] = ()
    ttl: int = 0
    problem: str = ""
    authoritative: bool = False
    authentic: bool = False
    referred: tuple[str, ...] = ()
    glue: tuple[tuple[str, str], ...] = ()

    @property
    def failed(self) -> bool:
        return self.status is Status.FAILED


@dataclass(frozen=True)
class Connected:
    """How a connection went. `problem`: none came about, or nobody spoke SMTP there.

    `tls_problem`: no TLS; `distrust`: there was TLS, but a careful sender would not believe the certificate,
    and why. `certificate` and `public_key` are DER; `valid_until` is aware.
    """

    problem: str = ""
    tls_problem: str = ""
    distrust: str = ""
    valid_until: datetime | None = None
    certificate: bytes = field(default=b"", repr=False)
    public_key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Relayed:
    """`accepted`: the server would have taken it. None: not known, and `reply` says what happened."""

    accepted: bool | None
    reply: str = ""


@dataclass(frozen=True)
class Policy:
    """The policy file's text, or why there is none."""

    text: str = ""
    problem: str = ""


Answer = Said | Connected | Relayed | Policy


class NotAsked(Exception):
    """Answers that are missing: `questions`."""

    def __init__(self, questions: Iterable[Question]) -> None:
        super().__init__("some questions were not asked yet")
        self.questions = tuple(questions)


@dataclass(frozen=True)
class Reading:
    """The answers known so far, and when (aware) they were given."""

    at: datetime
    answers: Mapping[Question, Answer]

    def need(self, *questions: Question) -> None:
        """Raises NotAsked for those without an answer: all at once, so that they are asked at once."""
        missing = [each for each in questions if each not in self.answers]
        if missing:
            raise NotAsked(missing)

    def said(self, name: str, kind: str, server: str = "") -> Said:
        """Raises NotAsked, as all of these do."""
        question = Lookup(name, kind, server)
        self.need(question)
        answer = self.answers[question]
        return answer if isinstance(answer, Said) else Said(Status.FAILED)

    def connected(self, address: str, port: int, host: str) -> Connected:
        question = Connect(address, port, host)
        self.need(question)
        answer = self.answers[question]
        return answer if isinstance(answer, Connected) else Connected("it was not tried")

    def relayed(self, address: str) -> Relayed:
        question = Relay(address)
        self.need(question)
        answer = self.answers[question]
        return answer if isinstance(answer, Relayed) else Relayed(None)

    def policy(self, domain: str) -> Policy:
        question = PolicyFile(domain)
        self.need(question)
        answer = self.answers[question]
        return answer if isinstance(answer, Policy) else Policy(problem="it was not tried")

    def forgotten(self, said: Said) -> datetime:
        """When nobody has an answer any more that was given now."""
        return self.at + timedelta(seconds=min(said.ttl, 7 * 86400))

    # What several checks ask ------------------------------------------------------------------------

    def exchangers(self, domain: str) -> tuple[str, ...]:
        """The hosts of the domain's MX records, the best first; none when there are none or nobody says."""
        pairs: list[tuple[int, str]] = []
        for record in self.said(domain, "MX").records:
            preference, _, host = record.partition(" ")
            if preference.isdigit() and is_host(host):
                pairs.append((int(preference), host))
        return tuple(dict.fromkeys(host for _, host in sorted(pairs)))[:MOST_HOSTS]

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of a host, IPv4 first; what is no address is left out."""
        self.need(Lookup(host, "A"), Lookup(host, "AAAA"))
        found = (*self.said(host, "A").records, *self.said(host, "AAAA").records)
        return tuple(each for each in dict.fromkeys(found) if is_address(each))[:MOST_ADDRESSES]

    def exchanger_addresses(self, domain: str) -> dict[str, tuple[str, ...]]:
        """The addresses of each exchanger."""
        hosts = self.exchangers(domain)
        self.need(*[Lookup(host, kind) for host in hosts for kind in ("A", "AAAA")])
        return {host: self.addresses(host) for host in hosts}


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
