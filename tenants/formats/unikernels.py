"""Names of unikernels, and what should be on a host, as workers see it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tenants.formats.secret_arguments import Separated
from tenants.formats.solo5_image import Solo5Image
from tenants.formats.text import FormatError, printable

# Albatross takes dots and a dot in front too; these also work where names become host names.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_BRIDGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
RESTARTED_BY_ALBATROSS = range(256)
NEVER_RESTARTED = frozenset({1, *range(60, 65)})
"""Albatross never restarts these: errors of Solo5 itself, and of the command line."""


def check_label(value: str, *, field: str = "name") -> str:
    """Return a label as albatross keeps it, in small letters. Raises FormatError."""
    label = value.strip().lower()
    if not _LABEL.fullmatch(label):
        raise FormatError(
            field,
            f"“{printable(value, 70)}” is no name for albatross.",
            "Use small letters, digits and hyphens, at most 63, with a letter or digit at both ends.",
        )
    return label


def check_bridge(value: str, *, field: str = "bridge") -> str:
    """Return the name of a bridge. Raises FormatError."""
    if not _BRIDGE.fullmatch(value):
        raise FormatError(
            field,
            f"“{printable(value, 40)}” is no name of a bridge.",
            "Use at most 15 letters, digits, . _ -",
        )
    return value


def check_exit_codes(codes: list[int] | None) -> list[int] | None:
    """Return exit codes that restart a unikernel, sorted. Raises FormatError (field `restart_on_exit`)."""
    if codes is None:
        return None
    for code in codes:
        if code not in RESTARTED_BY_ALBATROSS:
            raise FormatError("restart_on_exit", f"{code} is no exit code.", "Use 0 to 255.")
        if code in NEVER_RESTARTED:
            raise FormatError(
                "restart_on_exit",
                f"Albatross never restarts after {code}: it means a wrong image or wrong arguments.",
                "Leave it out.",
            )
    return sorted(set(codes))


@dataclass(frozen=True)
class WantedUnikernel:
    """One unikernel. `arguments` are filled in and may hold secrets; `shown` are the same with references."""

    label: str
    digest: str
    image: Solo5Image
    memory: int
    cpuid: int = 0
    networks: tuple[tuple[str, str], ...] = ()
    """(device, bridge)"""
    blocks: tuple[tuple[str, str], ...] = ()
    """(device, label of the volume)"""
    arguments: tuple[bytes, ...] = field(default=(), repr=False)
    shown: tuple[str, ...] = ()
    restart_on_exit: frozenset[int] | None = None
    startup: int = 50
    generation: int = 0
    ended: bool = False
    """This very wish was tried and ended by itself."""
    add_name: bool | None = False
    """Whether albatross puts `--name` in front of the arguments; None: nobody said so yet."""


@dataclass(frozen=True)
class RunningThere:
    """A unikernel that runs on a host and that Rookery did not start, in the words of desired state."""

    label: str
    digest: str
    memory: int
    cpuid: int
    networks: tuple[tuple[str, str], ...]
    """(device, bridge)"""
    blocks: tuple[tuple[str, str], ...]
    """(device, label of the volume)"""
    arguments: Separated
    restart_on_exit: frozenset[int] | None
    startup: int
    add_name: bool | None


@dataclass(frozen=True)
class WantedPolicy:
    """The quota policy of a path: memory and storage in MB, no storage at 0."""

    unikernels: int
    memory: int
    storage: int
    cpuids: tuple[int, ...]
    bridges: tuple[str, ...]


ROOT_PATH = ":"
"""How people write the root path, in which names have no label in front."""


def path_labels(path: str) -> tuple[str, ...]:
    """The labels of a part's path: one, or none for the root path."""
    return (path,) if path else ()


@dataclass(frozen=True)
class DesiredHost:
    """What one organization's part of a host should hold.

    `unikernels` are to run so, `absent` are to be gone (stopped or deleted, with the generation of that
    wish); every other name is not ours. `volumes` (label, MB) are to be there, `gone_volumes` to be deleted.
    `path` is empty for the root path.
    """

    generation: int
    proved_generation: int
    path: str
    policy: WantedPolicy
    unikernels: tuple[WantedUnikernel, ...] = ()
    absent: tuple[tuple[str, int], ...] = ()
    volumes: tuple[tuple[str, int], ...] = ()
    gone_volumes: tuple[tuple[str, int], ...] = ()

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(each.label for each in self.unikernels) | {label for label, _ in self.absent}
