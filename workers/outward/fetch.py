"""Fetching over HTTPS from hosts that people name.

Redirects stay on the host. Nothing is unpacked, and nothing grows beyond what the caller allows.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

from workers.outward.reach import FetchError, NotAllowed, Reach, Unreachable, shown

MOST_REDIRECTS = 3
_PIECE = 65_536
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.I)
_MOVED = {301, 302, 303, 307, 308}
_MOST_URL = 2000


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


@dataclass(frozen=True)
class Fetcher(Reach):
    """Fetches files."""

    port: int = 443

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
                    f"{shown(host)} sends us on to another host, {shown(parts.hostname)}.",
                    "Give the address that it leads to, if you trust it.",
                )
            with self.connected(str(host), self.port, until) as connection:
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


def _ask(connection: http.client.HTTPConnection, parts: SplitResult, accept: str) -> http.client.HTTPResponse:
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
            f"the server answered {answer.status} {shown(answer.reason)}.",
            "Open the address in a browser to see what is there.",
            answer.status,
        )
    if answer.getheader("Content-Encoding", "identity").lower() != "identity":
        raise Refused("the server sends it packed although we asked for it as it is.")
    if answer.length is not None and answer.length > most:
        raise TooBig(f"it has {answer.length} bytes; {most} are the most.")
    media_type = shown(answer.getheader("Content-Type") or "")
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
