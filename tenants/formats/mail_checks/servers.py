"""Checks of the servers that mail arrives at and leaves from, by name: MX, A and AAAA, reverse names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tenants.formats.mail_checks.expected import Compared, Expected, Match, compare, exactly
from tenants.formats.mail_checks.finding import Finding, Level, Who, shown
from tenants.formats.mail_checks.reading import MOST_ADDRESSES, Lookup, Reading, Status

__all__ = ["addresses", "clock", "exchangers", "reverse"]


def clock(finding_until: Compared) -> str:
    """The time of day (UTC) at which an old answer is forgotten."""
    return f"{finding_until.until:%H:%M} UTC" if finding_until.until else ""


def exchangers(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the MX records are those that Rookery writes, or at least lead to a server."""
    domain = expected.domain
    wanted = expected.records_of(domain, "MX")
    if wanted is not None:
        yield _compared_exchangers(
            expected, compare(expected, reading, domain, "MX", exactly(wanted)), wanted
        )
        return
    said = reading.said(domain, "MX")
    if said.failed:
        yield Finding("mx", Level.UNKNOWN, f"The MX records of {domain} are not known: {said.problem}.")
    elif said.status is Status.NO_NAME:
        yield Finding("mx", Level.FAIL, f"There is no {domain} in the DNS.", who=expected.keeper)
    elif not said.records:
        yield Finding(
            "mx",
            Level.FAIL,
            f"{domain} has no MX record. Some servers then try its address; ptt does not.",
            who=expected.keeper,
            fix="Add an MX record with the name of your mail server.",
        )
    elif not reading.exchangers(domain):
        text = f"{domain} says that it takes no mail (a null MX, RFC 7505)."
        fix = "Replace it by an MX record with the name of your mail server."
        yield Finding("mx", Level.FAIL, text, seen=said.records, who=expected.keeper, fix=fix)
    else:
        yield from _leading(expected, reading, said.records)


def _compared_exchangers(expected: Expected, found: Compared, wanted: frozenset[str]) -> Finding:
    domain, seen, should = expected.domain, found.said.records, tuple(sorted(wanted))
    if found.match is Match.EQUAL:
        return Finding("mx", Level.OK, f"Mail of {domain} goes to {shown(should)}, as it should.")
    if found.match is Match.FAILED:
        text = f"The MX records of {domain} are not known: {found.said.problem or 'no answer'}."
        return Finding("mx", Level.UNKNOWN, text)
    if found.match is Match.WAITING:
        text = f"The MX records of {domain} are on their way: old answers are kept until {clock(found)}."
        return Finding("mx", Level.WAITING, text, seen=seen, wanted=should, until=found.until)
    what = f"goes to {shown(seen)}" if seen else "finds no MX record"
    text = f"Mail of {domain} {what}. It should go to {shown(should)}."
    fix = "See the lines about delegation and name servers: what Rookery wrote is not what is answered."
    return Finding("mx", Level.FAIL, text, "", seen, should, expected.keeper, fix)


def _leading(expected: Expected, reading: Reading, records: tuple[str, ...]) -> Iterator[Finding]:
    """MX records that Rookery does not write: do they lead to a server that it knows?"""
    reached = {a for each in reading.exchanger_addresses(expected.domain).values() for a in each}
    if not expected.receivers:
        text = (
            f"Mail of {expected.domain} goes to {shown(records)}. Whether that is right, Rookery cannot know."
        )
        yield Finding("mx", Level.INFO, text, seen=records)
    elif reached & expected.receivers:
        yield Finding(
            "mx", Level.OK, f"Mail of {expected.domain} goes to {shown(records)}: your mail server."
        )
    else:
        yield Finding(
            "mx",
            Level.FAIL,
            f"Mail of {expected.domain} goes to {shown(records)}, which is not your mail server.",
            seen=records,
            wanted=tuple(sorted(expected.receivers)),
            who=expected.keeper,
            fix="Let an MX record name a host with the address of your mail server.",
        )


def addresses(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether each mail server has an address of its own, and the right one."""
    hosts = reading.exchangers(expected.domain)
    reading.need(*[Lookup(host, kind) for host in hosts for kind in ("A", "AAAA", "CNAME")])
    for host in hosts:
        said = [reading.said(host, kind) for kind in ("A", "AAAA")]
        found = reading.addresses(host)
        keeper = expected.keeper if host.endswith(f".{expected.domain}") else Who.STRANGER
        if reading.said(host, "CNAME").records:
            yield Finding(
                "address",
                Level.WARN,
                f"{host} is an alias (CNAME), and MX records may not name one (RFC 2181): some refuse.",
                host,
                reading.said(host, "CNAME").records,
                who=keeper,
                fix="Give the host addresses of its own (A, AAAA) instead of the alias.",
            )
        elif not found and any(each.failed for each in said):
            problem = next(each.problem for each in said if each.failed) or "no answer"
            yield Finding("address", Level.UNKNOWN, f"The address of {host} is not known: {problem}.", host)
        elif not found:
            text = f"{host} has no address, so no mail arrives there."
            fix = "Add an A record with the address of the mail server."
            yield Finding("address", Level.FAIL, text, host, (), _known(expected), keeper, fix)
        else:
            yield _judge_addresses(expected, host, found, keeper)


def _judge_addresses(expected: Expected, host: str, found: tuple[str, ...], keeper: Who) -> Finding:
    strange = [each for each in found if expected.receivers and each not in expected.receivers]
    if strange:
        text = f"{host} is at {shown(found)}. {shown(strange)} is not your mail server: mail is lost there."
        fix = "Correct the A and AAAA records of the host."
        return Finding("address", Level.FAIL, text, host, found, _known(expected), keeper, fix)
    private = [each for each in found if not expected.reachable(each)]
    if private:
        text = f"{host} is at {shown(private)}, an address that nobody outside can reach."
        return Finding("address", Level.FAIL, text, host, found, (), keeper, "Give it a public address.")
    return Finding("address", Level.OK, f"{host} is at {shown(found)}.", host)


def _known(expected: Expected) -> tuple[str, ...]:
    return tuple(sorted(expected.receivers))


def reverse(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether each address that mail leaves from has a name, and the name that address (RFC 1912 §2.1)."""
    senders = sorted(expected.senders)[:MOST_ADDRESSES]
    public = [each for each in senders if expected.reachable(each)]
    for address in senders:
        if address not in public:
            text = f"{address} is no public address, so there is no reverse name to check."
            yield Finding("ptr", Level.INFO, text, address)
    pointers = {each: ipaddress.ip_address(each).reverse_pointer for each in public}
    reading.need(*[Lookup(name, "PTR") for name in pointers.values()])
    for address, pointer in pointers.items():
        said = reading.said(pointer, "PTR")
        names = said.records[:MOST_ADDRESSES]
        if said.failed:
            text = f"The reverse name of {address} is not known: {said.problem or 'no answer'}."
            yield Finding("ptr", Level.UNKNOWN, text, address)
            continue
        if not names:
            yield _no_pointer(expected, reading, address)
            continue
        kind = "AAAA" if ":" in address else "A"
        reading.need(*[Lookup(name, kind) for name in names])
        back = [name for name in names if address in reading.addresses(name)]
        if back:
            yield Finding(
                "ptr", Level.OK, f"{address} is called {back[0]}, and {back[0]} is {address}.", address
            )
        else:
            yield Finding(
                "ptr",
                Level.WARN,
                f"{address} is called {shown(names)}, which has another address: many servers distrust it.",
                address,
                names,
                who=Who.PROVIDER,
                fix="Set the reverse name to the name of the mail server.",
            )


def _no_pointer(expected: Expected, reading: Reading, address: str) -> Finding:
    hosts = reading.exchangers(expected.domain)[:1]
    return Finding(
        "ptr",
        Level.FAIL,
        f"{address} has no reverse name (PTR): many servers refuse mail from it.",
        address,
        wanted=hosts,
        who=Who.PROVIDER,
        fix="Set it where you rent the address; it is often called “reverse DNS”.",
    )
