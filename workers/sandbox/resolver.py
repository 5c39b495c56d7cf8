"""The sandbox's resolver: DNS over UDP and TCP on a loopback address, from the view in `names`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from workers.sandbox.acceptor import Acceptor, streams
from workers.sandbox.listener import Console
from workers.sandbox.names import HostedView

TTL = 60
MOST_CONNECTIONS = 32
QUESTIONS_PER_CONNECTION = 100
SILENCE_SECONDS = 10.0


def reply_to(wire: bytes, view: HostedView) -> bytes | None:
    """The answer to one message; None for what is no question."""
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError, IndexError):
        return None
    if query.flags & dns.flags.QR:
        return None
    answer = dns.message.make_response(query, recursion_available=True)
    question = query.question[0] if len(query.question) == 1 else None
    if query.opcode() != dns.opcode.QUERY or question is None or question.rdclass != dns.rdataclass.IN:
        answer.set_rcode(dns.rcode.NOTIMP)
        return answer.to_wire()
    kind = dns.rdatatype.to_text(question.rdtype)
    try:
        said = view.ask(question.name.to_text(omit_final_dot=True).lower(), kind)
        answer.set_rcode(dns.rcode.from_text(said.code.value))
        if said.records:
            answer.answer.append(dns.rrset.from_text_list(question.name, TTL, "IN", kind, list(said.records)))
        return answer.to_wire()
    except dns.exception.DNSException:  # a name too long to have a mail server below it
        return dns.message.make_response(query, our_payload=512).to_wire()


class Resolver:
    """Runs in the sandbox's loop. With port 0 the system chooses one, the same for UDP and TCP."""

    def __init__(self, *, host: str, port: int, view: HostedView, console: Console) -> None:
        self.host, self.port = host, port
        self.console = console
        self._view = view
        self._udp: asyncio.DatagramTransport | None = None
        self._acceptor: Acceptor | None = None

    async def listen(self) -> None:
        """Raises OSError when the address is taken."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
            self.port = int(listener.getsockname()[1])
            loop = asyncio.get_running_loop()
            self._udp, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._view), local_addr=(self.host, self.port)
            )
        except OSError:
            listener.close()
            raise
        self._acceptor = Acceptor(listener, self._converse, most=MOST_CONNECTIONS)
        self._acceptor.start()
        self.console.write("info", f"answers at {self.host}:{self.port}")

    async def close(self) -> None:
        if self._acceptor is not None:
            await self._acceptor.close()
        if self._udp is not None:
            self._udp.close()
        self._acceptor = self._udp = None

    async def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            async with streams(connection, limit=1 << 17) as (reader, writer):
                for _ in range(QUESTIONS_PER_CONNECTION):
                    async with asyncio.timeout(SILENCE_SECONDS):
                        length = int.from_bytes(await reader.readexactly(2), "big")
                        answer = reply_to(await reader.readexactly(length), self._view)
                        if answer is None:
                            return
                        writer.write(len(answer).to_bytes(2, "big") + answer)
                        await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, view: HostedView) -> None:
        self._view = view
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = reply_to(data, self._view)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)
