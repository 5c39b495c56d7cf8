"""A letter that is followed through a mail stack: which hops it takes, which console lines are about it, what
its headers say, and where it got stuck.

Pure, and everything that goes in is hostile: lines of consoles, answers of servers, headers of what arrived.
"""

from __future__ import annotations

from tenants.formats.letters.headers import Stamp, kept_headers, stamps_of
from tenants.formats.letters.hops import WAYS, Hop, hops_of
from tenants.formats.letters.lines import Clue, Found, Line, Why, belonging
from tenants.formats.letters.trail import Seen, State, stamped, stuck, trail

__all__ = [
    "WAYS",
    "Clue",
    "Found",
    "Hop",
    "Line",
    "Seen",
    "Stamp",
    "State",
    "Why",
    "belonging",
    "hops_of",
    "kept_headers",
    "stamped",
    "stamps_of",
    "stuck",
    "trail",
]
