"""Where the mail of a domain goes: pure rules in `rules`, the DNS behind an interface in `resolver`."""

from __future__ import annotations

from workers.lookups.resolver import DnsResolver, NoResolver
from workers.lookups.rules import Dns, Record, Reply, Silent, Status, look_up

__all__ = ["Dns", "DnsResolver", "NoResolver", "Record", "Reply", "Silent", "Status", "look_up"]
