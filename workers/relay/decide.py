"""Three-way decision per user file: desired, observed, last proved. Pure.

| outside since the proof | ours since the proof | what happens                                  |
|-------------------------|----------------------|-----------------------------------------------|
| as proved               | any                  | made as desired; equal meaning keeps its bytes |
| changed, equals desired | any                  | nothing: they agree                           |
| changed                 | as proved            | drift: the mode decides                       |
| changed                 | changed              | conflict: a person decides                    |
| anything else           | unsafe               | nothing is written, and that is said          |

Unsafe is what ptt would mishandle, or what would replace a folder or a link. Nothing of the former is let in
at any door; should the database hold it nevertheless, it goes no further than here. Names that Rookery does
not know are not looked at: they are somebody else's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from tenants.formats.relay_entry import Readable, RelayEntry, masked, read, same_meaning, write
from tenants.formats.text import FormatError, printable
from workers.plan import Action, Apart, Change, Texts, ordered

EMPTY_ID = ""
_IN_THE_WAY = ("local_part", "In the repository, this is no plain file.", "Remove or rename what is there.")


@dataclass(frozen=True)
class Sides:
    """One side of the comparison: blob ids by name, how to read one, and names of what is no plain file."""

    ids: Mapping[bytes, str]
    content: Callable[[str], bytes] = field(repr=False)
    others: Container[bytes] = field(default=frozenset(), repr=False)

    def read(self, name: bytes) -> bytes | None:
        blob = self.ids.get(name)
        return self.content(blob) if blob else None


@dataclass(frozen=True)
class Decision:
    changes: tuple[Change, ...]
    apart: tuple[Apart, ...]


def decide(
    names: Iterable[bytes],
    *,
    entries: Mapping[bytes, RelayEntry],
    absent: frozenset[bytes],
    observed: Sides,
    base: Sides,
    may_overwrite: Callable[[bytes, str], bool],
    own_domain: str,
) -> Decision:
    """Decide for every name that is ours (in `entries` or `absent`); `own_domain` is the one they are in.

    `may_overwrite` says of a name and the id of its bytes outside whether ours replace what others wrote.
    """
    changes: list[Change] = []
    apart: list[Apart] = []
    for name in sorted(names):
        if name not in entries and name not in absent:
            continue
        desired = entries.get(name)
        now_id, base_id = observed.ids.get(name, EMPTY_ID), base.ids.get(name, EMPTY_ID)
        now = observed.read(name)
        if _agrees(desired, now):
            continue
        try:
            if desired and name in observed.others:
                raise FormatError(*_IN_THE_WAY)
            written = write(name, desired, own_domain=own_domain) if desired else None
        except FormatError as error:
            apart.append(_unsafe(name, desired, now, base_id, error))
            continue
        if now_id != base_id and not may_overwrite(name, now_id):
            apart.append(_left_alone(name, desired, now, base.read(name), base_id))
            continue
        changes.append(_change(name, written, now, now_id))
    return Decision(ordered(changes), tuple(apart))


def _agrees(desired: RelayEntry | None, content: bytes | None) -> bool:
    if desired is None or content is None:
        return desired is None and content is None
    return same_meaning(content, desired)


def _change(name: bytes, written: tuple[bytes, Readable] | None, now: bytes | None, now_id: str) -> Change:
    unit = name.decode()
    if written is None:
        return Change(Action.DELETE, unit, now_id, EMPTY_ID, None, partial(_texts, name, now, None))
    content, verdict = written
    action = Action.CREATE if now is None else Action.UPDATE
    texts = partial(_texts, name, now, verdict.entry)
    return Change(action, unit, now_id, _content_id(content), content, texts)


def _texts(name: bytes, now: bytes | None, written: RelayEntry | None) -> Texts:
    before, after = shown(name, now), _told(written) if written else None
    if after is not None and before == after:
        # Only the passphrase differs, and no digit of it is ever shown.
        after = after.replace('"password": "set"', '"password": "set, a new one"')
    return before, after


def _content_id(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _left_alone(
    name: bytes, desired: RelayEntry | None, now: bytes | None, base: bytes | None, base_id: str
) -> Apart:
    ours_changed = not _agrees(desired, base)
    unit = name.decode()
    what = "removed" if now is None else "added" if not base_id else "changed"
    if ours_changed:
        reason = "conflict"
        sentence = f"{unit} was {what} outside, and Rookery has something else for it."
    else:
        reason = "drift"
        sentence = f"{unit} was {what} outside."
    ours = _told(desired) if desired else None
    return Apart(unit, reason, sentence, shown(name, now), ours, base_id or None)


def _unsafe(
    name: bytes, desired: RelayEntry | None, now: bytes | None, base_id: str, error: FormatError
) -> Apart:
    sentence = f"{printable(name, 80)} is not written: {printable(str(error), 300)}"
    ours = _told(desired) if desired else None
    return Apart(name.decode(), "unsafe", sentence, shown(name, now), ours, base_id or None)


def _told(entry: RelayEntry) -> str:
    return _laid_out(masked(entry))


def _laid_out(fields: Mapping[str, object]) -> str:
    """As `json.dumps(fields, indent=1)` lays it out, which takes five times as long."""
    lines = []
    for key, value in fields.items():
        text = json.dumps(value)
        if isinstance(value, list) and value:
            items = ",\n".join(f"  {json.dumps(item)}" for item in value)
            text = f"[\n{items}\n ]"
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}"


def shown(name: bytes, content: bytes | None) -> str | None:
    """An entry as people may see it: targets in clear, never a digit of the hash."""
    if content is None:
        return None
    verdict = read(name, content)
    if not isinstance(verdict, Readable):
        return f"unreadable for ptt: {printable(verdict.reason, 200)}"
    return _told(verdict.entry)
