"""Checks of the way to a domain's data: delegation, glue, agreement of its name servers, DNSSEC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tenants.formats.mail_checks.expected import Expected
from tenants.formats.mail_checks.finding import Finding, Level, Who, shown
from tenants.formats.mail_checks.reading import Lookup, Reading, Said, Status
from tenants.formats.zones.serial import newer

__all__ = ["agreement", "delegation", "dnssec", "glue"]

_MOST_ABOVE, _MOST_SERVERS = 5, 3
_MOST_ASKED, _MOST_OF_ONE = 12, 2
_NEWS = timedelta(minutes=15)


def delegation(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the zone above names the domain's name servers."""
    above = _above(expected, reading)
    domain, wanted = expected.domain, tuple(sorted(expected.servers))
    if above is None:
        yield _unknown(
            "delegation", f"No name server above {domain} answers, so its delegation is not known."
        )
        return
    named = set(above.referred)
    if not named:
        yield Finding(
            "delegation",
            Level.FAIL,
            f"{domain} is not delegated: the name servers above it know of none, so nobody finds the domain.",
            wanted=wanted,
            who=Who.REGISTRAR,
            fix="Enter these name servers at the registrar."
            if wanted
            else "Enter your name servers at the registrar.",
        )
        return
    if not wanted:
        yield Finding(
            "delegation", Level.OK, f"{domain} is delegated to {shown(above.referred)}.", seen=above.referred
        )
        return
    missing, strange = set(wanted) - named, named - set(wanted)
    if missing or strange:
        yield _misdirected(domain, above, wanted, missing, strange)
        return
    text = f"{domain} is delegated to {shown(wanted)}, as it should be."
    yield Finding("delegation", Level.OK, text, seen=above.referred)
    if len(wanted) == 1:
        yield Finding(
            "delegation",
            Level.RECOMMENDED,
            f"{domain} has one name server only. While it is away, nobody finds the domain (RFC 2182).",
            subject="second",
            who=Who.OWNER,
            fix="Add a second name server in another network, and enter it at the registrar too.",
        )


def _misdirected(
    domain: str, above: Said, wanted: tuple[str, ...], missing: set[str], strange: set[str]
) -> Finding:
    if missing == set(wanted):
        level, what = Level.FAIL, "so nothing that Rookery publishes is seen"
    elif strange:
        level, what = Level.FAIL, f"and {shown(frozenset(strange))} may say something else"
    else:
        level, what = Level.WARN, f"so {shown(frozenset(missing))} is never asked"
    return Finding(
        "delegation",
        level,
        f"{domain} is delegated to {shown(above.referred)}, {what}.",
        seen=above.referred,
        wanted=wanted,
        who=Who.REGISTRAR,
        fix="Enter exactly these name servers at the registrar. Old answers are kept for up to two days.",
    )


def glue(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the zone above gives the addresses of name servers inside the domain."""
    above = _above(expected, reading)
    if above is None or above.authoritative or not above.referred:
        return  # the delegation's line says so; and a server that keeps both zones needs no glue
    given: dict[str, set[str]] = {}
    for name, address in above.glue:
        given.setdefault(name, set()).add(address)
    for server in above.referred:
        if not _within(server, expected.domain):
            continue
        wanted, seen = expected.servers.get(server, ()), tuple(sorted(given.get(server, ())))
        if not seen:
            yield Finding(
                "glue",
                Level.FAIL,
                f"The zone above names {server}, but not its address, and only it could tell: a circle.",
                subject=server,
                wanted=wanted,
                who=Who.REGISTRAR,
                fix=f"Enter the address of {server} at the registrar (“glue”, “host”).",
            )
        elif wanted and set(wanted) != set(seen):
            yield Finding(
                "glue",
                Level.FAIL,
                f"The zone above says that {server} is at {shown(seen)}. It is at {shown(wanted)}.",
                subject=server,
                seen=seen,
                wanted=wanted,
                who=Who.REGISTRAR,
                fix=f"Correct the address of {server} at the registrar.",
            )
        else:
            text = f"The zone above gives {server} as {shown(seen)}."
            yield Finding("glue", Level.OK, text, server, seen)


def agreement(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether every name server answers for the domain, and with the same serial."""
    servers = _servers(expected, reading)
    asked = [(server, address) for server, addresses in servers.items() for address in addresses]
    for server in (each for each, addresses in servers.items() if not addresses):
        text = f"{server} has no address that anybody finds, so it is never asked."
        fix = "Correct its name in the delegation, or give it an address."
        yield Finding("agreement", Level.FAIL, text, server, who=expected.keeper, fix=fix)
    reading.need(*[Lookup(expected.domain, "SOA", address) for _, address in asked])
    serials = {pair: _serial(reading.said(expected.domain, "SOA", pair[1])) for pair in asked}
    known = [serial for serial in serials.values() if serial is not None]
    newest = expected.serial if expected.serial is not None else _newest(known)
    for (server, address), serial in serials.items():
        said = reading.said(expected.domain, "SOA", address)
        subject = f"{server} {address}"
        if said.failed:
            yield Finding(
                "agreement",
                Level.FAIL,
                f"{server} ({address}) does not answer for {expected.domain}: {said.problem or 'it failed'}.",
                subject=subject,
                who=expected.keeper,
                fix="Start it, open port 53 for UDP and TCP, or take it out of the delegation.",
            )
        elif serial is None or not said.authoritative:
            yield Finding(
                "agreement",
                Level.FAIL,
                f"{server} ({address}) does not keep {expected.domain}: whoever asks it gets nothing.",
                subject=subject,
                who=expected.keeper,
                fix="Make it a server of the zone, or take it out of the delegation.",
            )
        elif newest is not None and serial != newest:
            yield _behind(expected, reading, subject, server, serial, newest)
        else:
            yield Finding(
                "agreement",
                Level.OK,
                f"{server} ({address}) answers for {expected.domain} with serial {serial}.",
                subject=subject,
            )


def _behind(
    expected: Expected, reading: Reading, subject: str, server: str, serial: int, newest: int
) -> Finding:
    seen, wanted = (f"serial {serial}",), (f"serial {newest}",)
    if expected.changed_at is not None and reading.at < expected.changed_at + _NEWS:
        until = expected.changed_at + timedelta(seconds=expected.refresh)
        sentence = f"{server} still has serial {serial}; it fetches {newest} when it is told."
        return Finding("agreement", Level.WAITING, sentence, subject, seen, wanted, until=until)
    return Finding(
        "agreement",
        Level.WARN,
        f"{server} has serial {serial}, not {newest}: who asks it gets other answers.",
        subject,
        seen,
        wanted,
        expected.keeper,
        "Check that it may transfer the zone from the primary, and is told of changes (NOTIFY).",
    )


def dnssec(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether the zone above promises signatures that are not there: then careful resolvers find nothing."""
    domain = expected.domain
    said = reading.said(domain, "DS")
    if said.failed:
        yield _unknown("dnssec", f"Whether {domain} is signed is not known: {said.problem or 'no answer'}.")
    elif not said.records:
        text = f"{domain} is not signed (DNSSEC)."
        if expected.servers and not expected.signed:
            text += " ptt's primary cannot sign, so that is as it should be."
        yield Finding("dnssec", Level.INFO, text)
    elif expected.servers and not expected.signed:
        yield Finding(
            "dnssec",
            Level.FAIL,
            f"The zone above promises signatures of {domain} that its name servers do not have: resolvers"
            " that check them answer nothing at all.",
            seen=said.records,
            who=Who.REGISTRAR,
            fix="Remove the DS records (“DNSSEC”) at the registrar.",
        )
    else:
        soa = reading.said(domain, "SOA")
        if soa.failed:
            text = f"{domain} is signed, and the resolver rejects its answers: the signatures may be wrong."
            yield Finding("dnssec", Level.FAIL, text, who=Who.DNS, fix="Renew the signatures, or the DS.")
        elif soa.authentic:
            yield Finding("dnssec", Level.OK, f"{domain} is signed, and the resolver has proved it.")
        else:
            text = f"{domain} has DS records. The resolver that Rookery asks does not check signatures."
            yield Finding("dnssec", Level.INFO, text, seen=said.records)


# Asking ---------------------------------------------------------------------------------------------------


def _above(expected: Expected, reading: Reading) -> Said | None:
    """What a server of the zone above says about the domain's name servers; None when none says anything."""
    labels = expected.domain.split(".")
    for start in range(1, min(len(labels), _MOST_ABOVE)):
        zone = ".".join(labels[start:])
        servers = reading.said(zone, "NS").records[:_MOST_SERVERS]
        for server in servers:
            for address in reading.addresses(server)[:1]:
                said = reading.said(expected.domain, "NS", address)
                if not said.failed:
                    return said
        if servers:
            return None
    return None


def _servers(expected: Expected, reading: Reading) -> dict[str, tuple[str, ...]]:
    """The addresses of each name server: those of the delegation, else of those that should be."""
    above = _above(expected, reading)
    names = (above.referred if above else ()) or tuple(sorted(expected.servers))
    names = tuple(dict.fromkeys(names or reading.said(expected.domain, "NS").records))[:_MOST_ASKED]
    known: dict[str, tuple[str, ...]] = {}
    for name in names:
        given = tuple(address for each, address in (above.glue if above else ()) if each == name)
        known[name] = tuple(dict.fromkeys(given or expected.servers.get(name, ())))
    reading.need(*[Lookup(name, kind) for name in names if not known[name] for kind in ("A", "AAAA")])
    return {name: (known[name] or reading.addresses(name))[:_MOST_OF_ONE] for name in names}


def _serial(said: Said) -> int | None:
    """The serial of an SOA's text."""
    if said.status is not Status.DATA or not said.records:
        return None
    fields = said.records[0].split()
    text = fields[2] if len(fields) > 2 else ""
    return int(text) % 2**32 if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _newest(serials: list[int]) -> int | None:
    found: int | None = None
    for serial in serials:
        if found is None or newer(serial, found):
            found = serial
    return found


def _within(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def _unknown(check: str, sentence: str) -> Finding:
    return Finding(check, Level.UNKNOWN, sentence, fix="Check again in some minutes.")
