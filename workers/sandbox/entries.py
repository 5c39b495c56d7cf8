"""One file of a relay repository, as ptt reads it."""

from __future__ import annotations

import json
import re

from workers.sandbox.paths import Local, PathError, parse_forward_path
from workers.sandbox.users import Entry, Skipped

_ATOMS = re.compile(r"[^\s@\"(),:;<>\[\]\\.]+(?:\.[^\s@\"(),:;<>\[\]\\.]+)*")


def read_local(text: str) -> Local | None:
    """The local part that a login name means, or None."""
    return tuple(("atom", word) for word in text.split(".")) if _ATOMS.fullmatch(text) else None


def read_entry(name: bytes, content: bytes) -> Entry | Skipped:
    """Read one user file."""
    shown = name.decode("utf-8", "backslashreplace")
    local = read_local(shown)
    if local is None:
        return Skipped(shown, "Invalid local-part")
    try:
        value = json.loads(content)
        if set(value) - {"insecure"} != {"targets", "password"}:
            raise ValueError
        targets = tuple(parse_forward_path(f"<{target}>")[0] for target in value["targets"])
        digest = bytes.fromhex(value["password"])
    except (ValueError, TypeError, PathError):
        return Skipped(shown, "Invalid ptt value")
    return Entry(local, targets, digest)
