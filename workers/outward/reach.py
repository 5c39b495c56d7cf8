"""Connections to web servers that people name: nothing inside our own network can be reached so.

A name is looked up once, all its addresses must be public, and one of them is dialled: what the name points
to afterwards does not matter.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from tenants.formats.public_addresses import Address, is_public
from tenants.formats.text import printable

Resolve = Callable[[str, float], Sequence[str]]
"""The addresses of a host name, within so many seconds; raises OSError."""
Dial = Callable[[str, int, float], socket.socket]
"""A connection to an address and port within so many seconds; raises OSError."""


class FetchError(Exception):
    """Base of all failures here. `sentence` says what happened, `fix` what to do."""

    def __init__(self, sentence: str, fix: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.fix = sentence, fix


class NotAllowed(FetchError):
    """An address that Rookery does not ask; nobody was asked."""


class Unreachable(FetchError):
    """No name, no connection, no trust, or too slow: trying again may help."""


def resolve(host: str, timeout: float) -> list[str]:
    """By this machine's own resolver."""
    del timeout  # the system's resolver has its own
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def dial(address: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection((address, port), timeout)


@dataclass(frozen=True)
class Reach:
    """What looks outward, with everything it needs handed in."""

    resolve: Resolve = resolve
    dial: Dial = dial
    may_reach: Callable[[Address], bool] = is_public
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    @contextmanager
    def connected(
        self, host: str, port: int, until: float, *, secure: bool = True
    ) -> Iterator[http.client.HTTPConnection]:
        """A connection that is cut when the time is over, however slowly the server drips. Raises
        FetchError."""
        plain = self._dial_one(host, port, self._addresses(host, until), until)
        made = self._secured(plain, host, until) if secure else plain
        alarm = threading.Timer(seconds_left(until), _cut, (made,))
        alarm.daemon = True
        alarm.start()
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(host, port)
        connection.sock = made
        try:
            yield connection
        finally:
            alarm.cancel()
            connection.close()
            made.close()

    def _addresses(self, host: str, until: float) -> list[Address]:
        try:
            addresses = [
                ipaddress.ip_address(each.split("%")[0]) for each in self.resolve(host, seconds_left(until))
            ]
        except (OSError, ValueError) as problem:
            raise Unreachable(f"the name {host} could not be looked up.", "Check its spelling.") from problem
        if not addresses:
            raise Unreachable(f"the name {host} has no address.", "Check its spelling.")
        if not all(self.may_reach(each) for each in addresses):
            raise NotAllowed(
                f"{host} points into a private network.", "Rookery reaches the public Internet only."
            )
        return addresses

    def _secured(self, plain: socket.socket, host: str, until: float) -> ssl.SSLSocket:
        try:
            plain.settimeout(seconds_left(until))
            return self.trust.wrap_socket(
                plain,
                server_hostname=host,
                suppress_ragged_eofs=False,  # a cut is no end
            )
        except (OSError, Unreachable) as problem:
            plain.close()
            if isinstance(problem, Unreachable):
                raise
            said = getattr(problem, "verify_message", "") or problem.strerror or type(problem).__name__
            raise Unreachable(f"{host} has no certificate that we trust: {shown(said)}.") from problem

    def _dial_one(self, host: str, port: int, addresses: Sequence[Address], until: float) -> socket.socket:
        problem: OSError | None = None
        for address in addresses[:4]:
            try:
                return self.dial(str(address), port, seconds_left(until))
            except OSError as failed:
                problem = failed
        words = (problem.strerror if problem else None) or type(problem).__name__
        raise Unreachable(f"{host} did not answer: {shown(words)}.") from problem


def _cut(line: socket.socket) -> None:
    try:
        # Of the socket itself: a TLS connection would wait for its turn first.
        socket.socket.shutdown(line, socket.SHUT_RDWR)
    except OSError:
        return  # It ended by itself meanwhile.


def seconds_left(until: float) -> float:
    """Raises Unreachable when none are."""
    left = until - monotonic()
    if left <= 0:
        raise Unreachable("it took too long.", "Try again later.")
    return left


def shown(text: object) -> str:
    return printable(str(text), 120)
