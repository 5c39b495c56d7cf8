"""What Rookery's rows say should be true of a domain in the DNS, as the checks want it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from django.conf import settings

from tenants.formats.mail_checks import DkimKey, Expected, KeptCertificate
from tenants.models import Certificate, Domain, Host, HostAddress, MailCheck, Stack, Zone

__all__ = ["expected_of", "primary_ports"]

Sets = Mapping[tuple[str, str], frozenset[str]]
_ADDRESSES = ("A", "AAAA")
_MOST_OURS = 1_000


def expected_of(check: MailCheck) -> Expected:
    """What should be true of the domain of `check`. Of record sets, only what was proved to be published:
    what is on its way to the primary is the zone page's matter."""
    domain = check.domain
    ours = _known_as_theirs(domain)
    zone = Zone.objects.filter(domain=domain, standing__in=Zone.KEPT).first()
    if zone is None or check.dns_elsewhere or zone.owned_at is None:
        return Expected(
            domain.name,
            submission=_told_submission(domain),
            ours=ours,
            dkim=_dkim(domain),
            block_lists=settings.BLOCK_LISTS,
        )
    rows = list(zone.record_sets.filter(absent=False))
    sets = {(row.owner, row.type): frozenset(_text(row.type, each) for each in row.data) for row in rows}
    published = {
        (row.owner, row.type): sets[row.owner, row.type]
        for row in rows
        if row.is_ours and row.digest == row.proved and row.type in {"MX", "TXT"}
    }
    hosts = [each.partition(" ")[2] for each in sets.get((domain.name, "MX"), ())]
    receivers = _addresses(sets, hosts)
    changed = [row.changed_at for row in rows if row.is_ours]
    return Expected(
        domain.name,
        servers={each: tuple(sorted(_addresses(sets, [each]))) for each in sets.get((domain.name, "NS"), ())},
        primaries=tuple(primary_ports(zone)),
        serial=zone.served_serial,
        refresh=zone.refresh,
        changed_at=max(changed, default=None),
        records=published,
        receivers=receivers,
        senders=receivers,
        submission=_submission(domain, sets),
        ours=ours,
        block_lists=settings.BLOCK_LISTS,
        dkim=_dkim(domain),
        certificates=_certificates(zone),
    )


def _dkim(domain: Domain) -> tuple[DkimKey, ...]:
    """The keys that sign, as far as workers have computed them."""
    known = domain.signing_keys.filter(retired_at=None).exclude(public_key="").order_by("selector")
    return tuple(DkimKey(each.selector, each.public_key) for each in known)


def _certificates(zone: Zone) -> tuple[KeptCertificate, ...]:
    return tuple(
        KeptCertificate(row.host, row.sentence, row.fix, _serves(row), row.worries, row.staging)
        for row in zone.certificates.order_by("host")
    )


def _serves(row: Certificate) -> bool:
    known = Certificate.Standing
    return bool(row.fingerprint) and row.standing in {known.VALID, known.RENEWAL_DUE, known.UNREQUESTED}


def primary_ports(zone: Zone) -> dict[str, int]:
    """The address and port of the server to which Rookery writes the zone."""
    primary = getattr(zone.target.repository, "primary", None)
    return {primary.address: primary.port} if primary is not None else {}


def _known_as_theirs(domain: Domain) -> frozenset[str]:
    """The addresses of the organization's own hosts that workers were at, of its unikernels there, and those
    whose ports a host's firewall leads to a stack of it.

    A host by name has none here: whoever keeps its name could lead it to a stranger's address.
    """
    mine = domain.organization_id
    hosts = Host.objects.filter(organization=mine, seen_at__isnull=False).exclude(host="")
    unikernels = HostAddress.objects.filter(
        unikernel__share__organization=mine, network__host__seen_at__isnull=False
    )
    given = unikernels.values_list("address", flat=True)[:_MOST_OURS]
    opened = Stack.objects.filter(domain__organization=mine, firewall=Stack.Firewall.OPEN)
    led = opened.filter(share__host__seen_at__isnull=False).values_list("public__address", flat=True)
    said = [*hosts.values_list("host", flat=True)[:_MOST_OURS], *given, *led[:_MOST_OURS]]
    return frozenset(str(address) for each in said if (address := _address(each)) is not None)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _told_submission(domain: Domain) -> tuple[str, ...]:
    return (domain.submission_host,) if domain.submission_host else ()


def _submission(domain: Domain, sets: Sets) -> tuple[str, ...]:
    """The host where people send, if somebody said so or the zone has it."""
    host = domain.mail_program_host
    known = any((host, kind) in sets for kind in (*_ADDRESSES, "CNAME"))
    return (host,) if domain.submission_host or known else ()


def _addresses(sets: Sets, hosts: Iterable[str]) -> frozenset[str]:
    return frozenset(each for host in hosts for kind in _ADDRESSES for each in sets.get((host, kind), ()))


def _text(kind: str, stored: str) -> str:
    """A stored text as the checks write it: see `formats.mail_checks.reading.Said`."""
    if kind == "TXT":
        return stored.removeprefix('"').removesuffix('"')
    if kind in _ADDRESSES:
        return str(_address(stored) or stored)
    return stored.lower().removesuffix(".") if kind in {"MX", "NS", "CNAME", "PTR"} else stored
