"""Asking servers from where they can be reached: mail servers and name servers, on any way to a port.

Pure protocol: bounded in bytes and time, nothing is ever sent that a server would keep. Whether an answer is
the wanted one is decided by whoever asks; a role's own question is in `role`.
"""

from __future__ import annotations

from workers.probes.dns import DnsSeen, ask_dns
from workers.probes.ports import PortDialer, dial_plug
from workers.probes.role import Expected, ask_role
from workers.probes.seen import Certificate, Proved, Silent
from workers.probes.smtp import Entry, SmtpSeen, ask_smtp
from workers.probes.trial import Trial, try_server

__all__ = [
    "Certificate",
    "DnsSeen",
    "Entry",
    "Expected",
    "PortDialer",
    "Proved",
    "Silent",
    "SmtpSeen",
    "Trial",
    "ask_dns",
    "ask_role",
    "ask_smtp",
    "dial_plug",
    "try_server",
]
