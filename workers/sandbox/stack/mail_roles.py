"""The five roles through which mail goes, as unikernels: they serve until they are cancelled.

None keeps a mail anywhere but in memory, none sends a bounce: what cannot be handed on is lost.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.rdtypes.txtbase import TXTBase

from tenants.formats.mailbox_syntax import Name
from tenants.formats.roles.role import Era
from tenants.formats.zones.dkim_record import dkim_text
from tenants.formats.zones.seeded_keys import rsa_private_key, seed_bytes
from workers.sandbox import expansion, hop
from workers.sandbox.handing import Handing, LostError
from workers.sandbox.paths import domain_text, text
from workers.sandbox.relay import Relay
from workers.sandbox.routes import chain_only
from workers.sandbox.smtp import CloseSessionError, Conversation, Mail, Parting, SmtpServer
from workers.sandbox.stack import dkim
from workers.sandbox.stack.certificate import tls_context
from workers.sandbox.stack.lookups import Lookups
from workers.sandbox.stack.primary_talk import PrimaryTalk, TalkError
from workers.sandbox.stack.realm import real_port
from workers.sandbox.stack.repositories import read_table
from workers.sandbox.stack.unikernel import EndsError, Unikernel
from workers.sandbox.starting_tls import begin_tls
from workers.sandbox.submission import Submission

__all__ = ["relay", "signer", "spamfilter", "submission", "verifier"]

SMTP, SMTPS = 25, 465
_SIGNER_BITS, _DKIM_TTL = 2048, 3600
_GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
_FORGETS_OWN = (Era.P22, Era.P24)
_SAYS = {
    "submission": ("ptt.lipap", "quit properly"),
    "signer": ("ptt.nec", "submitted a message"),
    "relay": ("ptt.mti-gf", "submitted a message"),
    "spamfilter": ("ptt.spartacus", "submitted a message"),
    "verifier": ("ptt.hm", "submitted a message"),
}
"""All that images of 2022 and 2023 say of a conversation that went well, also of one that was only QUIT."""


async def submission(unikernel: Unikernel) -> None:
    """Users and certificate first, then the door."""
    table = await asyncio.to_thread(read_table, unikernel)
    for skipped in table.skipped:
        unikernel.console.write("warn", f"Invalid value for /{skipped.name}: {skipped.reason}")
    unikernel.console.write("info", f"{table.entries} users")
    host = unikernel.one("--submission-domain") or unikernel.one("--hostname")
    domain = unikernel.one("--domain")
    server = Submission(
        host=unikernel.here,
        port=real_port(SMTPS),
        domain=domain,
        table=table,
        tls=await tls_context(unikernel, host),
        following=lambda: _next_hop(unikernel),
        called="the signer",
        console=unikernel.console,
    )
    server.targets = _targets(unikernel)
    await _serve(unikernel, server)


async def relay(unikernel: Unikernel) -> None:
    """Users first; the resolver is asked for each mail."""
    table = await asyncio.to_thread(read_table, unikernel)
    for skipped in table.skipped:
        unikernel.console.write("warn", f"Invalid value for /{skipped.name}: {skipped.reason}")
    unikernel.console.write("info", f"{table.entries} aliases")
    lookups, world = Lookups.of(unikernel), unikernel.world
    trust = chain_only(world.production)

    def route(group: expansion.Group) -> hop.Way:
        """To the address that the resolver gave: a stack of this host, a domain of the sandbox, or the rest
        of the world, which is the mailroom."""
        domain = domain_text(group.domain) if isinstance(group.domain, Name) else ""
        nat = world.nat()
        source = nat.leaves_as(unikernel.address, group.mx, SMTP)
        here = world.realm.here(source) if source else unikernel.here
        if (door := world.door(group.mx, SMTP)) is not None:
            return hop.Way(*door, here, trust)
        return hop.Way(*(world.exchanger(domain) or world.mailroom()), here)

    server = Relay(
        host=unikernel.here,
        port=real_port(SMTP),
        domain=unikernel.one("--domain"),
        table=table,
        store=None,
        console=unikernel.console,
        postmaster_domain=unikernel.one("--postmaster").rpartition("@")[2],
        mx_of=lookups.exchanger,
        route=route,
    )
    await _serve(unikernel, server)


async def signer(unikernel: Unikernel) -> None:
    """Its public key is put into the zone before it takes mail."""
    seed = unikernel.one("--private-key") or unikernel.one("--seed")
    key = await asyncio.to_thread(_signing_key, seed)
    await _publish(unikernel, key)
    domain = unikernel.one("--domain")
    fields = unikernel.one("--fields").replace(",", ":").split(":") if unikernel.one("--fields") else None
    signing = dkim.Signing(
        domain,
        unikernel.one("--selector"),
        key,
        fields or dkim.DEFAULT_FIELDS,
        _number(unikernel.one("--timestamp")),
        _number(unikernel.one("--expiration")),
    )
    server = Signer(host=unikernel.here, port=real_port(SMTP), name=domain, console=unikernel.console)
    server.signing = signing
    await _serve(unikernel, _between(unikernel, server, "the relay"))


async def spamfilter(unikernel: Unikernel) -> None:
    """Nothing is waited for."""
    server = SpamFilter(
        host=unikernel.here, port=real_port(SMTP), name=unikernel.one("--domain"), console=unikernel.console
    )
    await _serve(unikernel, _between(unikernel, server, "the relay"))


async def verifier(unikernel: Unikernel) -> None:
    """Its certificate first, then the door: open to any recipient."""
    domain = unikernel.one("--domain")
    tls = await tls_context(unikernel, unikernel.one("--hostname") or domain)
    server = Verifier(host=unikernel.here, port=real_port(SMTP), name=domain, console=unikernel.console)
    server.certificate, server.unikernel, server.lookups = tls, unikernel, Lookups.of(unikernel)
    await _serve(unikernel, _between(unikernel, server, "the spam filter"))


class Signer(Handing):
    """Signs; a mail that it cannot read is lost."""

    signing: dkim.Signing

    async def rewritten(self, mail: Mail) -> bytes:
        try:
            return dkim.sign(mail.content, self.signing)
        except dkim.MalformedError as error:
            raise LostError(f"no signature: {error}") from None


class SpamFilter(Handing):
    """Marks mail, blocks none; what it cannot parse is dropped."""

    async def rewritten(self, mail: Mail) -> bytes:
        header, _, body = mail.content.partition(b"\r\n\r\n")
        if any(line[:1] not in b" \t" and b":" not in line for line in header.split(b"\r\n") if line):
            raise LostError("")
        mark = b"yes" if _GTUBE in body else b"no" if body.strip() else b"unknown"
        return b"X-Spamtacus: " + mark + b"\r\n" + mail.content


class Verifier(Handing):
    """Wants STARTTLS before anything else, and notes what SPF says of the client's address."""

    extensions = (*SmtpServer.extensions, "STARTTLS")
    certificate: ssl.SSLContext
    unikernel: Unikernel
    lookups: Lookups

    async def authenticate(self, talk: Conversation) -> None:
        """STARTTLS, and EHLO again."""
        await begin_tls(self, talk, self.certificate)

    async def rewritten(self, mail: Mail) -> bytes:
        client = self.unikernel.world.seen_as(mail.client)
        sender = text(mail.sender).strip("<>")
        domain = sender.rpartition("@")[2] or mail.helo
        found = await asyncio.to_thread(self.lookups.spf, domain.lower(), client)
        line = (
            f"Received-SPF: {found} client-ip={client}; envelope-from={sender or '<>'}; helo={mail.helo};\r\n"
            f" receiver={self.name};\r\n"
        )
        return line.encode("ascii", "replace") + mail.content


async def _serve(unikernel: Unikernel, server: SmtpServer) -> None:
    """Until it is cancelled, or an exception that nobody catches ends it."""
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def died(reason: str) -> None:
        if not ended.done():
            ended.set_result(reason)

    server.on_death, server.on_parting = died, _parting(unikernel)
    try:
        await server.listen()
        raise EndsError(f"Fatal error: exception {await ended}")
    finally:
        await server.close()


def _parting(unikernel: Unikernel) -> Parting:
    name, words = _SAYS[unikernel.role.name]
    console = unikernel.console.named(name)

    def said(peer: tuple[str, int], why: CloseSessionError) -> None:
        who = f"<{unikernel.world.seen_as(peer[0])}:{peer[1]}>"
        if not why.politely:
            console.write("error", f"{who} {why}")
        elif unikernel.era is not Era.P24:
            console.write("info", f"{who} {words}")

    return said


def _between(unikernel: Unikernel, server: Handing, called: str) -> Handing:
    server.domain, server.called = unikernel.one("--domain"), called
    server.following = lambda: _next_hop(unikernel)
    server.targets = _targets(unikernel)
    return server


def _targets(unikernel: Unikernel) -> expansion.Targets | None:
    return {} if unikernel.era in _FORGETS_OWN else None


def _next_hop(unikernel: Unikernel) -> hop.Way:
    there = unikernel.world.realm.here(unikernel.one("--destination"))
    return hop.Way(there, real_port(SMTP), unikernel.here)


@lru_cache(maxsize=32)
def _signing_key(seed: str) -> RSAPrivateKey:
    return rsa_private_key(seed_bytes(seed), _SIGNER_BITS)


async def _publish(unikernel: Unikernel, key: RSAPrivateKey) -> None:
    """Add the DKIM record unless the primary has exactly it: another one that is there stays, too."""
    talk = PrimaryTalk.of(unikernel)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    wanted = dkim_text(base64.b64encode(public).decode())
    name = f"{unikernel.one('--selector')}._domainkey.{unikernel.one('--domain')}."
    pieces = " ".join(f'"{wanted[at : at + 255].decode()}"' for at in range(0, len(wanted), 255))
    try:
        there = await asyncio.to_thread(talk.records, name, "TXT")
        if wanted in [b"".join(item.strings) for item in there if isinstance(item, TXTBase)]:
            unikernel.console.write("info", f"{name} has our public key already")
            return
        await asyncio.to_thread(talk.update, lambda made: made.add(name, _DKIM_TTL, "TXT", pieces))
    except TalkError as error:
        raise EndsError(f"Fatal error: exception Failure({error})") from None
    unikernel.console.write("info", f"our public key was put at {name}")


def _number(given: str) -> int | None:
    return int(given) if given else None
