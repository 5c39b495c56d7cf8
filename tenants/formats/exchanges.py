"""Where the mail of a target's domain goes, and what follows from it for ptt's relay. Pure.

The relay groups recipients by the address of their mail exchanger and rewrites each group to one domain: two
target domains of one address that share an exchanger's address are delivered to the wrong people. It has no
fallback to A or AAAA where a domain has no MX (mirage/ptt issue 27).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

# A target's state; mail flows in these two.
FREE, CHECKING, SHARED, ACCEPTED = "", "checking", "shared", "accepted"
FLOWS = (FREE, ACCEPTED)
MOST_POLICY_TEXT = 2_000


class Answer(StrEnum):
    """What the DNS said about a domain's mail."""

    EXCHANGES = "exchanges"  # it has MX records
    ADDRESS_ONLY = "address_only"  # no MX; a sender would fall back to its address, ptt does not
    NOTHING = "nothing"  # the name exists, without MX or address
    NO_MAIL = "no_mail"  # a null MX (RFC 7505): it takes no mail
    NO_DOMAIN = "no_domain"  # NXDOMAIN


class Dmarc(StrEnum):
    """The policy that a domain publishes for mail in its name (RFC 7489)."""

    ABSENT = ""
    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True)
class Exchanges:
    """What is known of one domain: names of its exchangers (best first) and all their addresses."""

    answer: Answer
    hosts: tuple[str, ...] = ()
    addresses: frozenset[str] = frozenset()
    dmarc: Dmarc = Dmarc.ABSENT


@dataclass(frozen=True)
class Shared:
    """Two target domains that ptt's relay would mix; `by` names the common hosts and addresses."""

    first: str
    second: str
    by: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What would happen, for a person."""
        return (
            f"{self.first} and {self.second} use the same mail server ({', '.join(self.by[:4])}): ptt's relay"
            " would deliver mail for one of them to people of the other."
        )


Known = Mapping[str, Exchanges | None]


def shared(first: str, second: str, known: Known) -> Shared | None:
    """Do two domains share an exchanger, by what is known? None for no, and for what is not known.

    Equal names count as well as equal addresses, since a provider may answer with another address each time;
    so do names in one zone of a provider that gives each customer a name of its own.
    """
    one, other = known.get(first), known.get(second)
    if one is None or other is None or first == second:
        return None
    hosts = [host for host in one.hosts if host in other.hosts]
    zones = sorted({*map(_zone, one.hosts)} & {*map(_zone, other.hosts)} - {""})
    common = [*hosts, *sorted(one.addresses & other.addresses)] or [f"names below {zone}" for zone in zones]
    return Shared(first, second, tuple(common)) if common else None


def _zone(host: str) -> str:
    """Of a name with five or more parts, what is after the first: x.mail.protection.example.com."""
    zone = host.partition(".")[2]
    return zone if zone.count(".") >= 3 else ""


def shared_pairs(hosts: Iterable[str], known: Known) -> tuple[Shared, ...]:
    """All pairs of these domains that are known to share an exchanger."""
    pairs = combinations(sorted(set(hosts)), 2)
    return tuple(found for one, other in pairs if (found := shared(one, other, known)) is not None)


def host_of(address: str) -> str:
    """The domain of a target, in lower case."""
    return address.rpartition("@")[2].lower()


def judge(targets: Sequence[tuple[str, str]], known: Known) -> list[str]:
    """The state of each target (its domain and its state so far) after looking at what is known.

    What flows goes on flowing: to stop mail is a person's decision. The others begin to flow once their
    domain is known to share no exchanger with a domain that flows already.
    """
    flowing = {host for host, state in targets if state in FLOWS}
    states: list[str] = []
    for host, state in targets:
        found = state if state in FLOWS else _judge_one(host, flowing, known)
        if found in FLOWS:
            flowing.add(host)
        states.append(found)
    return states


def _judge_one(host: str, flowing: set[str], known: Known) -> str:
    if host in flowing or not flowing:
        return FREE
    if any(shared(host, other, known) for other in flowing):
        return SHARED
    asked = [host, *flowing]
    return CHECKING if any(known.get(each) is None for each in asked) else FREE


def read_policy(records: Iterable[bytes]) -> tuple[Dmarc, Dmarc] | None:
    """The policies (`p`, and `sp` for sub-domains) of a name's TXT records; None without exactly one.

    RFC 7489 §6.6.3: several records that begin with v=DMARC1 are as none; an unknown policy is “none”.
    """
    found = [text for record in records if (text := record[:MOST_POLICY_TEXT]).startswith(b"v=DMARC1")]
    if len(found) != 1:
        return None
    tags: dict[bytes, bytes] = {}
    for part in found[0].split(b";"):
        name, _, value = part.partition(b"=")
        tags.setdefault(name.strip().lower(), value.strip().lower())
    own = _policy(tags.get(b"p", b""))
    return own, _policy(tags[b"sp"]) if b"sp" in tags else own


def _policy(word: bytes) -> Dmarc:
    text = word.decode("ascii", "replace")
    return Dmarc(text) if text in {Dmarc.REJECT, Dmarc.QUARANTINE} else Dmarc.NONE


_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})?(\.[a-z0-9_]([a-z0-9_-]{0,62})?)*")


def is_host(name: str) -> bool:
    """A name that may be shown and compared: letters, digits, hyphens, underscores; in lower case."""
    return _HOST.fullmatch(name) is not None


# Warnings in words ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Notice:
    """Something worth knowing about where mail goes; never a reason to refuse it."""

    code: str
    sentence: str
    serious: bool = False


def notices(
    host: str, known: Exchanges | None, *, silent: bool = False, hosted: bool = False
) -> list[Notice]:
    """What is worth knowing about a target's domain. `silent`: the DNS has not answered so far or lately;
    `hosted`: the domain belongs to the same organization here."""
    found: list[Notice] = []
    if hosted:
        found.append(Notice("hosted-here", _HOSTED.format(host=host)))
    if known is None:
        if silent:
            found.append(Notice("no-answer", _NO_ANSWER.format(host=host)))
        return found
    problem = _UNREACHABLE.get(known.answer)
    if problem is not None:
        code, sentence = problem
        found.append(Notice(code, sentence.format(host=host), serious=True))
    strict = _STRICT.get(known.dmarc)
    if strict is not None:
        found.append(Notice("strict-dmarc", _DMARC.format(host=host, what=strict)))
    if silent:
        found.append(Notice("no-answer", _NO_ANSWER_LATELY.format(host=host)))
    return found


_HOSTED = (
    "{host} is one of your own domains: mail goes out to its public mail server and comes in again. If that"
    " server is the one that sent it, put the address where the mail is read here instead."
)
_NO_ANSWER = "The DNS has not said yet where mail of {host} goes; Rookery asks again by itself."
_NO_ANSWER_LATELY = "The DNS did not answer lately about {host}; what is shown is from the last answer."
_UNREACHABLE = {
    Answer.ADDRESS_ONLY: (
        "no-mx",
        "{host} has no MX record, and ptt's relay looks for nothing else: mail to it is lost.",
    ),
    Answer.NOTHING: (
        "no-mx",
        "{host} has no mail server: no MX record and no address. Mail to it is lost. Check the spelling.",
    ),
    Answer.NO_MAIL: (
        "null-mx",
        "{host} says in the DNS that it takes no mail (a null MX). Mail to it is lost.",
    ),
    Answer.NO_DOMAIN: ("no-domain", "There is no domain {host}. Mail to it is lost. Check the spelling."),
}
_STRICT = {Dmarc.REJECT: "refuse", Dmarc.QUARANTINE: "put aside as suspicious"}
_DMARC = (
    "{host} asks everybody to {what} mail in its name that neither SPF nor DKIM proves (DMARC). That is about"
    " mail that people at {host} write, not about mail that goes there. What they write to this address is"
    " forwarded from another server, so SPF fails; only their DKIM signature, which ptt leaves valid, gets it"
    " through. Do not write as somebody at {host} through this domain's server."
)
