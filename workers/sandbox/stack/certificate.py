"""Getting a certificate through the zone: the client's side, as ocaml-dns' certify does it.

The request (`3 255 0`) is put into the zone with a signed change; somebody else puts the certificate
(`3 0 0`) and its issuers (`0 0 0`) beside it. Who waits in vain ends, and is started again.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TLSA
import dns.update
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from tenants.formats.zones.seeded_keys import rsa_private_key
from workers.sandbox.certificates import write_private
from workers.sandbox.stack.primary_talk import Fill, PrimaryTalk, TalkError
from workers.sandbox.stack.unikernel import EndsError, Unikernel

__all__ = ["AUTHORITY", "LEAF", "REQUEST", "TTL", "names_in", "tls_context", "tlsa", "tlsa_name"]

REQUEST, LEAF, AUTHORITY = (3, 255, 0), (3, 0, 0), (0, 0, 0)
TTL = 3600
_TRIES, _PAUSE = 10, 2.0


@dataclass(frozen=True)
class _Chain:
    leaf: bytes
    above: tuple[bytes, ...]


def tlsa_name(host: str) -> dns.name.Name:
    return dns.name.from_text(f"_letsencrypt._tcp.{host}.")


def tlsa(kind: tuple[int, int, int], der: bytes) -> dns.rdtypes.ANY.TLSA.TLSA:
    return dns.rdtypes.ANY.TLSA.TLSA(  # type: ignore[no-untyped-call]
        dns.rdataclass.IN, dns.rdatatype.TLSA, *kind, der
    )


def names_in(extensions: x509.Extensions) -> frozenset[str]:
    """The DNS names of a certificate or request."""
    try:
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(found.value.get_values_for_type(x509.DNSName))


async def tls_context(unikernel: Unikernel, host: str) -> ssl.SSLContext:
    """What a server at `host` needs, from the zone or asked for there. Raises EndsError."""
    key = await asyncio.to_thread(_key, unikernel.one("--key-seed"), unikernel.world.tls_bits)
    talk = PrimaryTalk.of(unikernel)
    try:
        chain = _fitting(await asyncio.to_thread(talk.records, tlsa_name(host), "TLSA"), host, key)
        if chain is None:
            unikernel.console.write("info", f"no certificate for {host} in the zone, asking for one")
            await asyncio.to_thread(talk.update, _asking(host, key))
            chain = await _waited(unikernel, talk, host, key)
    except TalkError as error:
        raise EndsError(f"Fatal error: exception Failure({error})") from None
    return _context(key, chain, unikernel.world.folder)


async def _waited(unikernel: Unikernel, talk: PrimaryTalk, host: str, key: RSAPrivateKey) -> _Chain:
    for _ in range(_TRIES):
        await asyncio.sleep(_PAUSE * unikernel.world.pace)
        found = _fitting(await asyncio.to_thread(talk.records, tlsa_name(host), "TLSA"), host, key)
        if found is not None:
            unikernel.console.write("info", f"certificate for {host} found")
            return found
        unikernel.console.write("info", f"no certificate for {host} yet, waiting")
    raise EndsError(f"Fatal error: exception Failure(no certificate for {host})")


@lru_cache(maxsize=32)
def _key(seed: str, bits: int) -> RSAPrivateKey:
    return rsa_private_key(seed.encode(), bits)


def _asking(host: str, key: RSAPrivateKey) -> Fill:
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )

    def fill(made: dns.update.UpdateMessage) -> None:
        made.replace(tlsa_name(host), TTL, tlsa(REQUEST, request.public_bytes(Encoding.DER)))

    return fill


def _fitting(found: Sequence[dns.rdata.Rdata], host: str, key: RSAPrivateKey) -> _Chain | None:
    """The certificate that is for this key and exactly this host, and valid now."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    now = datetime.now(UTC)
    records = [each for each in found if isinstance(each, dns.rdtypes.ANY.TLSA.TLSA)]
    above = tuple(each.cert for each in records if (each.usage, each.selector, each.mtype) == AUTHORITY)
    for each in records:
        if (each.usage, each.selector, each.mtype) != LEAF:
            continue
        try:
            leaf = x509.load_der_x509_certificate(each.cert)
            theirs = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except ValueError:
            continue
        valid = leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc
        if valid and theirs == public and names_in(leaf.extensions) == {host}:
            return _Chain(each.cert, above)
    return None


def _context(key: RSAPrivateKey, chain: _Chain, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for der in (chain.leaf, *chain.above):
        pem += x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        file = Path(place) / "server.pem"
        write_private(file, pem)
        context.load_cert_chain(file)
    return context
