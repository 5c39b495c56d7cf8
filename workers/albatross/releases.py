"""Releases of albatross, and what each of them understands. There is no hello on the wire: a release comes
from `--version` on the host or from probing, and a probed one is the oldest that it can be."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workers.albatross.commands import ArgumentsForm, ConfigForm, GetForm, InfoForm

_VERSION = re.compile(r"(?<![\w.])v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?![.\d])")


@dataclass(frozen=True, order=True, slots=True)
class Release:
    """A release of albatross; they compare by age."""

    major: int
    minor: int = 0
    patch: int = 0

    @classmethod
    def find(cls, text: str) -> Release | None:
        """The first release that a line names, such as `version v2.7.2 protocol version 5`, a bare `2.6.2-1`
        of a package, or a git description; None when there is none."""
        found = _VERSION.search(text[:1000])
        return None if found is None else cls(int(found[1]), int(found[2]), int(found[3] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


OLDEST = Release(1, 0)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a release understands, newest forms first choice."""

    release: Release
    wire: int
    info: InfoForm
    create: ConfigForm
    get: GetForm
    restart: ArgumentsForm | None
    """The form of a restart's new settings. None: its restart does not work (before 2.4 it waits for ever,
    2.4 and 2.5 lose a unikernel whose image is compressed); destroy and create, or force-create."""
    old_console: bool
    console_since: bool
    """Whether asking for lines since a time is safe: before 2.7.2 it can hang the console daemon."""
    inactive_consoles: bool
    block_data: bool
    block_streams: bool
    macs: bool
    sector_sizes: bool
    startup_and_add_name: bool
    many_cpus: bool
    ignores_new_memory: bool
    """Restart keeps memory, number of CPUs and boot partition as they were (2.7.0 to 2.7.2)."""
    tls_streams: bool


def dialect_of(release: Release) -> Dialect:
    """What this release, or the oldest that it can be, understands."""

    def since(major: int, minor: int, patch: int = 0) -> bool:
        return release >= Release(major, minor, patch)

    infos: tuple[tuple[Release, InfoForm], ...] = (
        (Release(2, 7), 6),
        (Release(2, 6), 5),
        (Release(2, 4), 4),
        (Release(2, 1), 3),
        (Release(1, 1), 2),
    )
    create: ConfigForm = 5 if since(2, 7) else 4 if since(2, 6) else 3 if since(1, 1) else 2
    get: GetForm = 3 if since(1, 3) else 2 if since(1, 1) else 1
    return Dialect(
        release=release,
        wire=5 if since(1, 5) else 4,
        info=next((form for first, form in infos if release >= first), 1),
        create=create,
        get=get,
        restart=2 if since(2, 7) else 1 if since(2, 6) else None,
        old_console=not since(2, 1),
        console_since=since(2, 7, 2),
        inactive_consoles=since(2, 6, 1),
        block_data=since(1, 3),
        block_streams=since(2, 5),
        macs=since(1, 5, 1),
        sector_sizes=since(1, 5, 3),
        startup_and_add_name=since(2, 6),
        many_cpus=since(2, 7),
        ignores_new_memory=since(2, 7) and not since(2, 8),
        tls_streams=since(2, 5),
    )
