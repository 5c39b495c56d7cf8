"""Fetching over HTTPS from hosts that people name: nothing inside our own network can be reached so.

A name is looked up once, all its addresses must be public, and one of them is dialled: what the name points
to afterwards does not matter. Redirects stay on the host. Nothing is unpacked, and nothing grows beyond what
the caller allows.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

from tenants.formats.public_addresses import Address, is_public
from tenants.formats.text import printable

MOST_REDIRECTS = 3
_PIECE = 65_536
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.I)
_MOVED = {301, 302, 303, 307, 308}
_MOST_URL = 2000

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
    """An address that Rookery does not fetch from; nobody was asked."""


class Unreachable(FetchError):
    """No name, no connection, no trust, or too slow: trying again may help."""


class Refused(FetchError):
    """The server answered with something else than what was asked for."""

    def __init__(self, sentence: str, fix: str = "", status: int = 0) -> None:
        super().__init__(sentence, fix)
        self.status = status


class TooBig(FetchError):
    """More than the caller allows; what came until then is to be thrown away."""


@dataclass
class Fetched:
    """An answer whose body is read in pieces; raises TooBig and Unreachable meanwhile."""

    url: str
    length: int | None
    """In bytes, where the server says so."""
    media_type: str
    pieces: Iterator[bytes] = field(repr=False)

    def read(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


def resolve(host: str, timeout: float) -> list[str]:
    """By this machine's own resolver."""
    del timeout  # the system's resolver has its own
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def dial(address: str, port: int, timeout: float) -> socket.socket:
    return socket.create_connection((address, port), timeout)


@dataclass(frozen=True)
class Fetcher:
    """What looks outward, with everything it needs handed in."""

    resolve: Resolve = resolve
    dial: Dial = dial
    may_reach: Callable[[Address], bool] = is_public
    port: int = 443
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    @contextmanager
    def get(self, url: str, *, most: int, timeout: float, accept: str = "") -> Iterator[Fetched]:
        """GET within `timeout` seconds in all and `most` bytes of body; `accept` is the media type that is
        asked for. Raises FetchError."""
        until = monotonic() + timeout
        host = self._checked(url).hostname
        for _ in range(MOST_REDIRECTS + 1):
            parts = self._checked(url)
            if parts.hostname != host:
                raise NotAllowed(
                    f"{_shown(host)} sends us on to another host, {_shown(parts.hostname)}.",
                    "Give the address that it leads to, if you trust it.",
                )
            with self._connected(str(host), until) as connection:
                answer = _ask(connection, parts, accept)
                if answer.status in _MOVED:
                    url = urljoin(url, answer.getheader("Location") or "")
                    continue
                yield _fetched(answer, url, most)
                return
        raise Refused("the server sends us in a circle.", "Give the final address.")

    def _checked(self, url: str) -> SplitResult:
        """The parts of an address that may be fetched. Raises NotAllowed."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise NotAllowed("this is no address.", "Write it like https://example.org/file.") from None
        if parts.scheme != "https" or len(url) > _MOST_URL or not url.isascii() or not url.isprintable():
            raise NotAllowed("only https addresses are fetched.", "Write it like https://example.org/file.")
        if parts.username is not None or port not in {None, self.port} or " " in url:
            raise NotAllowed("it has a name, a password or a port in it.", "Leave them out.")
        if not _HOST.fullmatch(parts.hostname or ""):
            raise NotAllowed("it names no host.", "Write the host's full name, not an IP address.")
        return parts

    @contextmanager
    def _connected(self, host: str, until: float) -> Iterator[http.client.HTTPSConnection]:
        """A connection that is cut when the time is over, however slowly the server drips."""
        secured = self._secured(host, until)
        alarm = threading.Timer(_left(until), socket.socket.shutdown, (secured, socket.SHUT_RDWR))
        alarm.daemon = True
        alarm.start()
        connection = http.client.HTTPSConnection(host, self.port, context=self.trust)
        connection.sock = secured
        try:
            yield connection
        finally:
            alarm.cancel()
            connection.close()
            secured.close()

    def _secured(self, host: str, until: float) -> ssl.SSLSocket:
        try:
            addresses = [
                ipaddress.ip_address(each.split("%")[0]) for each in self.resolve(host, _left(until))
            ]
        except (OSError, ValueError) as problem:
            raise Unreachable(f"the name {host} could not be looked up.", "Check its spelling.") from problem
        if not addresses:
            raise Unreachable(f"the name {host} has no address.", "Check its spelling.")
        if not all(self.may_reach(each) for each in addresses):
            raise NotAllowed(
                f"{host} points into a private network.", "Rookery fetches from the public Internet only."
            )
        plain = self._dial_one(host, addresses, until)
        try:
            plain.settimeout(_left(until))
            return self.trust.wrap_socket(
                plain,
                server_hostname=host,
                suppress_ragged_eofs=False,  # a cut is no end
            )
        except OSError as problem:
            plain.close()
            said = getattr(problem, "verify_message", "") or problem.strerror or type(problem).__name__
            raise Unreachable(f"{host} has no certificate that we trust: {_shown(said)}.") from problem

    def _dial_one(self, host: str, addresses: Sequence[Address], until: float) -> socket.socket:
        problem: OSError | None = None
        for address in addresses[:4]:
            try:
                return self.dial(str(address), self.port, _left(until))
            except OSError as failed:
                problem = failed
        words = (problem.strerror if problem else None) or type(problem).__name__
        raise Unreachable(f"{host} did not answer: {_shown(words)}.") from problem


def _ask(
    connection: http.client.HTTPSConnection, parts: SplitResult, accept: str
) -> http.client.HTTPResponse:
    path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    headers = {"Accept-Encoding": "identity", "User-Agent": "Rookery", "Connection": "close"}
    headers |= {"Accept": accept} if accept else {}
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as problem:
        raise Unreachable(f"{parts.hostname} broke off: {type(problem).__name__}.") from problem


def _fetched(answer: http.client.HTTPResponse, url: str, most: int) -> Fetched:
    if answer.status != 200:
        raise Refused(
            f"the server answered {answer.status} {_shown(answer.reason)}.",
            "Open the address in a browser to see what is there.",
            answer.status,
        )
    if answer.getheader("Content-Encoding", "identity").lower() != "identity":
        raise Refused("the server sends it packed although we asked for it as it is.")
    if answer.length is not None and answer.length > most:
        raise TooBig(f"it has {answer.length} bytes; {most} are the most.")
    media_type = _shown(answer.getheader("Content-Type") or "")
    return Fetched(url, answer.length, media_type, _pieces(answer, most))


def _pieces(answer: http.client.HTTPResponse, most: int) -> Iterator[bytes]:
    announced, came = answer.length, 0
    while True:
        try:
            piece = answer.read1(_PIECE)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            raise Unreachable(f"the server broke off after {came} bytes.", "Try again later.") from problem
        if not piece:
            break
        came += len(piece)
        if came > most:
            raise TooBig(f"it has more than {most} bytes.")
        yield piece
    if announced is not None and came != announced:
        raise Unreachable(f"the server broke off after {came} of {announced} bytes.", "Try again later.")


def _left(until: float) -> float:
    """Seconds that are left; raises Unreachable when none are."""
    left = until - monotonic()
    if left <= 0:
        raise Unreachable("it took too long.", "Try again later.")
    return left


def _shown(text: object) -> str:
    return printable(str(text), 120)
