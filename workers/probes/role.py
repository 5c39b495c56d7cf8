"""Whether a role of a mail stack serves, asked as its catalogue says (tenants.formats.roles)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address

from tenants.formats.roles.role import ProbeKind
from workers.probes.dns import DnsSeen, ask_dns
from workers.probes.ports import PortDialer
from workers.probes.seen import Proved, Silent
from workers.probes.smtp import Entry, SmtpSeen, ask_smtp

__all__ = ["Expected", "ask_role"]

_ENTRIES = {
    ProbeKind.SMTP: Entry.BANNER,
    ProbeKind.SMTP_STARTTLS: Entry.STARTTLS,
    ProbeKind.SMTPS: Entry.TLS,
}
_SIGN_IN = "PLAIN"


@dataclass(frozen=True)
class Expected:
    """What is right: the domain, the name in the certificate, and the zone's least serial, if it matters."""

    domain: str
    host: str
    now: datetime
    serial: int | None = None


def ask_role(
    dialer: PortDialer,
    place: tuple[IPv4Address, int],
    kind: ProbeKind,
    expected: Expected,
    *,
    seconds: float = 4.0,
) -> Proved | Silent:
    """Ask once, for at most `seconds`. Raises ValueError for RUNNING: it has no port, its host knows it."""
    match kind:
        case ProbeKind.RUNNING:
            raise ValueError("kind: what has no port cannot be asked")
        case ProbeKind.RECURSION:
            seen = ask_dns(dialer, place, ".", "NS", recursion=True, seconds=seconds)
            return seen if isinstance(seen, Silent) else _resolved(seen)
        case ProbeKind.AUTHORITY:
            seen = ask_dns(dialer, place, expected.domain, "SOA", seconds=seconds)
            return seen if isinstance(seen, Silent) else _served(seen, expected)
        case _:
            entry = _ENTRIES[kind]
            host = None if entry is Entry.BANNER else expected.host
            found = ask_smtp(dialer, place, entry, host=host, seconds=seconds)
            return found if isinstance(found, Silent) else _greeted(found, entry, expected)


def _resolved(seen: DnsSeen) -> Proved | Silent:
    if seen.code != "NOERROR" or not seen.records:
        return Silent(f"it found no root server: {seen.code}")
    return Proved({"roots": str(len(seen.records))})


def _served(seen: DnsSeen, expected: Expected) -> Proved | Silent:
    if seen.serial is None or not seen.authoritative:
        return Silent(f"it does not serve {expected.domain}: {seen.code}")
    if expected.serial is not None and (seen.serial - expected.serial) % 2**32 >= 2**31:
        return Silent(f"it serves serial {seen.serial}, which is older than {expected.serial}")
    return Proved({"serial": str(seen.serial)})


def _greeted(seen: SmtpSeen, entry: Entry, expected: Expected) -> Proved | Silent:
    proof = {"banner": seen.banner[:200]}
    if entry is Entry.BANNER:
        return Proved(proof)
    if seen.certificate is None:
        return Silent("its certificate cannot be read")
    if problem := seen.certificate.problem(expected.host, expected.now):
        return Silent(problem)
    if entry is Entry.TLS and _SIGN_IN not in seen.auth:
        return Silent(f"it does not offer AUTH {_SIGN_IN}")
    return Proved({**proof, **_shown(seen)})


def _shown(seen: SmtpSeen) -> Mapping[str, str]:
    certificate = seen.certificate
    assert certificate is not None  # noqa: S101 - asked before
    until = f"{certificate.valid_until:%Y-%m-%d %H:%M} UTC"
    return {"certificate": certificate.fingerprint, "issuer": certificate.issuer, "valid_until": until}
