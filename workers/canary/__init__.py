"""The messages of canaries: making them, sending them, and finding them where they arrive.

Pure of the database: who keeps the history is `workers.errands.canary_keeper`. A process that sends a message
by itself, to prove servers before traffic goes to them, calls `send_and_wait`.
"""

from __future__ import annotations

from workers.canary.legs import Dial, Leg, dial_directly, dial_from_host, send
from workers.canary.maildir import Arrived, forget, read
from workers.canary.message import is_tag, make_message, new_tag, tag_of
from workers.canary.trial import Trial, send_and_wait

__all__ = [
    "Arrived",
    "Dial",
    "Leg",
    "Trial",
    "dial_directly",
    "dial_from_host",
    "forget",
    "is_tag",
    "make_message",
    "new_tag",
    "read",
    "send",
    "send_and_wait",
    "tag_of",
]
