"""A stand-in for albatross-tls-endpoint: TLS 1.3, the command inside the client's certificate.

What it does not like after the handshake it answers by closing, without a word, as the real one does.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from workers.albatross import commands as c
from workers.albatross import replies as r
from workers.albatross.certificates import (
    MOST_CHAIN,
    Authority,
    Credentials,
    command_in,
    common_name,
)
from workers.albatross.errors import AlbatrossError, DecodeError
from workers.albatross.grammar.envelope import Header, Request
from workers.albatross.names import Name
from workers.albatross.services import Service, pieces_of, service_of
from workers.albatross.values import QuotaPolicy
from workers.sandbox.albatross.profile import Profile
from workers.sandbox.albatross.sockets import Handler, Line
from workers.sandbox.albatross.tls_stream import TlsStream
from workers.sandbox.listener import loopback

_PATH_ITSELF = {".", ":"}
_MOST_IMAGE = 300 << 20
_HANDSHAKE = 10.0
Policies = Callable[[Name, QuotaPolicy], Awaitable[r.Reply]]
_ALLOWED = (
    c.SubscribeConsole,
    c.ListInactiveConsoles,
    c.SubscribeStatistics,
    c.UnikernelCommand,
    c.ReadPolicies,
    c.BlockCommand,
)


class TlsEndpoint:
    """Serves the handlers of a host's daemons to clients whose certificates descend from `authority`."""

    def __init__(
        self,
        authority: Authority,
        server: Credentials,
        profile: Profile,
        handlers: dict[Service, Handler],
        set_policy: Policies,
    ) -> None:
        self._profile, self._handlers, self._set_policy = profile, handlers, set_policy
        self._context = _context(authority, server)
        self._server: asyncio.Server | None = None
        self._lines: set[Line] = set()

    async def start(self, address: str, port: int) -> int:
        """Listen on a loopback address; returns the port. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, loopback(address), port)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = TlsStream(self._context, reader, writer)
        line = Line(stream, stream)
        self._lines.add(line)
        try:
            async with asyncio.timeout(_HANDSHAKE):
                await stream.handshake()
            await self._converse(line, stream.verified_chain())
            await line.drain()
        except (AlbatrossError, OSError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._lines.discard(line)
            line.close()

    async def _converse(self, line: Line, chain: list[x509.Certificate]) -> None:
        leaf, *issuers = chain
        intermediates = issuers[:-1]  # the last one is the CA that this endpoint was started with
        if 1 + len(intermediates) > MOST_CHAIN:
            return
        found = command_in(leaf)
        policies = _policies(intermediates)
        name = _name(tuple(label for label, _ in policies), leaf)
        if found is None or name is None or not isinstance(found[1], _ALLOWED):
            return
        version, command = found
        request = Request(Header(name, version=version), command)
        if not self._profile.accepts(request.header, command):
            return
        service = service_of(command)
        if service is Service.DAEMON:
            for depth in range(len(policies), 0, -1):
                path = Name(tuple(label for label, _ in policies[:depth]))
                answer = await self._set_policy(path, policies[depth - 1][1])
                if isinstance(answer, r.Failure):
                    line.send(replace(request.header, sequence=0), answer)
                    return
        if isinstance(command, c.Create) and not len(command.config.image) and self._profile.since(2, 5):
            image = await _streamed(line)
            if image is None:
                return
            command = replace(command, config=replace(command.config, image=image))
        await self._handlers[service](line, replace(request, command=command))
        if pieces_of(command) and not isinstance(command, c.DumpBlock):
            line.send(request.header, r.Failure(b"exception while reading from fd"))


def _policies(intermediates: list[x509.Certificate]) -> list[tuple[str, QuotaPolicy]]:
    """The path elements and their policies, outermost first. Raises DecodeError for any other command."""
    found: list[tuple[str, QuotaPolicy]] = []
    for each in reversed(intermediates):
        carried = command_in(each)
        if carried is None:
            continue
        if not isinstance(carried[1], c.AddPolicy):
            raise DecodeError("an intermediate carries a command that is no policy")
        found.append((common_name(each), carried[1].policy))
    return found


def _name(path: tuple[str, ...], leaf: x509.Certificate) -> Name | None:
    """What the command is about; None for an empty or unusable common name."""
    attributes = leaf.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
    label = common_name(leaf)
    if attributes and not label:
        return None
    name = Name(path, None if not attributes or label in _PATH_ITSELF else label)
    name.check()
    return name


async def _streamed(line: Line) -> bytes | None:
    """The image that follows as chunks; None when the client left."""
    parts, size = [], 0
    while (chunk := await line.frame()) is not None and len(chunk):
        size += len(chunk)
        if size > _MOST_IMAGE:
            return None
        parts.append(bytes(chunk))
    return None if chunk is None else b"".join(parts)


def _context(authority: Authority, server: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority.certificate.public_bytes(Encoding.PEM).decode())
    with tempfile.TemporaryDirectory(prefix="rookery-endpoint-") as folder:
        path = Path(folder, "server.pem")
        path.touch(mode=0o600)
        path.write_bytes(server.chain + server.key)
        context.load_cert_chain(path)
    return context
