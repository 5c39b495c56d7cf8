"""Kept connections: one per account and keys, checked before reuse, given up when idle."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from workers.ssh.connection import Connection, Dial, connect, dial
from workers.ssh.endpoint import SshEndpoint

IDLE_SECONDS = 300.0
AT_MOST = 50


class ConnectionPool:
    """Thread-safe. A process that was forked starts with an empty pool: sockets are not shared."""

    def __init__(self, *, dialer: Dial = dial, idle_seconds: float = IDLE_SECONDS) -> None:
        self._dialer = dialer
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._kept: dict[SshEndpoint, Connection] = {}
        self._process = os.getpid()

    @contextmanager
    def connection(self, endpoint: SshEndpoint) -> Iterator[Connection]:
        """Borrow a connection; it is kept unless something went wrong: a command may still hang on it."""
        connection = self._take(endpoint) or connect(endpoint, dialer=self._dialer)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._give_back(endpoint, connection)

    def fresh(self, endpoint: SshEndpoint) -> Connection:
        """A connection that was just made, for the caller to close: a kept one may outlive what lets new ones
        in."""
        return connect(endpoint, dialer=self._dialer)

    def _take(self, endpoint: SshEndpoint) -> Connection | None:
        with self._lock:
            if self._process != os.getpid():
                # Forgotten, not closed: closing would speak on the parent's sockets.
                self._kept = {}
                self._process = os.getpid()
            connection = self._kept.pop(endpoint, None)
        if connection is None:
            return None
        if connection.alive and time.monotonic() - connection.last_used < self._idle_seconds:
            return connection
        connection.close()
        return None

    def _give_back(self, endpoint: SshEndpoint, connection: Connection) -> None:
        if not connection.alive:
            connection.close()
            return
        surplus: list[Connection] = []
        with self._lock:
            previous = self._kept.pop(endpoint, None)
            if previous is not None:
                surplus.append(previous)
            self._kept[endpoint] = connection
            while len(self._kept) > AT_MOST:
                surplus.append(self._kept.pop(next(iter(self._kept))))
        for each in surplus:
            each.close()

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, {}
        for connection in kept.values():
            connection.close()
