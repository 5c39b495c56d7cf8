"""Certificates that carry commands: minted per job, valid for minutes, their keys only in memory.

The TLS endpoint reads the command from an extension of the client's certificate. The path of a unikernel is
made of the common names of the intermediate certificates that carry a quota policy, outermost first; the
leaf's common name is the label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from workers.albatross import commands as c
from workers.albatross.errors import AlbatrossError, DecodeError
from workers.albatross.grammar.envelope import Request, read_extension, write_extension
from workers.albatross.names import Name
from workers.albatross.values import QuotaPolicy

EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.49836.42")
BACKDATED = timedelta(minutes=10)
"""Hosts go by their own clocks, which may be behind ours."""
VALID_FOR = timedelta(minutes=5)
MOST_CHAIN = 9
"""Certificates that the endpoint takes, the leaf among them."""
_MOST_PEM = 256 << 10

_Key = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class CertificateError(AlbatrossError):
    """A certificate or key that cannot sign commands for a host."""

    hint = "Give the CA of the host, or the intermediate that its owner signed for you, with its own key."


@dataclass(frozen=True)
class Authority:
    """What signs commands for `path` and, by further intermediates, for what lies below it.

    `chain` is what a client shows after its leaf: this authority's certificate first, then its issuers
    without the root, which the host knows. For the root itself it is empty.
    """

    certificate: x509.Certificate
    key: _Key = field(repr=False)
    path: tuple[str, ...] = ()
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def policy(self) -> QuotaPolicy | None:
        """The quota policy that every command by this authority sets on the host; None for the root."""
        return _policy_in(self.certificate)

    @property
    def ends(self) -> datetime:
        """When the first certificate of the chain ends."""
        return min(each.not_valid_after_utc for each in (self.certificate, *self.chain))


@dataclass(frozen=True)
class Credentials:
    """What a client presents: its chain, leaf first, and the leaf's key; both in PEM."""

    chain: bytes
    key: bytes = field(repr=False)


def make_root(label: str, *, now: datetime, valid_for: timedelta) -> Authority:
    """A new CA for a host whose owner has none yet."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = _subject(label)
    draft = _draft(name, name, key, now, valid_for)
    return Authority(_as_authority(draft, key).sign(key, None), key)


def server_certificate(root: Authority, host: str, *, now: datetime, valid_for: timedelta) -> Credentials:
    """A certificate for the endpoint itself, signed by the host's CA."""
    key = ed25519.Ed25519PrivateKey.generate()
    draft = _draft(_subject(host), root.certificate.subject, key, now, valid_for)
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    draft = _as_leaf(draft, key, root).add_extension(purpose, critical=False)
    return Credentials(_pem([_sign(draft, root)]), _key_pem(key))


def below(
    parent: Authority, label: str, policy: QuotaPolicy, *, now: datetime, valid_for: timedelta = VALID_FOR
) -> Authority:
    """An authority for the path `label` below the parent's. Each command by it sets `policy` there, so it
    must cover what runs there already (see `quota.covering`). Raises NotSendable for a bad label."""
    Name((*parent.path, label)).check()
    key = ed25519.Ed25519PrivateKey.generate()
    draft = _draft(_subject(label), parent.certificate.subject, key, now, valid_for)
    draft = _as_authority(draft, key, parent).add_extension(
        x509.UnrecognizedExtension(EXTENSION, b"".join(write_extension(c.AddPolicy(policy)))), critical=False
    )
    certificate = _sign(draft, parent)
    return Authority(certificate, key, (*parent.path, label), (certificate, *parent.chain))


def mint(
    authority: Authority, request: Request, *, now: datetime, valid_for: timedelta = VALID_FOR
) -> Credentials:
    """A certificate for one command, with a key of its own. Raises CertificateError for another path."""
    name = request.header.name
    if name.path != authority.path:
        where = Name(authority.path)
        raise CertificateError(f"this certificate authority signs commands for {where} and not for {name}.")
    if now > authority.ends:
        raise CertificateError(
            "the certificate that signs commands has expired.", "Ask the host's owner for a new one."
        )
    key = ed25519.Ed25519PrivateKey.generate()
    subject = _subject(":" if name.label is None else name.label)
    draft = _draft(subject, authority.certificate.subject, key, now, valid_for)
    value = b"".join(bytes(part) for part in write_extension(request.command, request.header.version))
    draft = (
        _as_leaf(draft, key, authority)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.UnrecognizedExtension(EXTENSION, value), critical=False)
    )
    return Credentials(_pem([_sign(draft, authority), *authority.chain]), _key_pem(key))


def read_authority(pem: bytes, key_pem: bytes) -> Authority:
    """An authority as its owner has it: its certificate, then those of its issuers (the root may be left
    out), and its key without a password. Raises CertificateError, which never quotes the key."""
    if len(pem) > _MOST_PEM or len(key_pem) > _MOST_PEM:
        raise CertificateError("the certificate or the key is too big.")
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise CertificateError(
            "the certificate is not readable.", "Give it in PEM, from -----BEGIN CERTIFICATE----- on."
        ) from None
    try:
        key = load_pem_private_key(key_pem, None)
    except TypeError:
        raise CertificateError(
            "the key is locked with a password.", "Give it without: openssl pkey -in KEY."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError("the key is not readable.", "Give a private key in PEM.") from None
    if not isinstance(key, _Key):
        raise CertificateError("the key is of a kind that albatross does not use.", "Use Ed25519.")
    own, *issuers = certificates
    if own.public_key() != key.public_key():
        raise CertificateError("the key does not belong to the certificate.")
    for child, parent in zip(certificates, issuers, strict=False):
        _check_signed(child, parent)
    for each in certificates:
        _check_authority(each)
    chain = tuple(each for each in certificates if each.subject != each.issuer)
    if len(chain) >= MOST_CHAIN:
        raise CertificateError(f"the chain is too long: the host takes {MOST_CHAIN - 1} at most.")
    return Authority(own, key, path_of(chain), chain)


def path_of(chain: Sequence[x509.Certificate]) -> tuple[str, ...]:
    """The path that a chain of intermediates (the leaf's issuer first) names: the common names of those that
    carry a quota policy, outermost first. Raises CertificateError."""
    return tuple(common_name(each) for each in reversed(chain) if _policy_in(each) is not None)


def command_in(certificate: x509.Certificate) -> tuple[int, c.Command] | None:
    """The wire version and the command that a certificate carries, if any. Raises DecodeError."""
    try:
        extension = certificate.extensions.get_extension_for_oid(EXTENSION)
    except x509.ExtensionNotFound:
        return None
    except ValueError as problem:
        raise DecodeError("the certificate's extensions cannot be read") from problem
    return read_extension(extension.value.public_bytes())


def common_name(certificate: x509.Certificate) -> str:
    """The common name; empty when there is none."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _policy_in(certificate: x509.Certificate) -> QuotaPolicy | None:
    try:
        found = command_in(certificate)
    except DecodeError:
        raise CertificateError("the certificate carries something that cannot be read.") from None
    if found is None:
        return None
    if not isinstance(found[1], c.AddPolicy):
        raise CertificateError("the certificate carries a command, so it is of a client and signs nothing.")
    return found[1].policy


def _check_signed(child: x509.Certificate, parent: x509.Certificate) -> None:
    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature):
        raise CertificateError(
            f"“{common_name(child)[:60]}” was not signed by “{common_name(parent)[:60]}”.",
            "Give the certificates in order: your own first, then the one that signed it.",
        ) from None


def _check_authority(certificate: x509.Certificate) -> None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        found = None
    if found is None or not found.ca:
        raise CertificateError(f"“{common_name(certificate)[:60]}” is no certificate authority.")


def _subject(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _draft(
    subject: x509.Name, issuer: x509.Name, key: ed25519.Ed25519PrivateKey, now: datetime, valid_for: timedelta
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - BACKDATED,
        not_valid_after=now + valid_for,
    )


def _as_authority(
    draft: x509.CertificateBuilder, key: ed25519.Ed25519PrivateKey, parent: Authority | None = None
) -> x509.CertificateBuilder:
    draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return _identified(_used_for(draft, signing_certificates=True), key, parent)


def _as_leaf(
    draft: x509.CertificateBuilder, key: ed25519.Ed25519PrivateKey, parent: Authority
) -> x509.CertificateBuilder:
    draft = draft.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return _identified(_used_for(draft, signing_certificates=False), key, parent)


def _used_for(draft: x509.CertificateBuilder, *, signing_certificates: bool) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signing_certificates,
        crl_sign=signing_certificates,
        encipher_only=False,
        decipher_only=False,
    )
    return draft.add_extension(usage, critical=True)


def _identified(
    draft: x509.CertificateBuilder, key: ed25519.Ed25519PrivateKey, parent: Authority | None
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    draft = draft.add_extension(own, critical=False)
    if parent is None:
        return draft
    try:
        of_parent = parent.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return draft  # where both exist they must be equal, and here only ours would
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(of_parent)
    return draft.add_extension(identifier, critical=False)


def _sign(draft: x509.CertificateBuilder, by: Authority) -> x509.Certificate:
    return draft.sign(by.key, None if isinstance(by.key, ed25519.Ed25519PrivateKey) else SHA256())


def _pem(certificates: Sequence[x509.Certificate]) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def _key_pem(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
