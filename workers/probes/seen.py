"""What a question to a server came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from tenants.formats.text import printable

__all__ = ["Certificate", "Proved", "Silent", "read_certificate"]

_MOST_NAMES = 20


@dataclass(frozen=True)
class Silent:
    """It does not serve as it should, at least not yet; `problem` is a sentence without its end."""

    problem: str


@dataclass(frozen=True)
class Proved:
    """It serves; `proof` are words to keep and to show."""

    proof: Mapping[str, str]


@dataclass(frozen=True)
class Certificate:
    """A certificate as it was shown; who signed it was not verified. `names` has at most 20."""

    names: tuple[str, ...]
    issuer: str
    valid_from: datetime
    valid_until: datetime
    fingerprint: str

    def problem(self, name: str, now: datetime) -> str:
        """Why it cannot be the one of `name` now; "" when it can."""
        if name.lower() not in self.names:
            said = ", ".join(self.names[:3]) or "no name"
            return f"its certificate is for {said} instead of {name}"
        if not self.valid_from <= now <= self.valid_until:
            return f"its certificate is valid from {self.valid_from:%Y-%m-%d} to {self.valid_until:%Y-%m-%d}"
        return ""


def read_certificate(der: bytes | None) -> Certificate | None:
    """None for what cannot be read: a foreign certificate may be wrong in any way."""
    try:
        found = x509.load_der_x509_certificate(der or b"")
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        issuers = found.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Certificate(
            tuple(
                printable(each, 253).lower() for each in names.get_values_for_type(x509.DNSName)[:_MOST_NAMES]
            ),
            printable(str(issuers[0].value), 100) if issuers else "",
            found.not_valid_before_utc,
            found.not_valid_after_utc,
            found.fingerprint(SHA256()).hex(),
        )
    except Exception:
        return None
