"""The control socket: one JSON object per line and an answer per line, bounded, for its own user only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from workers.sandbox.acceptor import Acceptor, streams
from workers.unix_path import short_name

MAX_REQUEST = 65_536  # bytes
MAX_REQUESTS = 100  # for each connection
MAX_CONNECTIONS = 16
IDLE = 30.0  # seconds

Handler = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]


class RequestError(Exception):
    """A request that cannot be fulfilled: a code for programs and a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class ControlSocket:
    """A unix socket of mode 0600 that answers requests with a handler."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path, self._handler = path, handler
        self._acceptor: Acceptor | None = None

    async def listen(self) -> None:
        """Open the socket, in place of one that an earlier process left. Raises OSError, ValueError."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short_name(self._path) as name:
                listener.bind(name)
            self._path.chmod(0o600)  # before anybody can connect: it does not listen yet
            self._acceptor = Acceptor(listener, self._serve, most=MAX_CONNECTIONS)
            self._acceptor.start()
        except BaseException:
            listener.close()
            raise

    async def close(self) -> None:
        """Close the socket and its connections, and remove the file."""
        if self._acceptor is not None:
            await self._acceptor.close()
            self._acceptor = None
        self._path.unlink(missing_ok=True)

    async def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(
            asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError
        ):  # the client left, or is not one of ours
            async with streams(connection, limit=MAX_REQUEST) as (reader, writer):
                for _ in range(MAX_REQUESTS):
                    async with asyncio.timeout(IDLE):
                        line = await reader.readuntil(b"\n")
                    answer = await self._answer(line)
                    writer.write(json.dumps(answer).encode("ascii") + b"\n")
                    async with asyncio.timeout(IDLE):
                        await writer.drain()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict) or not isinstance(request.get("command"), str):
            return _refusal("invalid", "send one JSON object with a command on one line")
        try:
            return {"ok": True, "result": await self._handler(request["command"], request)}
        except RequestError as error:
            return _refusal(error.code, error.message)
        except OSError as error:
            return _refusal(
                "failed", f"the sandbox could not do it: {error.strerror or type(error).__name__}"
            )


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message}}
