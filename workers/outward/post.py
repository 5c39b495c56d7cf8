"""Posting to addresses that people name. No redirect is followed, and the answer is read up to a bound:
whatever a server sends, slowly or without end, costs no more than that."""

from __future__ import annotations

import http.client
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from tenants.formats.public_addresses import Address
from tenants.formats.text import FormatError, printable
from tenants.formats.webhook_address import read_webhook_address
from workers.outward.reach import NotAllowed, Reach, Unreachable

_LINE = 400
_MOST_HEADERS = 2_000


@dataclass(frozen=True)
class Answer:
    """What a server said, as harmless text."""

    status: int
    headers: str
    body: str
    retry_after: str = ""


@dataclass(frozen=True)
class Poster(Reach):
    """`here` is for a trial on one machine, whose own addresses are then the only ones."""

    here: bool = False

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, timeout: float, most: int) -> Answer:
        """POST within `timeout` seconds in all; of the answer's body, `most` bytes are read. Raises
        FetchError where no answer came."""
        try:
            place = read_webhook_address(url, here=self.here)
        except FormatError as problem:
            raise NotAllowed(problem.problem, problem.fix) from None
        until = monotonic() + timeout
        with self.connected(place.host, place.port, until, secure=place.secure) as connection:
            try:
                connection.request("POST", place.target, body=body, headers=dict(headers))
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException) as problem:
                late = monotonic() >= until - 0.01
                said = "took too long" if late else f"broke off: {type(problem).__name__}"
                raise Unreachable(f"{place.host} {said}.") from problem
            return Answer(
                answer.status,
                _headers(answer),
                _harmless(_some_of(answer, most), most),
                printable(answer.getheader("Retry-After") or "", 20),
            )


def _some_of(answer: http.client.HTTPResponse, most: int) -> bytes:
    """The beginning of the body, also where the rest never comes."""
    came = b""
    while len(came) < most:
        try:
            piece = answer.read1(most - len(came))
        except (OSError, ValueError, http.client.HTTPException):
            break
        if not piece:
            break
        came += piece
    return came


def _headers(answer: http.client.HTTPResponse) -> str:
    lines = [printable(f"{name}: {value}", _LINE) for name, value in answer.getheaders()]
    return "\n".join(lines)[:_MOST_HEADERS]


def _harmless(raw: bytes, most: int) -> str:
    """Lines stay lines; in them nothing hides, turns or moves other text."""
    lines = raw.decode("utf-8", "backslashreplace").splitlines()
    return "\n".join(printable(line, most) for line in lines)[:most]


def _only_here(host: str, timeout: float) -> list[str]:
    """Asks nobody: what is no address of this machine is unknown."""
    del timeout
    return ["127.0.0.1"] if host == "localhost" else [str(ipaddress.ip_address(host))]


def _is_here(address: Address) -> bool:
    return address.is_loopback


def poster_here() -> Poster:
    """For a trial: it reaches this machine only, and plain HTTP will do."""
    return Poster(resolve=_only_here, may_reach=_is_here, here=True)
