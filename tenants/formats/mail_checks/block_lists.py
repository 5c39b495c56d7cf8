"""Whether DNS block lists (RFC 5782) have the addresses that mail leaves from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from tenants.formats.mail_checks.expected import Expected
from tenants.formats.mail_checks.finding import Finding, Level, Who, shown
from tenants.formats.mail_checks.reading import Lookup, Reading, Said
from tenants.formats.text import printable

__all__ = ["MOST_LISTED", "MOST_LISTS", "block_lists", "entry_of"]

MOST_LISTS, MOST_LISTED = 8, 4
_MOST_TEXT = 300
_LISTED = ipaddress.ip_network("127.0.0.0/8")
# What lists answer to those whom they do not serve: RFC 5782 §2.1 keeps 127.0.0.1 out, and Spamhaus and
# others say by 127.255.255.x that a resolver is public, asks too much, or mistyped the name.
_REFUSALS = (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("127.255.255.0/24"))
_ALWAYS, _NEVER = "127.0.0.2", "127.0.0.1"
"""A list that works has the one, and not the other (RFC 5782 §5)."""


def block_lists(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Ask each list of the settings about each address: one line for each list."""
    lists = expected.block_lists[:MOST_LISTS]
    addresses = [each for each in sorted(expected.senders) if expected.reachable(each)][:MOST_LISTED]
    if not lists:
        text = "No block list is asked: this panel's settings name none (ROOKERY_BLOCK_LISTS)."
        yield Finding("block-lists", Level.INFO, text)
        return
    if not addresses:
        text = (
            f"No public address is known that mail of {expected.domain} leaves from: no block list is asked."
        )
        yield Finding("block-lists", Level.INFO, text)
        return
    asked = [*addresses, _ALWAYS, _NEVER]
    reading.need(*[Lookup(entry_of(address, each), "A") for each in lists for address in asked])
    for each in lists:
        yield _judge(reading, each, addresses)


def entry_of(address: str, zone: str) -> str:
    """The name at which a list tells of an address: its numbers, or digits if it is IPv6, backwards."""
    pointer = ipaddress.ip_address(address).reverse_pointer
    return pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa") + f".{zone}"


@dataclass(frozen=True)
class _Entry:
    """`codes` are answers that mean listed; `problem` says why the answer means nothing."""

    codes: tuple[str, ...] = field(default=())
    problem: str = ""


def _entry(said: Said) -> _Entry:
    if said.failed:
        return _Entry(problem=said.problem or "no answer")
    found = [each for each in map(_address, said.records) if each is not None]
    refusals = [each for each in found if any(each in net for net in _REFUSALS)]
    codes = [str(each) for each in found if each in _LISTED and each not in refusals]
    if codes:
        return _Entry(tuple(dict.fromkeys(codes)))
    if refusals:
        return _Entry(problem=f"it does not answer this panel's resolver ({refusals[0]})")
    if said.records:
        return _Entry(problem=f"it answers {shown(said.records)}, which no block list says")
    return _Entry()


def _address(text: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _judge(reading: Reading, zone: str, addresses: list[str]) -> Finding:
    asked = (*addresses, _ALWAYS, _NEVER)
    entries = {each: _entry(reading.said(entry_of(each, zone), "A")) for each in asked}
    listed = [each for each in addresses if entries[each].codes]
    problem = _doubt(entries, listed)
    if problem:
        text = f"Whether {zone} lists your addresses is not known: {problem}."
        fix = "Ask it by a resolver of your own (ROOKERY_RESOLVER), or ask another list."
        return Finding("block-lists", Level.UNKNOWN, text, zone, fix=fix)
    if not listed:
        return Finding("block-lists", Level.OK, f"{zone} does not list {shown(addresses)}.", zone)
    reading.need(*[Lookup(entry_of(each, zone), "TXT") for each in listed])
    seen = [
        f"{address}: {', '.join(entries[address].codes)} {_reason(reading, address, zone)}".strip()
        for address in listed
    ]
    text = f"{zone} lists {shown(listed)}: servers that ask it refuse your mail."
    fix = "Find out what was sent from there, stop it, then ask the list to take the address off."
    return Finding("block-lists", Level.FAIL, text, zone, tuple(seen), (), Who.LIST, fix)


def _doubt(entries: dict[str, _Entry], listed: list[str]) -> str:
    """Why the list's answers mean nothing; "" when they do. Silence means something only of all of them."""
    if entries[_NEVER].codes:
        return f"it lists every address, even {_NEVER}"
    if listed:
        return entries[_NEVER].problem
    problem = next((entry.problem for entry in entries.values() if entry.problem), "")
    if not problem and not entries[_ALWAYS].codes:
        return f"it does not list its test entry {_ALWAYS}, so its silence means nothing"
    return problem


def _reason(reading: Reading, address: str, zone: str) -> str:
    """What the list says about it: a stranger's text."""
    texts = reading.said(entry_of(address, zone), "TXT").records
    return printable(" / ".join(texts[:3]), _MOST_TEXT)
