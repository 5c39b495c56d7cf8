"""One message by SMTP to one server, each part of the conversation timed."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from tenants.formats.canary import Answer, Part, Round
from tenants.formats.text import printable
from workers.plug import Plug
from workers.probes.ports import PortDialer, dial_plug
from workers.probes.talk import BrokenTalkError, Talk, believing, why
from workers.zone.server import Deadline

__all__ = ["Dial", "Leg", "dial_directly", "dial_from_host", "send"]

Dial = Callable[[str, int, float], Plug]
"""Connect to an IP address and a port, within seconds. Raises OSError."""

_MOST_PLACES = 3


@dataclass(frozen=True)
class Leg:
    """Where a message goes, and how. `places` are tried in their order until one is connected.

    `secret`: sign in as `user`, with TLS from the first byte and a certificate for `host` that `trust`
    believes; without one, TLS is asked for where it is offered and whatever is shown is taken, as mail
    servers do among themselves. `sender` may be empty.
    """

    places: Sequence[tuple[str, int]]
    host: str
    sender: str
    recipient: str
    helo: str = "localhost"
    user: str = ""
    secret: str = field(default="", repr=False)
    trust: Callable[[], ssl.SSLContext] = believing


def dial_directly(address: str, port: int, seconds: float) -> Plug:
    return socket.create_connection((address, port), seconds)


def dial_from_host(dialer: PortDialer) -> Dial:
    """Dial what a host reaches, from that host."""
    return lambda address, port, seconds: dial_plug(dialer, IPv4Address(address), port, seconds)


def send(leg: Leg, content: bytes, *, dial: Dial, seconds: float = 15.0) -> Round:
    """Send it, for at most `seconds`; never raises for what the server does."""
    talk, source, heard = _Timed(Deadline(seconds)), "", list[Answer]()
    try:
        plug = _connect(leg.places, dial, talk.until)
        source = _own_end(plug)
        with closing(Talk(plug, talk.until)) as connection:
            heard = connection.answers
            talk.reached(Part.DIAL)
            _converse(leg, content, connection, talk)
    except (OSError, BrokenTalkError) as error:
        problem = printable(f"{_AT[talk.part]} {why(error)}", 250)
        return Round(talk.took, talk.part, problem, tuple(heard), source)
    return Round(talk.took, answers=tuple(heard), source=source)


_AT = {
    Part.DIAL: "It cannot be connected:",
    Part.BANNER: "It greets nobody:",
    Part.TLS: "It makes no TLS connection:",
    Part.AUTH: "It does not let the canary sign in:",
    Part.ACCEPTED: "It does not take the message:",
}
_ORDER = [Part.DIAL, Part.BANNER, Part.TLS, Part.AUTH, Part.ACCEPTED]


class _Timed:
    """How long each part took, and at which one it is."""

    def __init__(self, until: Deadline) -> None:
        self.until, self.took, self.part = until, dict[Part, int](), Part.DIAL
        self._since = time.monotonic()

    def reached(self, part: Part) -> None:
        now = time.monotonic()
        self.took[part] = round((now - self._since) * 1000)
        self._since = now
        self.part = _ORDER[min(_ORDER.index(part) + 1, len(_ORDER) - 1)]


def _own_end(plug: Plug) -> str:
    """Where we speak from: what is no socket of ours does not tell."""
    if not isinstance(plug, socket.socket):
        return ""
    with suppress(OSError):
        address, port, *_ = plug.getsockname()
        return f"{address}:{port}"
    return ""


def _connect(places: Sequence[tuple[str, int]], dial: Dial, until: Deadline) -> Plug:
    chosen = places[:_MOST_PLACES]
    problem: OSError = ConnectionError("no address of it is known")
    for number, (address, port) in enumerate(chosen):
        try:
            return dial(address, port, until.left() / (len(chosen) - number))
        except OSError as error:
            problem = error
    raise problem


def _converse(leg: Leg, content: bytes, connection: Talk, talk: _Timed) -> None:
    if leg.secret:
        talk.part = Part.TLS
        connection.secure(leg.trust(), leg.host)
        talk.reached(Part.TLS)
        talk.part = Part.BANNER
        connection.expect("220")
        talk.reached(Part.BANNER)
        talk.part = Part.AUTH
        connection.greet(leg.helo)
        blob = base64.b64encode(f"\0{leg.user}\0{leg.secret}".encode()).decode("ascii")
        _must(connection, f"AUTH PLAIN {blob}", "235")
        talk.reached(Part.AUTH)
    else:
        connection.expect("220")
        talk.reached(Part.BANNER)
        if "STARTTLS" in connection.greet(leg.helo):
            _must(connection, "STARTTLS", "220")
            connection.secure(leg.trust(), leg.host)
            connection.greet(leg.helo)
            talk.reached(Part.TLS)
    talk.part = Part.ACCEPTED
    _must(connection, f"MAIL FROM:<{leg.sender}>", "250")
    _must(connection, f"RCPT TO:<{leg.recipient}>", "250")
    _must(connection, "DATA", "354")
    code, said = connection.deliver(content)
    if code != "250":
        raise BrokenTalkError(f"it says “{printable(f'{code} {said}', 120)}”")
    talk.reached(Part.ACCEPTED)


def _must(connection: Talk, line: str, code: str) -> None:
    found, said = connection.say(line)
    if found != code:
        raise BrokenTalkError(f"it says “{printable(f'{found} {said}', 120)}”")
