"""Checks at the mail servers: ports, TLS, certificates, and whether strangers may send through them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tenants.formats.mail_checks.expected import Expected
from tenants.formats.mail_checks.finding import Finding, Level, Who
from tenants.formats.mail_checks.reading import Connect, Reading, Relay
from tenants.formats.text import printable

__all__ = ["MOST_DOORS", "arrival", "relaying", "submission"]

MOST_DOORS = 6
_SOON = timedelta(days=14)
_RESTART = "If the certificate in the DNS is newer, restart the server: it reads it when it starts."


def arrival(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether mail servers can be reached at port 25, and speak TLS."""
    yield from _doors(reading, "port-25", 25, _exchangers(expected, reading))


def submission(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether people's mail programs can reach the submission server at port 465."""
    doors = [(host, address) for host in expected.submission for address in reading.addresses(host)]
    for host in expected.submission:
        if not reading.addresses(host):
            text = f"{host}, where mail programs send, has no address."
            yield Finding("port-465", Level.FAIL, text, host, who=expected.keeper, fix="Add an A record.")
    yield from _doors(reading, "port-465", 465, doors[:MOST_DOORS])


def _exchangers(expected: Expected, reading: Reading) -> list[tuple[str, str]]:
    found = reading.exchanger_addresses(expected.domain)
    return [(host, address) for host, addresses in found.items() for address in addresses][:MOST_DOORS]


def _doors(reading: Reading, check: str, port: int, doors: list[tuple[str, str]]) -> Iterator[Finding]:
    reading.need(*[Connect(address, port, host) for host, address in doors])
    for host, address in doors:
        yield _judge(reading, check, Connect(address, port, host))


def _judge(reading: Reading, check: str, door: Connect) -> Finding:
    seen = reading.connected(door.address, door.port, door.host)
    place = f"{door.host} ({door.address}) port {door.port}"
    subject = f"{door.host} {door.address}"
    strict = door.port == 465  # mail programs insist; most servers take what they get
    if seen.problem:
        text = f"{place} does not answer: {seen.problem}."
        fix = "Start the server, and open the port in the firewall."
        return Finding(check, Level.FAIL, text, subject, who=Who.SERVER, fix=fix)
    if seen.tls_problem:
        what = "people cannot send" if strict else "mail arrives there unprotected"
        text = f"{place} answers without TLS: {what} ({seen.tls_problem})."
        level = Level.FAIL if strict else Level.WARN
        return Finding(check, level, text, subject, who=Who.SERVER, fix="Give the server a certificate.")
    if seen.valid_until is not None and seen.valid_until <= reading.at:
        text = f"The certificate of {place} expired on {seen.valid_until:%Y-%m-%d}."
        level = Level.FAIL if strict else Level.WARN
        return Finding(check, level, text, subject, who=Who.SERVER, fix=_RESTART)
    if seen.distrust:
        text = f"The certificate of {place} is not believed: {seen.distrust}."
        level = Level.FAIL if strict else Level.WARN
        fix = f"It has to name {door.host} and come from an authority that everybody knows. {_RESTART}"
        return Finding(check, level, text, subject, who=Who.SERVER, fix=fix)
    if seen.valid_until is not None and seen.valid_until < reading.at + _SOON:
        text = f"The certificate of {place} ends on {seen.valid_until:%Y-%m-%d}."
        return Finding(check, Level.WARN, text, subject, who=Who.SERVER, fix=_RESTART)
    until = f" until {seen.valid_until:%Y-%m-%d}" if seen.valid_until else ""
    return Finding(check, Level.OK, f"{place} answers, with a valid certificate{until}.", subject)


def relaying(expected: Expected, reading: Reading) -> Iterator[Finding]:
    """Whether a mail server takes mail of strangers for strangers. ptt's verifiers before 2025 do.

    Anybody can write anybody's address into a zone, so records are no reason to try a server.
    """
    doors = [each for each in _exchangers(expected, reading) if each[1] in expected.ours]
    if not doors:
        text = (
            f"No mail server of {expected.domain} has an address that Rookery knows as one of yours, and"
            " strangers' servers are not tried."
        )
        yield Finding("open-relay", Level.INFO, text)
    reading.need(*[Relay(address) for _, address in doors])
    for host, address in doors:
        seen = reading.relayed(address)
        subject = f"{host} {address}"
        reply = printable(seen.reply, 200)
        if seen.accepted:
            yield Finding(
                "open-relay",
                Level.FAIL,
                f"{host} ({address}) takes mail of strangers for strangers: spammers will find it.",
                subject,
                (reply,) if reply else (),
                who=Who.SERVER,
                fix="Do not expose its port 25 as it is: put a server in front that takes this domain's"
                " recipients only, or run ptt of 2025 or newer.",
            )
        elif seen.accepted is False:
            text = f"{host} ({address}) refuses mail of strangers for strangers, as it should."
            yield Finding("open-relay", Level.OK, text, subject)
        else:
            said = reply or "no answer"
            text = f"Whether {host} ({address}) passes on mail of strangers is not known: {said}."
            yield Finding("open-relay", Level.UNKNOWN, text, subject)
