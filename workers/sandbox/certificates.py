"""A throw-away certificate authority, so that clients of the sandbox can verify TLS as they do with a real
server."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_CA_DAYS, _LEAF_DAYS, _LEFT_DAYS = 3650, 90, 30


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, in one step (never half written)."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.rename(path)


class Authority:
    """The certificate authority kept in a folder: `ca.pem` for clients, `ca-key.pem` for itself."""

    def __init__(self, folder: Path, name: str = "Rookery sandbox (trust it nowhere else)") -> None:
        self._folder, self._name = folder, name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.ca_file = folder / "ca.pem"
        self._key, self._certificate = self._load() or self._make()

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        try:
            key = serialization.load_pem_private_key(
                (self._folder / "ca-key.pem").read_bytes(), password=None
            )
            certificate = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        except (OSError, ValueError):
            return None
        fits = isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()
        lasts = certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=_LEFT_DAYS + _LEAF_DAYS)
        return (key, certificate) if isinstance(key, ec.EllipticCurvePrivateKey) and fits and lasts else None

    def _make(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._name)])
        usage = _usage(digital_signature=False, key_cert_sign=True)
        certificate = (
            _builder(name, name, key.public_key(), _CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        write_private(self._folder / "ca-key.pem", _pem(key))
        write_private(self.ca_file, certificate.public_bytes(serialization.Encoding.PEM))
        return key, certificate

    @property
    def certificate(self) -> x509.Certificate:
        """Its own."""
        return self._certificate

    def issue(
        self, public: _PublicKey, names: Sequence[x509.GeneralName], common_name: str
    ) -> x509.Certificate:
        """A certificate for a server that has this key."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            _builder(subject, self._certificate.subject, public, _LEAF_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True, key_cert_sign=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def server_context(self, names: list[str], address: str) -> ssl.SSLContext:
        """A TLS server context with a fresh certificate for these host names and this address."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives.append(x509.IPAddress(ipaddress.ip_address(address)))
        certificate = self.issue(key.public_key(), alternatives, names[0])
        chain = self._folder / "server.pem"
        write_private(chain, _pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(chain)
        chain.unlink()
        return context


def _builder(subject: x509.Name, issuer: x509.Name, public: _PublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, digital_signature: bool, key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
