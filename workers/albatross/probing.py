"""Which release runs on a host, found by asking: there is no hello, but a daemon closes the connection on a
command that it does not know.

The question is for a unikernel that cannot exist: every answer is then empty, and the forms that end a
daemon (an old list while a unikernel has several CPUs) do no harm.
"""

from __future__ import annotations

import secrets

from workers.albatross import commands as c
from workers.albatross.dialer import Dialer
from workers.albatross.errors import ClosedWithoutReply
from workers.albatross.exchange import Timeouts, open_exchange
from workers.albatross.failures import CommandFailed
from workers.albatross.grammar.envelope import Header, Request
from workers.albatross.names import ROOT, Name
from workers.albatross.releases import OLDEST, Release

_LADDER: tuple[tuple[c.InfoForm, Release], ...] = (
    (6, Release(2, 7)),
    (5, Release(2, 6)),
    (4, Release(2, 4)),
    (3, Release(2, 1)),
    (2, Release(1, 5)),
)
"""Newest first, because some releases answer several. Never form 2 in wire 4: it ends albatross 1.0."""
_QUICK = Timeouts(read=10.0)
_WITH_INACTIVE_CONSOLES = Release(2, 6, 1)
_WITH_STREAMS = Release(2, 5)


def find_release(dialer: Dialer, timeouts: Timeouts = _QUICK, *, at: Name = ROOT) -> Release:
    """The oldest release that the host can have by what it answers to questions about the path `at`.

    Each question has a fresh connection, and only a clean close counts as "unknown". Raises Unreachable when
    there is no answer, ClosedWithoutReply when none of the questions is understood, and DecodeError.
    """
    nobody = Name(at.path, f"probe-{secrets.token_hex(5)}")
    for form, release in _LADDER:
        if _understood(dialer, Request(Header(nobody), c.ReadInfo(form)), timeouts):
            if release == Release(2, 6) and _lists_inactive_consoles(dialer, timeouts, at):
                return _WITH_INACTIVE_CONSOLES
            if release == Release(2, 4) and _streams_volumes(dialer, nobody, timeouts):
                return _WITH_STREAMS
            return release
    if _understood(dialer, Request(Header(nobody, version=4), c.ReadInfo(1)), timeouts):
        return OLDEST
    raise ClosedWithoutReply("albatross understood none of the questions for its release")


def _lists_inactive_consoles(dialer: Dialer, timeouts: Timeouts, at: Name) -> bool:
    return _understood(dialer, Request(Header(at), c.ListInactiveConsoles()), timeouts)


def _streams_volumes(dialer: Dialer, nobody: Name, timeouts: Timeouts) -> bool:
    """Asked about a volume that cannot exist; a daemon that streams says so, an older one closes."""
    return _understood(dialer, Request(Header(nobody), c.DumpBlock()), timeouts)


def _understood(dialer: Dialer, request: Request, timeouts: Timeouts) -> bool:
    asked = open_exchange(dialer, request, timeouts)
    try:
        asked.first_answer()
    except ClosedWithoutReply:
        return False
    except CommandFailed as refusal:
        # The TLS endpoint's words for a daemon behind it that closed without an answer.
        return refusal.words != "error reading from fd"
    finally:
        asked.close()
    return True
