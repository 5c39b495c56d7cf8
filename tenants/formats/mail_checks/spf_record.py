"""SPF (RFC 7208): reading a record, counting what it makes others look up, and what it says of an address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tenants.formats.exchanges import is_host
from tenants.formats.mail_checks.reading import Lookup, Reading, Said, Status

__all__ = ["MOST_LOOKUPS", "Cost", "Term", "Unreadable", "cost", "read_spf", "spf_texts", "verdict"]

MOST_LOOKUPS, MOST_VOID = 10, 2
_MOST_TERMS = 100
_MOST_COUNTED = 40
_LOOKING = {"include", "a", "mx", "ptr", "exists", "redirect"}
_MECHANISMS = {*_LOOKING, "all", "ip4", "ip6"} - {"redirect"}
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class Unreadable(ValueError):
    """No record at all by RFC 7208 (a permanent error); the message says which term."""


@dataclass(frozen=True)
class Term:
    """`value` is a domain or network, empty where the checked domain itself is meant; `prefixes` are lengths
    for IPv4 and IPv6."""

    mechanism: str
    qualifier: str = "+"
    value: str = ""
    prefixes: tuple[int, int] = (32, 128)


@dataclass(frozen=True)
class Cost:
    """What a receiver has to look up: `lookups` terms, `void` of them without any answer; `path` names the
    domains that were included; `problems` are what breaks it."""

    lookups: int = 0
    void: int = 0
    included: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def spf_texts(said: Said) -> tuple[str, ...]:
    """The SPF records among TXT records (RFC 7208 §4.5)."""
    return tuple(
        each for each in said.records if each.lower() == "v=spf1" or each.lower().startswith("v=spf1 ")
    )


def read_spf(text: str) -> tuple[Term, ...]:
    """Return the terms of a record, a redirect last. Raises Unreadable."""
    words = text.split()[1:]
    if len(words) > _MOST_TERMS:
        raise Unreadable("it has too many terms")
    terms = [found for word in words if (found := _term(word)) is not None]
    if sum(each.mechanism == "redirect" for each in terms) > 1:
        raise Unreadable("it redirects twice")
    ends = any(each.mechanism == "all" for each in terms)
    kept = [each for each in terms if each.mechanism != "redirect"]
    return (*kept, *(each for each in terms if each.mechanism == "redirect" and not ends))


def _term(word: str) -> Term | None:
    name, equals, value = word.partition("=")
    if equals and name.replace("-", "").replace("_", "").replace(".", "").isalnum() and ":" not in name:
        if name.lower() != "redirect":
            return None  # exp and unknown modifiers
        return Term("redirect", value=_domain(value, word))
    qualifier = word[0] if word[0] in _RESULTS else "+"
    body = word.removeprefix(qualifier)
    head, slash, length = body.partition("/")
    mechanism, colon, value = head.partition(":")
    mechanism = mechanism.lower()
    if mechanism == "ip6":
        value, slash, length = body[4:].partition("/")
    if mechanism not in _MECHANISMS:
        raise Unreadable(f"“{word[:60]}” is no term of SPF")
    if mechanism in {"ip4", "ip6"}:
        return Term(mechanism, qualifier, _network(mechanism, value + slash + length, word))
    if (mechanism in {"include", "exists"} and not value) or (colon and not value):
        raise Unreadable(f"“{word[:60]}” lacks its domain")
    if (mechanism == "all" and (colon or slash)) or (slash and mechanism not in {"a", "mx"}):
        raise Unreadable(f"“{word[:60]}” has too much after it")
    return Term(mechanism, qualifier, _domain(value, word) if value else "", _prefixes(slash, length, word))


def _domain(value: str, word: str) -> str:
    name = value.lower().removesuffix(".")
    if "%" not in name and not is_host(name):
        raise Unreadable(f"“{word[:60]}” names no domain")
    return name


def _network(mechanism: str, text: str, word: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Unreadable(f"“{word[:60]}” names no network") from None
    if network.version != int(mechanism[2]):
        raise Unreadable(f"“{word[:60]}” names a network of the other kind")
    return str(network)


def _prefixes(slash: str, length: str, word: str) -> tuple[int, int]:
    """What stands after the slash: 24, 24//64, or /64 (after //)."""
    four, double, six = length.partition("//") if not length.startswith("/") else ("", "//", length[1:])
    try:
        found = int(four) if four else 32, int(six) if double else 128
    except ValueError:
        raise Unreadable(f"“{word[:60]}” has a wrong length") from None
    if slash and not (0 <= found[0] <= 32 and 0 <= found[1] <= 128):
        raise Unreadable(f"“{word[:60]}” has a wrong length")
    return found


# What it costs --------------------------------------------------------------------------------------------


def cost(domain: str, reading: Reading) -> Cost:
    """Count what the record of a domain makes a receiver look up at most, includes and all."""
    counter = _Counter(reading)
    counter.visit(domain, ())
    return Cost(
        counter.lookups, counter.void, tuple(dict.fromkeys(counter.included)), tuple(counter.problems[:5])
    )


class _Counter:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.lookups = self.void = 0
        self.included: list[str] = []
        self.problems: list[str] = []

    def visit(self, domain: str, path: tuple[str, ...]) -> None:
        if domain in path:
            self.problems.append(f"{domain} includes itself")
            return
        terms = _terms_of(domain, self.reading)
        if isinstance(terms, str):
            self.problems.append(terms)
            return
        self.reading.need(*_questions(terms))
        for term in terms:
            if term.mechanism not in _LOOKING or self.lookups >= _MOST_COUNTED:
                continue
            self.lookups += 1
            target = term.value or domain
            if "%" in target:
                continue  # depends on the sender; nobody knows it before
            if term.mechanism in {"include", "redirect"}:
                self.included.append(target)
                self.visit(target, (*path, domain))
            elif not self._anything(term.mechanism, target):
                self.void += 1

    def _anything(self, mechanism: str, target: str) -> bool:
        if mechanism == "mx":
            return bool(self.reading.said(target, "MX").records)
        return mechanism == "ptr" or bool(self.reading.addresses(target))


def _questions(terms: Iterable[Term]) -> Iterator[Lookup]:
    kinds = {"include": ("TXT",), "redirect": ("TXT",), "a": ("A", "AAAA"), "mx": ("MX",)}
    for term in terms:
        if term.value and "%" not in term.value:
            yield from (Lookup(term.value, kind) for kind in kinds.get(term.mechanism, ()))


def _terms_of(domain: str, reading: Reading) -> tuple[Term, ...] | str:
    """The terms of a domain's one record, or what is wrong with it."""
    said = reading.said(domain, "TXT")
    if said.failed:
        return f"{domain} does not answer"
    texts = spf_texts(said)
    if len(texts) != 1:
        return f"{domain} has {len(texts) or 'no'} SPF record{'s' if len(texts) > 1 else ''}"
    try:
        return read_spf(texts[0])
    except Unreadable as error:
        return f"the record of {domain} cannot be read: {error}"


# What it says ---------------------------------------------------------------------------------------------


def verdict(domain: str, address: str, reading: Reading) -> str:
    """What the record says of mail from an address: pass, fail, softfail, neutral, none, permerror, or
    “unknown” where it depends on the sender's name (macros), and for a server that does not answer."""
    return _Judge(reading, ipaddress.ip_address(address)).judge(domain, 0)


@dataclass
class _Judge:
    reading: Reading
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    lookups: int = 0

    def judge(self, domain: str, depth: int) -> str:
        terms = _terms_of(domain, self.reading)
        if isinstance(terms, str):
            said = self.reading.said(domain, "TXT")
            return "unknown" if said.failed else "none" if not spf_texts(said) else "permerror"
        for term in terms:
            found = self._try(term, term.value or domain, depth)
            if found:
                return found
        return "neutral"

    def _try(self, term: Term, target: str, depth: int) -> str:
        """The result if this term decides; empty for the next one to be tried."""
        self.lookups += term.mechanism in _LOOKING
        if self.lookups > MOST_LOOKUPS or depth > MOST_LOOKUPS:
            return "permerror"
        if "%" in target:
            return "unknown"
        if term.mechanism in {"include", "redirect"}:
            inner = self.judge(target, depth + 1)
            inner = "permerror" if inner == "none" else inner
            if term.mechanism == "redirect" or inner in {"permerror", "unknown"}:
                return inner
            return _RESULTS[term.qualifier] if inner == "pass" else ""
        return _RESULTS[term.qualifier] if self._matches(term, target) else ""

    def _matches(self, term: Term, target: str) -> bool:
        if term.mechanism == "all":
            return True
        if term.mechanism in {"ip4", "ip6"}:
            return self.address in ipaddress.ip_network(term.value)
        if term.mechanism == "exists":
            return self.reading.said(target, "A").status is Status.DATA
        if term.mechanism == "a":
            return self._among(self.reading.addresses(target), term)
        if term.mechanism == "mx":
            found = self.reading.exchanger_addresses(target)
            return any(self._among(each, term) for each in found.values())
        return False  # ptr: slow, unreliable, not to be used (RFC 7208 §5.5)

    def _among(self, addresses: Iterable[str], term: Term) -> bool:
        length = term.prefixes[0] if self.address.version == 4 else term.prefixes[1]
        networks = (
            ipaddress.ip_network(f"{each}/{length}", strict=False) for each in addresses if self._same(each)
        )
        return any(self.address in network for network in networks)

    def _same(self, address: str) -> bool:
        return ipaddress.ip_address(address).version == self.address.version
