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
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID, NameOID

from tenants.formats.text import printable
from tenants.formats.zones.data.digests import TLSA
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet

__all__ = [
    "RENEWED_BEFORE",
    "HostCertificate",
    "Standing",
    "certificates_in",
    "is_worrying",
    "turns_after",
    "why_no_reload",
]

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


# How long each may last before people are told: issuing takes minutes, the daily look of the unikernel a day.
_PATIENCE = {
    Standing.PENDING: timedelta(hours=1),
    Standing.NOT_YET: timedelta(hours=1),
    Standing.MISFIT: timedelta(days=1, hours=6),
}
_RENEWING = timedelta(days=2)


@dataclass(frozen=True)
class HostCertificate:
    """How one host's certificate stands.

    `names` are those in the certificate, or in the request while there is none; times are aware; `staging`
    tells that no browser or mail server trusts the issuer; `fingerprint` (SHA-256, hex) tells certificates
    apart. `sentence` says what is, `fix` what to do, if anything.
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
    fingerprint: str = ""


def certificates_in(sets: Iterable[RecordSet], now: datetime) -> tuple[HostCertificate, ...]:
    """Return how the certificates in a zone's record sets stand at `now` (aware), by host. Never raises for
    what the records hold."""
    return tuple(sorted(_found(sets, now), key=lambda each: each.host))


def is_worrying(found: HostCertificate, since: datetime, now: datetime) -> bool:
    """Whether a person should look at it, of one that stands so `since` then: not while the machines are
    still within the time that they take."""
    if found.standing is Standing.VALID:
        return False
    if found.standing is Standing.RENEWAL_DUE:
        return _ends_within(found, now, RENEWED_BEFORE - _RENEWING)
    if found.standing is Standing.UNREQUESTED:
        return _ends_within(found, now, RENEWED_BEFORE)
    return now >= since + _PATIENCE.get(found.standing, timedelta(0))


def _ends_within(found: HostCertificate, now: datetime, time: timedelta) -> bool:
    return found.valid_until is None or found.valid_until - now < time


def turns_after(found: HostCertificate, since: datetime, now: datetime) -> datetime | None:
    """When it stands otherwise, or begins to worry, though no record changes; None for never."""
    turns = [since + _PATIENCE.get(found.standing, timedelta(0))]
    if found.valid_from is not None:
        turns.append(found.valid_from)
    if found.valid_until is not None:
        # Due is what has less than the time left, not exactly that.
        before = (RENEWED_BEFORE, RENEWED_BEFORE - _RENEWING)
        turns += [found.valid_until - each + timedelta.resolution for each in before]
        turns.append(found.valid_until)
    return min((each for each in turns if each > now), default=None)


def why_no_reload(found: HostCertificate | None, now: datetime) -> str:
    """Why what serves with this certificate must not be started anew now, in a sentence; "" if it may.

    What runs goes on with the certificate that it has; what starts takes the one in the zone, and with none
    that is valid ptt's servers wait for one and serve nobody. None: the zone has nothing for the host.
    """
    if found is None:
        return "The zone has no certificate for it, so it would wait for one and serve nobody."
    if found.valid_from is None or found.valid_until is None:
        return f"{found.sentence} What starts now would wait, and serve nobody."
    if found.standing is Standing.MISFIT:
        return f"{found.sentence} What starts now would ask for another, and serve nobody until it comes."
    if not found.valid_from <= now < found.valid_until:
        return f"The certificate of {found.host.short} is not valid now. What starts now would serve nobody."
    return ""


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
    mark = issued.fingerprint(SHA256()).hex()
    return HostCertificate(host, standing, sentence, fix, _names(issued), start, end, issuer, staging, mark)


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
