"""Taking connections, with an end that leaves no socket open.

The standard library's `asyncio.Server` can lose a connection that arrives while it is closed; servers here
are closed all the time (a restart is how they read their users), so they accept for themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

BACKLOG = 100
HANDSHAKE_TIMEOUT = 10.0  # seconds
CLOSING_TIMEOUT = 5.0  # seconds for saying goodbye in TLS
PAUSE = 0.1  # seconds, when the system has no file descriptors left

#: What happens with a connection; the socket is closed afterwards in any case.
Serve = Callable[[socket.socket], Coroutine[Any, Any, None]]


class Acceptor:
    """Accepts connections on a bound socket and runs a task for each, at most `most` at once."""

    def __init__(self, listener: socket.socket, serve: Serve, *, most: int) -> None:
        self._listener, self._serve, self._most = listener, serve, most
        self._accepting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept. Raises OSError."""
        self._listener.setblocking(False)
        self._listener.listen(BACKLOG)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    async def close(self) -> None:
        """Stop accepting and cut every connection, except the one that this is called from."""
        current = asyncio.current_task()
        ending = [
            task for task in (self._accepting, *self._tasks) if task is not None and task is not current
        ]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError:
                await asyncio.sleep(PAUSE)
                continue
            if len(self._tasks) >= self._most:
                connection.close()
                continue
            self._begin(connection)

    def _begin(self, connection: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Here and not in the task, which may be cancelled before its first step.
        task.add_done_callback(lambda _: connection.close())


@contextlib.asynccontextmanager
async def streams(
    connection: socket.socket, *, limit: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A reader and a writer on an accepted connection; at the end it is closed, after an error at once.

    Raises OSError (of which SSLError is one).
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol,
        connection,
        ssl=tls,
        ssl_handshake_timeout=HANDSHAKE_TIMEOUT if tls else None,
        ssl_shutdown_timeout=CLOSING_TIMEOUT if tls else None,
    )
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    try:
        yield reader, writer
        if transport.get_protocol() is not protocol:
            return  # TLS was begun in between, and whoever did that has ended it
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSING_TIMEOUT):
                await writer.wait_closed()
    finally:
        transport.abort()
