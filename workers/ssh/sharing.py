"""Connections that several endless commands share: each one more is a channel, no sign-in and no process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from workers.ssh.connection import Connection, Dial, connect, dial
from workers.ssh.endpoint import SshEndpoint, TooManyChannels
from workers.ssh.pool import ConnectionPool

# sshd takes 10 by itself (MaxSessions).
AT_ONCE = 8


@dataclass
class _Shared:
    connection: Connection
    users: int
    takes_more: bool = True


class SharingPool(ConnectionPool):
    """Thread-safe; not for a process that forks. Lends each connection to at most `at_once` users; the last
    one gives it back."""

    def __init__(self, *, dialer: Dial = dial, at_once: int = AT_ONCE) -> None:
        super().__init__(dialer=dialer)
        self._dial = dialer
        self._at_once = at_once
        self._guard = threading.Lock()
        self._lent: dict[SshEndpoint, list[_Shared]] = {}
        self._fewer: dict[SshEndpoint, int] = {}

    @contextmanager
    def connection(self, endpoint: SshEndpoint) -> Iterator[Connection]:
        """As that of the base, but what goes wrong for one user leaves the connection to the others.

        A host that takes fewer channels is asked for no more than that from then on.
        """
        shared = self._join(endpoint)
        try:
            yield shared.connection
        except BaseException as problem:
            shared.takes_more = False
            if isinstance(problem, TooManyChannels) and shared.users > 1:
                self._fewer[endpoint] = min(shared.users - 1, self._most(endpoint))
            raise
        finally:
            self._leave(endpoint, shared)

    def _most(self, endpoint: SshEndpoint) -> int:
        return self._fewer.get(endpoint, self._at_once)

    def _join(self, endpoint: SshEndpoint) -> _Shared:
        with self._guard:
            for each in self._lent.get(endpoint, []):
                if each.takes_more and each.users < self._most(endpoint) and each.connection.alive:
                    each.users += 1
                    return each
        # Nobody waits for somebody else's sign-in.
        connection = self._take(endpoint) or connect(endpoint, dialer=self._dial)
        shared = _Shared(connection, 1)
        with self._guard:
            self._lent.setdefault(endpoint, []).append(shared)
        return shared

    def _leave(self, endpoint: SshEndpoint, shared: _Shared) -> None:
        with self._guard:
            shared.users -= 1
            if shared.users:
                return
            left = [each for each in self._lent[endpoint] if each is not shared]
            if left:
                self._lent[endpoint] = left
            else:
                del self._lent[endpoint]
        if shared.takes_more:
            self._give_back(endpoint, shared.connection)
        else:
            shared.connection.close()
