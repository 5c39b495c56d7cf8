"""TLS over asyncio's streams, where a client whose certificate is refused still hears why.

The standard library's own TLS streams hang up before the alert is sent; the real endpoint sends it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress

from cryptography import x509

_READ = 65_536


class TlsStream:
    """Reads and writes like a pair of streams. Handshake first."""

    def __init__(
        self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.transport = writer.transport

    async def handshake(self) -> None:
        """Raises OSError; the client has been told why."""
        while True:
            try:
                self._tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
                await self._more()
            except ssl.SSLError:
                self._flush()
                await self._writer.drain()
                raise

    def verified_chain(self) -> list[x509.Certificate]:
        """The client's certificates: its leaf first, the CA last."""
        # Public since Python 3.13 only, and there as DER.
        shown = self._tls._sslobj.get_verified_chain()  # type: ignore[attr-defined]
        return [x509.load_pem_x509_certificate(each.public_bytes().encode()) for each in shown]

    async def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                self._flush()
                if not await self._more():
                    return b""
            except ssl.SSLError:
                return b""

    def writelines(self, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        for part in parts:
            if len(part):
                self._tls.write(part)
        self._flush()

    async def drain(self) -> None:
        await self._writer.drain()

    def close(self) -> None:
        with suppress(ssl.SSLError, OSError):
            self._tls.unwrap()  # the goodbye is written; nobody waits for the other side's
        self._flush()
        self._writer.close()

    async def _more(self) -> bool:
        data = await self._reader.read(_READ)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return bool(data)

    def _flush(self) -> None:
        if (data := self._outgoing.read()) and not self._writer.is_closing():
            self._writer.write(data)
