"""The canary of a mail stack: what a round of it says, how its status turns, and what is kept of its history.

Pure: rounds in, statuses and spans out. A round is one message one way. Each way, into the domain and out of
it, has a status of its own.
"""

from __future__ import annotations

from tenants.formats.canary.rounds import (
    ARRIVES_WITHIN,
    EVERY,
    LATE_AFTER,
    Answer,
    Part,
    Round,
    Standing,
    Verdict,
    Way,
    is_late,
    next_round,
    remembered,
    turned,
)
from tenants.formats.canary.spans import LENGTHS, Length, Piece, covered, pieces, share

__all__ = [
    "ARRIVES_WITHIN",
    "EVERY",
    "LATE_AFTER",
    "LENGTHS",
    "Answer",
    "Length",
    "Part",
    "Piece",
    "Round",
    "Standing",
    "Verdict",
    "Way",
    "covered",
    "is_late",
    "next_round",
    "pieces",
    "remembered",
    "share",
    "turned",
]
