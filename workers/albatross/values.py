"""What albatross talks about: settings of unikernels, devices, quota policies, volumes. Frozen, no I/O.

Texts that only name things on the host (devices, bridges) are `str`, made printable when they come from
outside. Arguments may hold secrets: they are bytes and appear in no `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from workers.albatross.names import Name

Buffer = bytes | memoryview
"""An image or other large contents; a view into a received message, or into a file, is not copied."""
Kind = Literal["solo5", "bhyve"]


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """A block device of a unikernel: `name` as in its manifest, `volume` the label of the block volume in the
    unikernel's own path (None: the same as `name`). `size` in MB is known in infos since 2.4 only."""

    name: str
    volume: str | None = None
    sector_size: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class NetworkDevice:
    """A network device of a unikernel: `name` as in its manifest, `bridge` of the host (None: the same as
    `name`), `mac` 6 bytes (None: derived by albatross from the names)."""

    name: str
    bridge: str | None = None
    mac: bytes | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How a unikernel runs, without its image.

    `memory` is in MB. `restart_on_exit` is None for never ("quit"), else the exit codes that restart it; the
    empty set means every code but 1 and 60 to 64. `startup` orders the start of a host, lower first, None as
    50. `add_name` prepends `--name=<label>` to the arguments; None where the form of a message does not say.
    `cpus` is the number of virtual CPUs, None where the form does not say.
    """

    memory: int
    cpuids: frozenset[int] = frozenset((0,))
    restart_on_exit: frozenset[int] | None = None
    blocks: tuple[BlockDevice, ...] = ()
    networks: tuple[NetworkDevice, ...] = ()
    arguments: tuple[bytes, ...] = field(default=(), repr=False)
    startup: int | None = None
    add_name: bool | None = False
    cpus: int | None = 1
    linux_boot_partition: str | None = None


@dataclass(frozen=True, slots=True)
class UnikernelConfig:
    """All that a create says. `compressed`: the image is a zlib stream (RFC 1950)."""

    settings: Settings
    image: Buffer = field(repr=False)
    compressed: bool = False
    kind: Kind = "solo5"


@dataclass(frozen=True, slots=True)
class NamedConfig:
    """A unikernel with its image, as releases before 1.1 list it."""

    name: Name
    config: UnikernelConfig


@dataclass(frozen=True, slots=True)
class UnikernelInfo:
    """A running unikernel. `digest` is the SHA-256 of its uncompressed image, `started` its last start."""

    name: Name
    settings: Settings
    digest: bytes
    started: datetime | None = None
    kind: Kind = "solo5"


@dataclass(frozen=True, slots=True)
class QuotaPolicy:
    """What may run at a path, its sub-paths counted: `memory` and `block` (None: no block volumes) in MB."""

    unikernels: int
    memory: int
    cpuids: tuple[int, ...]
    block: int | None = None
    bridges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A quota policy and its path."""

    name: Name
    policy: QuotaPolicy


@dataclass(frozen=True, slots=True)
class BlockVolume:
    """A block volume on the host, `size` in MB; `active` while a running unikernel uses it."""

    name: Name
    size: int
    active: bool
