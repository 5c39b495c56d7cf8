"""The certificates that ptt's stack keeps in a zone, and how each stands.

At `_letsencrypt._tcp.<host>` lie TLSA records with DER in them: 3 255 0 is what the host's unikernel asks for
(a signing request), 3 0 0 what the Let's Encrypt unikernel put there (the host's certificate), 0 0 0 the
certificates above it. It issues anew when fewer than 14 days are left, or when certificate and request do not
fit; with several requests or several certificates it skips the host, and a person has to tidy up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from tenants.formats.text import printable
from tenants.formats.zones.data.digests import TLSA
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet

__all__ = ["RENEWED_BEFORE", "HostCertificate", "Standing", "certificates_in"]

RENEWED_BEFORE = timedelta(days=14)
_OWNER = (b"_letsencrypt", b"_tcp")
_REQUEST, _CERTIFICATE = (3, 255, 0), (3, 0, 0)
_MOST_NAMES = 100
_BROKEN = (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension)


class Standing(Enum):
    """How the certificate of a host stands; what is worse comes later."""

    VALID = "valid"
    PENDING = "pending"
    RENEWAL_DUE = "renewal due"
    UNREQUESTED = "nothing asks for its renewal"
    MISFIT = "does not fit its request"
    NOT_YET = "not valid yet"
    EXPIRED = "expired"
    STUCK = "stuck"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class HostCertificate:
    """How one host's certificate stands.

    `names` are those in the certificate, or in the request while there is none; times are aware; `staging`
    tells that no browser or mail server trusts the issuer. `sentence` says what is, `fix` what to do, if
    anything.
    """

    host: Name
    standing: Standing
    sentence: str
    fix: str = ""
    names: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    issuer: str = ""
    staging: bool = False


def certificates_in(sets: Iterable[RecordSet], now: datetime) -> tuple[HostCertificate, ...]:
    """Return how the certificates in a zone's record sets stand at `now` (aware), by host. Never raises for
    what the records hold."""
    return tuple(sorted(_found(sets, now), key=lambda each: each.host))


def _found(sets: Iterable[RecordSet], now: datetime) -> Iterator[HostCertificate]:
    for item in sets:
        labels = tuple(label.lower() for label in item.owner.labels[:2])
        if item.type == "TLSA" and labels == _OWNER:
            records = [data for data in item.data if isinstance(data, TLSA)]
            yield _judge(Name(item.owner.labels[2:]), records, now)


def _judge(host: Name, records: list[TLSA], now: datetime) -> HostCertificate:
    requests = [data.data for data in records if _kind(data) == _REQUEST]
    certificates = [data.data for data in records if _kind(data) == _CERTIFICATE]
    if len(requests) > 1 or len(certificates) > 1:
        what = "certificates" if len(certificates) > 1 else "requests"
        return HostCertificate(
            host,
            Standing.STUCK,
            f"There are several {what} for {host.short}, so the Let's Encrypt unikernel skips it.",
            f"Remove all TLSA records of _letsencrypt._tcp.{host.short} and restart the host's unikernel.",
        )
    try:
        asked = x509.load_der_x509_csr(requests[0]) if requests else None
        issued = x509.load_der_x509_certificate(certificates[0]) if certificates else None
        if issued is not None:
            return _issued(host, issued, asked, now)
        return _pending(host, asked)
    except _BROKEN:
        return HostCertificate(
            host,
            Standing.UNREADABLE,
            f"What is kept for {host.short} is no certificate or request that can be read.",
            f"Remove the TLSA records of _letsencrypt._tcp.{host.short} and restart the host's unikernel.",
        )


def _kind(data: TLSA) -> tuple[int, int, int]:
    return data.usage, data.selector, data.matching


def _pending(host: Name, asked: x509.CertificateSigningRequest | None) -> HostCertificate:
    if asked is None:
        return HostCertificate(
            host,
            Standing.UNREQUESTED,
            f"{host.short} has certificates above its own, but none of its own and no request.",
            "Restart the host's unikernel: it asks for one when it starts.",
        )
    return HostCertificate(
        host,
        Standing.PENDING,
        f"{host.short} has asked for a certificate and waits for it.",
        "If that takes more than some minutes, look at the Let's Encrypt unikernel's console.",
        _names(asked),
    )


def _issued(
    host: Name, issued: x509.Certificate, asked: x509.CertificateSigningRequest | None, now: datetime
) -> HostCertificate:
    issuer = printable(issued.issuer.rfc4514_string(), 200)
    start, end = issued.not_valid_before_utc, issued.not_valid_after_utc
    staging = "STAGING" in issuer.upper()
    standing, sentence, fix = _standing(host, issued, asked, now)
    if staging:
        sentence += " It comes from the staging authority, which nobody trusts."
        fix = f"{fix} Start the Let's Encrypt unikernel with --production.".strip()
    return HostCertificate(host, standing, sentence, fix, _names(issued), start, end, issuer, staging)


def _standing(
    host: Name, issued: x509.Certificate, asked: x509.CertificateSigningRequest | None, now: datetime
) -> tuple[Standing, str, str]:
    end = issued.not_valid_after_utc
    left = end - now
    day = f"{end:%Y-%m-%d}"
    look = "Look at the Let's Encrypt unikernel's console."
    if left <= timedelta(0):
        return Standing.EXPIRED, f"The certificate of {host.short} expired on {day}.", look
    if now < issued.not_valid_before_utc:
        start = f"{issued.not_valid_before_utc:%Y-%m-%d}"
        return Standing.NOT_YET, f"The certificate of {host.short} is valid from {start} on.", "Check clocks."
    if asked is None:
        text = f"The certificate of {host.short} is valid until {day}, and nothing asks for the next one."
        return Standing.UNREQUESTED, text, "Restart the host's unikernel: it asks when it starts."
    if not _fits(issued, asked):
        text = f"The certificate of {host.short} is for another key or other names than it asks for."
        return Standing.MISFIT, text, f"A new one should come within a day. {look}"
    if left < RENEWED_BEFORE:
        return Standing.RENEWAL_DUE, f"The certificate of {host.short} is due: it ends on {day}.", look
    return Standing.VALID, f"The certificate of {host.short} is valid until {day}.", ""


def _fits(issued: x509.Certificate, asked: x509.CertificateSigningRequest) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    same_key = issued.public_key().public_bytes(*form) == asked.public_key().public_bytes(*form)
    return same_key and set(_names(issued)) == set(_names(asked))


def _names(holder: x509.Certificate | x509.CertificateSigningRequest) -> tuple[str, ...]:
    """The host names in it: those of the extension, and the common name."""
    found = [str(each.value) for each in holder.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        extension = holder.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        extension = None
    if isinstance(extension, x509.SubjectAlternativeName):
        found += extension.get_values_for_type(x509.DNSName)
    return tuple(sorted({printable(name.lower(), 260) for name in found}))[:_MOST_NAMES]
