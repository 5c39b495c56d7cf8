"""Let's Encrypt's secondary: it looks through its zone for requests, proves each, and puts certificates in.

The certificate authority is the sandbox's; what it wants to see is what Let's Encrypt wants to see: the
challenge, in the public DNS.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dns.name
import dns.rdatatype
import dns.update
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.rdtypes.ANY.SOA import SOA

from tenants.formats.zones.names import ROOT, Name
from workers.sandbox.certificates import Authority
from workers.sandbox.stack.certificate import AUTHORITY, LEAF, REQUEST, TTL, names_in, tlsa
from workers.sandbox.stack.primary_talk import Fill, PrimaryTalk, TalkError
from workers.sandbox.stack.unikernel import EndsError, Unikernel
from workers.zone.messages import dns_name
from workers.zone.transfer import Transferred

__all__ = ["Wanted", "serve_certificates", "wanted_in"]

_LOOK = 0.5
"""Seconds between two looks at the serial: this stand-in is not told of changes."""
_LEFT = timedelta(days=14)
_PREFIX = (b"_letsencrypt", b"_tcp")
_MOST_FAILURES = 5


@dataclass(frozen=True)
class Wanted:
    """A request without a certificate that fits it and lasts."""

    host: str
    request: x509.CertificateSigningRequest
    old: tuple[tuple[tuple[int, int, int], bytes], ...] = ()
    """What is there and will be replaced: (usage, selector and matching, DER)."""


async def serve_certificates(unikernel: Unikernel) -> None:
    """Look, issue, look again, for ever: through the zone of its key, or with a root key through all that the
    primary has. Raises EndsError where the primary cannot be reached or refuses its one zone."""
    talk = PrimaryTalk.of(unikernel, "--port")
    world, console = unikernel.world, unikernel.console
    kind = "production" if unikernel.has("--production") else "staging"
    secondary = _Secondary(unikernel, world.production if kind == "production" else world.staging)
    if talk.origin != ROOT:
        await secondary.begin(talk)
        console.write("info", f"using the {kind} CA")
        while True:
            await secondary.look(talk)
            await asyncio.sleep(_LOOK * world.pace)
    server = unikernel.one("--dns-server")
    console.write("info", f"a key for every zone, using the {kind} CA")
    while True:
        for zone in world.zones_at(server):
            await secondary.look(talk.about(zone))
        await asyncio.sleep(_LOOK * world.pace)


class _Secondary:
    """What it knows of its zones."""

    def __init__(self, unikernel: Unikernel, authority: Authority) -> None:
        self._unikernel, self._authority = unikernel, authority
        self._zones: dict[Name, Transferred] = {}
        self._failures: dict[str, int] = {}
        self._away = False

    async def begin(self, talk: PrimaryTalk) -> None:
        """The first transfer, and what is asked for there. Raises EndsError."""
        try:
            zone = await self._transfer(talk)
        except TalkError as error:
            raise EndsError(f"Fatal error: exception Failure({error})") from None
        await self._serve(talk, zone)

    async def look(self, talk: PrimaryTalk) -> None:
        """Serve what a zone asks for, if it was changed. A primary that is away is waited for, as every
        secondary does."""
        try:
            if not await self._changed(talk):
                return
            zone = await self._transfer(talk)
            self._away = False
        except TalkError as error:
            if not self._away:
                self._unikernel.console.write("warn", f"the primary does not answer: {error}")
            self._away = True
        else:
            await self._serve(talk, zone)

    async def _serve(self, talk: PrimaryTalk, zone: Transferred) -> None:
        for wanted in wanted_in(zone, datetime.now(UTC)):
            if self._failures.get(wanted.host, 0) < _MOST_FAILURES:
                done = await _served(self._unikernel, talk, self._authority, wanted)
                self._failures[wanted.host] = 0 if done else self._failures.get(wanted.host, 0) + 1
                if not done:
                    self._zones.pop(talk.origin, None)  # it is tried again

    async def _transfer(self, talk: PrimaryTalk) -> Transferred:
        zone = await asyncio.to_thread(talk.transfer)
        if talk.origin not in self._zones:
            said = f"{talk.origin.short} transferred, serial {zone.soa.serial}"
            self._unikernel.console.write("info", said)
        self._zones[talk.origin] = zone
        return zone

    async def _changed(self, talk: PrimaryTalk) -> bool:
        known = self._zones.get(talk.origin)
        found = await asyncio.to_thread(talk.records, talk.zone, "SOA")
        serials = {each.serial for each in found if isinstance(each, SOA)}
        return known is None or bool(serials and known.soa.serial not in serials)


async def _served(unikernel: Unikernel, talk: PrimaryTalk, authority: Authority, wanted: Wanted) -> bool:
    console = unikernel.console
    console.write("info", f"requesting a certificate for {wanted.host}")
    public = wanted.request.public_key()
    if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        console.write("error", f"the request for {wanted.host} has a key of a kind that is not signed")
        return False
    challenge = _challenge()
    try:
        await asyncio.to_thread(talk.update, _proving(wanted.host, challenge))
        if not await asyncio.to_thread(_seen_publicly, unikernel, wanted.host, challenge):
            console.write("error", f"the challenge for {wanted.host} is not in the public DNS")
            return False
        console.write("info", f"the challenge for {wanted.host} was seen by the CA")
        leaf = authority.issue(public, [x509.DNSName(wanted.host)], wanted.host)
        chain = authority.certificate.public_bytes(Encoding.DER)
        await asyncio.to_thread(talk.update, _storing(wanted, leaf.public_bytes(Encoding.DER), chain))
    except TalkError as error:
        console.write("error", f"the certificate for {wanted.host} came to nothing: {error}")
        return False
    console.write("info", f"the certificate for {wanted.host} is in the zone")
    return True


def wanted_in(zone: Transferred, now: datetime) -> Iterator[Wanted]:
    """The names with exactly one request, and no certificate that fits it for 14 days more. A name with two
    certificates is skipped: somebody must clean up by hand."""
    for (owner, kind), found in zone.exact.items():
        if kind != "TLSA" or owner.labels[:2] != _PREFIX:
            continue
        held: dict[bytes, list[bytes]] = {}
        for wire in found:
            held.setdefault(wire[:3], []).append(wire[3:])
        requests, leaves = held.get(bytes(REQUEST), []), held.get(bytes(LEAF), [])
        if len(requests) != 1 or len(leaves) > 1:
            continue
        host = Name(owner.labels[2:]).short
        try:
            request = x509.load_der_x509_csr(requests[0])
            if not leaves or not _fits(x509.load_der_x509_certificate(leaves[0]), request, now):
                above = held.get(bytes(AUTHORITY), [])
                old = [*((LEAF, each) for each in leaves), *((AUTHORITY, each) for each in above)]
                yield Wanted(host, request, tuple(old))
        except ValueError:
            continue


def _fits(leaf: x509.Certificate, request: x509.CertificateSigningRequest, now: datetime) -> bool:
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    same = leaf.public_key().public_bytes(*form) == request.public_key().public_bytes(*form)
    lasts = leaf.not_valid_before_utc <= now and leaf.not_valid_after_utc >= now + _LEFT
    return same and lasts and names_in(leaf.extensions) == names_in(request.extensions)


def _challenge() -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(secrets.token_bytes(32)).digest()).decode().rstrip("=")


def _challenge_name(host: str) -> dns.name.Name:
    return dns.name.from_text(f"_acme-challenge.{host}.")


def _proving(host: str, challenge: str) -> Fill:
    """The challenge stays there for ever."""

    def fill(made: dns.update.UpdateMessage) -> None:
        made.replace(_challenge_name(host), TTL, "TXT", f'"{challenge}"')

    return fill


def _storing(wanted: Wanted, leaf: bytes, above: bytes) -> Fill:
    owner = dns_name(Name.of(f"_letsencrypt._tcp.{wanted.host}"))

    def fill(made: dns.update.UpdateMessage) -> None:
        for kind, old in wanted.old:
            if old != above:
                made.delete(owner, tlsa(kind, old))
        made.add(owner, TTL, tlsa(LEAF, leaf))
        made.add(owner, TTL, tlsa(AUTHORITY, above))

    return fill


def _seen_publicly(unikernel: Unikernel, host: str, challenge: str) -> bool:
    found = unikernel.world.resolve(_challenge_name(host), dns.rdatatype.TXT)
    texts = [b"".join(item.strings) for each in (found.answer if found else []) for item in each]
    return challenge.encode() in texts
