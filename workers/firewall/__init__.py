"""The firewall of a host through the helper there: reading, changing with a dead man's switch, deciding.

| module   |                                                                                    |
|----------|------------------------------------------------------------------------------------|
| `client` | the helper's commands over SSH; a change is confirmed over a connection of its own |
| `decide` | what is wanted, what is there and what was proved → what to write; pure            |
"""

from __future__ import annotations

from workers.firewall.client import (
    Busy,
    CutOff,
    FirewallClient,
    FirewallError,
    HelperFailed,
    Moved,
    NoHelper,
    Undone,
)
from workers.firewall.decide import Base, Decision, FirewallChange, decide

__all__ = [
    "Base",
    "Busy",
    "CutOff",
    "Decision",
    "FirewallChange",
    "FirewallClient",
    "FirewallError",
    "HelperFailed",
    "Moved",
    "NoHelper",
    "Undone",
    "decide",
]
