"""The key files of a zone repository. Pure.

Lines that are not ours stay as they are, comments too. A file that the primary cannot read loses all its
keys and is shown in its console, so nothing is written into one that it cannot read now.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial

from tenants.desired_zones import DesiredKeys
from tenants.formats.text import FormatError
from tenants.formats.zones.keyfile import TsigKey, emit_keys, key_file_name, read_keys
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.errors import UnreadableError
from workers.plan import Action, Apart, Change, Texts


@dataclass(frozen=True)
class DecidedKeys:
    """One key file: `content` is the new one (b"" for none at all), None where it stays."""

    file: bytes
    changes: tuple[Change, ...] = ()
    apart: tuple[Apart, ...] = ()
    content: bytes | None = field(default=None, repr=False)


def decide_keys(desired: DesiredKeys, content: bytes | None) -> DecidedKeys:
    """Decide for one file, of which `content` is what is there."""
    name = key_file_name(desired.zone)
    try:
        there = {key.name: key for key in read_keys(content, desired.zone).keys} if content else {}
        wanted = {key.name: key for key in desired.keys}
        ours = wanted.keys() | desired.removed
        changes = tuple(_change(name, each, there.get(each), wanted.get(each)) for each in sorted(ours))
        changes = tuple(each for each in changes if each.before_id != each.after_id)
        if not changes:
            return DecidedKeys(name.encode())
        kept = [line for line in (content or b"").splitlines() if _owner(line) not in ours]
        lines = emit_keys(desired.zone, desired.keys)
        written = b"".join(line + b"\n" for line in kept) + lines
        if written.strip():
            read_keys(written, desired.zone)
    except (UnreadableError, FormatError) as error:
        return DecidedKeys(name.encode(), apart=(_unsafe(name, str(error)),))
    return DecidedKeys(name.encode(), changes, content=written if written.strip() else b"")


def _owner(line: bytes) -> Name | None:
    """The name at the beginning of a line; None for what has none."""
    words = line.split(None, 1)
    if not words or line[:1] in b" \t;$":
        return None
    try:
        return Name.of(words[0].decode("latin-1"))
    except ValueError:
        return None


def _change(file: str, name: Name, now: TsigKey | None, wanted: TsigKey | None) -> Change:
    action = Action.CREATE if now is None else Action.DELETE if wanted is None else Action.UPDATE
    texts = partial(_texts, now, wanted)
    return Change(action, f"{file}: {name.short}"[:200], _identity(now), _identity(wanted), texts=texts)


def _identity(key: TsigKey | None) -> str:
    if key is None:
        return ""
    return hashlib.sha256(f"{key.algorithm}:{key.secret}".encode()).hexdigest()


def _texts(now: TsigKey | None, wanted: TsigKey | None) -> Texts:
    before = f"{now.name} {now.algorithm} (secret)" if now else None
    after = f"{wanted.name} {wanted.algorithm} ({'another ' if now else ''}secret)" if wanted else None
    return before, after


def _unsafe(file: str, reason: str) -> Apart:
    sentence = f"{file} is left alone: {reason}"
    return Apart(file[:200], "unsafe", sentence, None, None, None)
