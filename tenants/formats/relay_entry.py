"""One entry of relay.git: a plain file in the root, named by the local part, holding a small JSON object.

`emit` writes it, `read` gives the verdict of ptt's own code (mirage/ptt at 80411d4, 2023-01) on any
file. ptt reads the repository only when a unikernel boots, and skips with a warning what it cannot read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tenants.formats import mailbox_syntax as mail
from tenants.formats.addresses import MAX_REACHED, check_local_part, check_targets
from tenants.formats.forward_path import ForwardPath, from_mailbox
from tenants.formats.relay_reading import (
    NO_LOGIN,
    Cause,
    SkippedError,
    Value,
    name_warnings,
    read_name,
    read_value,
    value_warnings,
)
from tenants.formats.text import FormatError

__all__ = [
    "NO_LOGIN",
    "Readable",
    "RelayEntry",
    "Unreadable",
    "emit",
    "masked",
    "read",
    "same_meaning",
    "write",
]

_DIGEST = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True)
class RelayEntry:
    """What an entry says: outside targets in order, the passphrase's BLAKE2b-512 digest as 128 lower-case
    hex digits (NO_LOGIN: nobody can log in), and the flag `insecure`, which no unikernel uses."""

    targets: tuple[str, ...]
    password: str = field(repr=False)
    insecure: bool = False


@dataclass(frozen=True)
class Readable:
    """A file that the unikernels use.

    `local` tells quoted words from plain ones, `login` is the user name to type, `entry` the value as
    understood (targets as ptt would print them), `paths` where the relay sends mail, without repetitions;
    `warnings` says in plain sentences what does not work as it seems to.
    """

    local: mail.LocalPart
    login: str
    entry: RelayEntry
    paths: tuple[ForwardPath, ...]
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """BLAKE2b-512 in 128 lower-case hex digits: a secret, never to be shown."""
        return self.entry.password


@dataclass(frozen=True)
class Unreadable:
    """A file that the unikernels skip: `reason` for people, `cause` for programs."""

    reason: str
    cause: Cause


def write(name: bytes, entry: RelayEntry, *, own_domain: str) -> tuple[bytes, Readable]:
    """Return the file of an entry of `own_domain`, and what the unikernels read in it.

    The last door before the outside: it trusts no check that was made before, and reads back what it
    wrote. Raises FormatError for a name that Rookery does not make, targets that ptt mishandles (no strict
    host name, the own domain, too many), and a digest that is none.
    """
    login = check_local_part(name.decode("utf-8", "replace"))
    content = emit(entry, own_domain=own_domain)
    verdict = read(name, content)
    if not isinstance(verdict, Readable) or (verdict.login, verdict.entry) != (login, entry):
        raise FormatError("entry", "ptt would read it differently.", "Please report this as a bug.")
    return content, verdict


def emit(entry: RelayEntry, *, own_domain: str | None = None) -> bytes:
    """Return the entry's file: compact JSON with `targets`, `password`, and `insecure` only when true.

    Raises FormatError for targets that `check_targets` would refuse or change, and for a digest that
    is not 128 lower-case hex digits.
    """
    if check_targets(entry.targets, own_domain=own_domain, maximum=MAX_REACHED) != entry.targets:
        raise FormatError("targets", "A target's domain is not in lower case.", "Check the targets first.")
    if _DIGEST.fullmatch(entry.password) is None:
        raise FormatError(
            "password", "The fingerprint is not 128 lower-case hex digits.", "Make it with BLAKE2b-512."
        )
    value: dict[str, object] = {"targets": list(entry.targets), "password": entry.password}
    if entry.insecure:
        value["insecure"] = True
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def read(name: bytes, content: bytes) -> Readable | Unreadable:
    """Return what the unikernels understand of a file in the root, or why they skip it.

    Never raises; time is linear in the file's length, whatever it holds.
    """
    try:
        local = read_name(name)
        value = read_value(content)
    except SkippedError as skipped:
        return Unreadable(skipped.reason, skipped.cause)
    return Readable(
        local=local,
        login=mail.local_text(local).decode("utf-8", "surrogateescape"),
        entry=_entry(value),
        paths=_kept_paths(value.targets),
        warnings=tuple(name_warnings(name, local) + value_warnings(value)),
    )


def same_meaning(first: bytes | RelayEntry, second: bytes | RelayEntry) -> bool:
    """Whether two entries do the same in the unikernels, so that the file may stay as it is.

    Layout, the order of targets and repeated targets do not count. Files that no unikernel can read
    mean the same only when they are equal byte for byte.
    """
    if first == second:
        return True
    meanings = (_meaning(first), _meaning(second))
    return meanings[0] is not None and meanings[0] == meanings[1]


def masked(entry: RelayEntry) -> dict[str, object]:
    """Return an entry for people and logs: no digit of the digest, only whether one is set."""
    return {
        "targets": list(entry.targets),
        "password": "no login" if entry.password == NO_LOGIN else "set",
        "insecure": entry.insecure,
    }


def _meaning(given: bytes | RelayEntry) -> tuple[object, ...] | None:
    if isinstance(given, RelayEntry):
        parsed = [mail.parse_mailbox(target.encode("utf-8", "surrogateescape")) for target in given.targets]
        targets = [mailbox for mailbox in parsed if mailbox is not None]
        if len(targets) < len(parsed):
            return None
        return frozenset(_kept_paths(targets)), given.password, given.insecure
    try:
        value = read_value(given)
    except SkippedError:
        return None
    return frozenset(_kept_paths(value.targets)), value.digest, value.insecure


def _entry(value: Value) -> RelayEntry:
    targets = tuple(bytes(mailbox).decode("utf-8", "surrogateescape") for mailbox in value.targets)
    return RelayEntry(targets, value.digest, value.insecure)


def _kept_paths(mailboxes: Iterable[mail.Mailbox]) -> tuple[ForwardPath, ...]:
    kept: dict[tuple[object, ...], ForwardPath] = {}
    for mailbox in mailboxes:
        path = from_mailbox(mailbox)
        kept.setdefault(path.identity, path)
    return tuple(kept.values())
