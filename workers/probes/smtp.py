"""Does a mail server serve: banner, TLS, what it offers. A conversation ends before any mail begins."""

from __future__ import annotations

import ssl
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address

from workers.probes.ports import PortDialer, dial_plug
from workers.probes.seen import Certificate, Silent, read_certificate
from workers.probes.talk import BrokenTalkError, Talk, believing, why
from workers.zone.server import Deadline

__all__ = ["Entry", "SmtpSeen", "ask_smtp"]


class Entry(Enum):
    """How a conversation goes."""

    BANNER = "the banner"
    TLS_BANNER = "TLS, the banner"
    PLAIN = "the banner, EHLO"
    STARTTLS = "the banner, EHLO, STARTTLS, EHLO"
    TLS = "TLS, the banner, EHLO"


@dataclass(frozen=True)
class SmtpSeen:
    """`banner` is what follows 220; `offers` are its extensions and `auth` its ways to sign in, in capitals.
    Its certificate is None without TLS, or when it cannot be read."""

    banner: str
    offers: frozenset[str] = frozenset()
    auth: frozenset[str] = frozenset()
    certificate: Certificate | None = None


def ask_smtp(
    dialer: PortDialer,
    place: tuple[IPv4Address, int],
    entry: Entry,
    *,
    host: str | None = None,
    helo: str = "localhost",
    seconds: float = 4.0,
) -> SmtpSeen | Silent:
    """Ask once, for at most `seconds`; `host` is the name that is asked for in TLS. Never raises for what
    the server does; what SSH says of an unknown host key is raised."""
    until = Deadline(seconds)
    try:
        with closing(Talk(dial_plug(dialer, *place, until.left()), until)) as talk:
            return _seen(talk, entry, host, helo)
    except ssl.SSLError as problem:
        return Silent(why(problem))
    except (OSError, BrokenTalkError) as problem:
        return Silent(why(problem))


def _seen(talk: Talk, entry: Entry, host: str | None, helo: str) -> SmtpSeen | Silent:
    if entry in {Entry.TLS, Entry.TLS_BANNER}:
        talk.secure(believing(), host)
    banner = talk.expect("220")
    if entry in {Entry.BANNER, Entry.TLS_BANNER}:
        return SmtpSeen(banner, certificate=read_certificate(talk.shown))
    offers = talk.greet(helo)
    if entry is Entry.STARTTLS:
        if "STARTTLS" not in offers:
            return Silent("it does not offer STARTTLS")
        code, said = talk.say("STARTTLS")
        if code != "220":
            return Silent(f"it refuses STARTTLS: {code} {said[:80]}")
        talk.secure(believing(), host)
        offers = talk.greet(helo)
    auth = frozenset(offers.get("AUTH", ()))
    return SmtpSeen(banner, frozenset(offers), auth, read_certificate(talk.shown))
