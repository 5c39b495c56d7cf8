"""Does a mail server answer on its port? Asked from where it can be reached: the host that it runs on."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import IPv4Address

from workers.probes import Entry, PortDialer, Silent, ask_smtp

__all__ = ["ONE_TRY", "PortDialer", "try_banner", "wait_for_banner"]

ONE_TRY = 4.0
_PAUSE = 1.0


def wait_for_banner(
    dialer: PortDialer,
    place: tuple[IPv4Address, int],
    *,
    tls: bool,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Wait at most `seconds` for a server that says 220; "" when it did, else why it did not at last.

    At least one try is made, which takes at most `ONE_TRY` seconds.
    """
    began = clock()
    while True:
        problem = try_banner(dialer, place, tls=tls)
        if not problem or clock() - began + _PAUSE >= seconds:
            return problem
        sleep(_PAUSE)


def try_banner(
    dialer: PortDialer, place: tuple[IPv4Address, int], *, tls: bool, timeout: float = ONE_TRY
) -> str:
    """Ask once. Whose certificate it shows is looked at elsewhere: here it only has to serve."""
    entry = Entry.TLS_BANNER if tls else Entry.BANNER
    seen = ask_smtp(dialer, place, entry, seconds=timeout)
    return seen.problem if isinstance(seen, Silent) else ""
