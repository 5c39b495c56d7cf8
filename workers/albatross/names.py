"""Names of unikernels, block volumes and paths.

A name is a path (labels, outermost first) and perhaps a label. Albatross writes the path's labels joined
with `:`, then `:`, then the label or nothing: `:` is the root path, `alice:` a path, `alice:web` the
unikernel `web` in it, `:web` one in the root path.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from workers.albatross.errors import DecodeError, NotSendable

LONGEST_LABEL = 63
LONGEST_OLD_LABEL = 19
"""Releases before 1.5 (wire 4)."""
DEEPEST = 32
"""Labels in one name. Albatross knows no limit; no installation comes near this one."""
_LABEL = re.compile(r"[a-zA-Z0-9.][a-zA-Z0-9.-]{0,62}")
_OLD_LABEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,18}")


@dataclass(frozen=True, order=True, slots=True)
class Name:
    """A path (`label` is None) or something in it. As read from a daemon it may have labels that we never
    send: call `check` before."""

    path: tuple[str, ...] = ()
    label: str | None = None

    @classmethod
    def parse(cls, text: str) -> Name:
        """Read a name as people and albatross write it; `web` means `:web`. Raises NotSendable."""
        name = _split(text)
        if name is None:
            raise NotSendable(
                "name: this is no name of albatross.", "Write a unikernel as path:label, a path as path: ."
            )
        name.check()
        return name

    @classmethod
    def from_wire(cls, text: str) -> Name:
        """Read a name from a daemon without holding its labels against today's rules. Raises DecodeError."""
        name = _split(text)
        if name is None:
            raise DecodeError("a name in the answer cannot be read")
        return name

    @classmethod
    def from_labels(cls, labels: tuple[str, ...]) -> Name:
        """The name of wire 4, a list of labels that does not tell paths from unikernels: the last one counts
        as the label. Raises DecodeError."""
        if len(labels) > DEEPEST or not all(labels):
            raise DecodeError("a name in the answer cannot be read")
        return cls(labels[:-1], labels[-1]) if labels else cls()

    def check(self, *, old: bool = False) -> None:
        """Raise NotSendable unless albatross accepts every label; `old` asks releases before 1.5."""
        rule = _OLD_LABEL if old else _LABEL
        for label in self.labels:
            if not rule.fullmatch(label):
                longest = LONGEST_OLD_LABEL if old else LONGEST_LABEL
                raise NotSendable(
                    f"name: the label {label[:80]!r} is not one that albatross accepts.",
                    f"Use 1 to {longest} letters, digits, dots or hyphens; do not start with a hyphen.",
                )
        if len(self.path) >= DEEPEST:
            raise NotSendable("name: the path is too deep.", f"Use at most {DEEPEST - 1} labels in a path.")

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, as wire 4 lists them."""
        return self.path if self.label is None else (*self.path, self.label)

    @property
    def folded(self) -> Name:
        """In lower case, as 2.6.1 and newer store it: compare folded names."""
        label = None if self.label is None else self.label.lower()
        return Name(tuple(part.lower() for part in self.path), label)

    @property
    def inside(self) -> Name:
        """The path that holds it; of a path, the path itself."""
        return Name(self.path)

    def absolute(self, asked: Name) -> Name:
        """The full name of an item that a list for `asked` named: lists for a path are relative to it, those
        for a full name are not."""
        return self if asked.label is not None else Name(asked.path + self.path, self.label)

    def __str__(self) -> str:
        return ":".join((*self.path, self.label or "")) if self.path else f":{self.label or ''}"


ROOT = Name()


def default_mac(device: str, name: Name) -> bytes:
    """The MAC address that albatross makes of both names, unless one is asked for."""
    digest = hashlib.md5(f"{device}{name}".encode(), usedforsecurity=False).digest()
    return bytes.fromhex("008041") + digest[:3]


def _split(text: str) -> Name | None:
    """Cut a name at its colons; one colon in front may be missing or there. None when it is no name."""
    if text == ":":
        return ROOT
    *path, label = text.removeprefix(":").split(":")
    if not all(path) or len(path) >= DEEPEST or not (path or label):
        return None
    return Name(tuple(path), label or None)
