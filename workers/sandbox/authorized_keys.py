"""Who may do what on the sandbox's host, from lines as sshd reads them in `authorized_keys`.

Of the options only `restrict` and `command="…"` are told apart: the host offers nothing that the others would
forbid, but ports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FREE", "Grant", "read_grants"]

_LINE = re.compile(
    r"(?:(?P<options>(?:[^\s\"]|\"(?:[^\"\\]|\\.)*\")+)\s+)?"
    r"(?P<key>(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/]+=*)(?:\s.*)?"
)
_OPTION = re.compile(r"([A-Za-z-]+)(?:=\"((?:[^\"\\]|\\.)*)\")?(?:,|$)")


@dataclass(frozen=True)
class Grant:
    """What a key may do. `command` runs in the place of whatever is asked for; "" lets all be asked for."""

    command: str = ""
    ports: bool = True


FREE = Grant()


def read_grants(text: str) -> Mapping[str, Grant]:
    """Grants by `kind blob`; of a key with two lines the first counts, as for sshd, and a line that is none
    lets nobody in."""
    found: dict[str, Grant] = {}
    for line in text.splitlines():
        parts = _LINE.fullmatch(line.strip())
        if parts is None:
            continue
        options = {each[1].lower(): each[2] for each in _OPTION.finditer(parts["options"] or "")}
        command = (options.get("command") or "").replace('\\"', '"')
        closed = "restrict" in options or "no-port-forwarding" in options
        found.setdefault(parts["key"], Grant(command, ports=not closed))
    return found
