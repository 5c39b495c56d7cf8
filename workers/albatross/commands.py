"""Every command of wire 4 and 5, up to 2.7. `form` picks among the shapes that a command had over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from workers.albatross.values import Buffer, QuotaPolicy, Settings, UnikernelConfig

InfoForm = Literal[1, 2, 3, 4, 5, 6]
"""1: with images (1.0); 2: 1.1; 3 adds the start time (2.1); 4 resolves defaults (2.4); 5 adds the startup
order (2.6); 6 has a set of CPU ids (2.7)."""
ConfigForm = Literal[1, 2, 3, 4, 5]
"""1: before 1.0; 2: 1.0; 3: 1.1; 4: 2.6; 5: 2.7."""
GetForm = Literal[1, 2, 3]
"""1: the whole config (1.0); 2: the image (1.1); 3: at a compression level (1.3)."""
ArgumentsForm = Literal[0, 1, 2]
"""0: 2.4; 1: 2.6; 2: 2.7."""


@dataclass(frozen=True, slots=True)
class AddConsole:
    """The daemon tells the console daemon about a unikernel; `keep` consoles per path since 2.6.1."""

    keep: int | None = None


@dataclass(frozen=True, slots=True)
class SubscribeConsole:
    """Lines since a time, or the last `count`; exactly one of them. `old`: the form before 2.1."""

    since: datetime | None = None
    count: int | None = None
    old: bool = False


@dataclass(frozen=True, slots=True)
class ListInactiveConsoles:
    """Consoles of unikernels that no longer run (2.6.1)."""


@dataclass(frozen=True, slots=True)
class AddStatistics:
    """The daemon tells the statistics daemon about a process and its (device, tap) pairs."""

    vmm_device: str
    pid: int
    networks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveStatistics:
    """The daemon tells the statistics daemon that a process ended."""


@dataclass(frozen=True, slots=True)
class SubscribeStatistics:
    """Measurements of everything at or below the name."""


@dataclass(frozen=True, slots=True)
class ConnectStatistics:
    """The statistics daemon presents itself to the daemon (1.5.3)."""


@dataclass(frozen=True, slots=True)
class SubscribeLog:
    """The event log of 1.0 and 1.1: everything to come, or since a time, or the last `count`."""

    since: datetime | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ReadInfo:
    """What runs at or below the name."""

    form: InfoForm


@dataclass(frozen=True, slots=True)
class Create:
    """Start a unikernel; with `force`, after ending the one of the same name."""

    form: ConfigForm
    config: UnikernelConfig
    force: bool = False


@dataclass(frozen=True, slots=True)
class Destroy:
    """End a unikernel; answered after it ended."""


@dataclass(frozen=True, slots=True)
class GetImage:
    """The image of a running unikernel, compressed by zlib at `level` (0: not compressed)."""

    form: GetForm
    level: int = 0


@dataclass(frozen=True, slots=True)
class Restart:
    """End and start a unikernel, with new `settings` in `form` where given. `old`: as in 1.5.5 to 2.3."""

    settings: Settings | None = None
    form: ArgumentsForm = 2
    old: bool = False


@dataclass(frozen=True, slots=True)
class ReadPolicies:
    """The quota policies at and below a path."""


@dataclass(frozen=True, slots=True)
class AddPolicy:
    """Set the quota policy of a path."""

    policy: QuotaPolicy


@dataclass(frozen=True, slots=True)
class RemovePolicy:
    """Take the quota policy of a path away; what runs there goes on."""


@dataclass(frozen=True, slots=True)
class ReadBlocks:
    """The block volumes at or below the name."""


@dataclass(frozen=True, slots=True)
class AddBlock:
    """Make a block volume of `size` MB, full of zeros."""

    size: int


@dataclass(frozen=True, slots=True)
class RemoveBlock:
    """Delete a block volume and what is in it."""


@dataclass(frozen=True, slots=True)
class AddBlockWithData:
    """Make a block volume with contents (1.3; superseded in 2.5)."""

    size: int
    compressed: bool
    data: Buffer | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SetBlockData:
    """Overwrite a block volume with `data` (1.3; superseded in 2.5)."""

    compressed: bool
    data: Buffer = field(repr=False)


@dataclass(frozen=True, slots=True)
class DumpBlock:
    """Read a block volume at a compression level; `old`: in one message (1.3), else as a stream (2.5)."""

    level: int = 0
    old: bool = False


@dataclass(frozen=True, slots=True)
class SetBlock:
    """Overwrite a block volume with the chunks that follow the command (2.5)."""

    compressed: bool


ConsoleCommand = AddConsole | SubscribeConsole | ListInactiveConsoles
StatisticsCommand = AddStatistics | RemoveStatistics | SubscribeStatistics | ConnectStatistics
UnikernelCommand = ReadInfo | Create | Destroy | GetImage | Restart
PolicyCommand = ReadPolicies | AddPolicy | RemovePolicy
BlockCommand = ReadBlocks | AddBlock | RemoveBlock | AddBlockWithData | SetBlockData | DumpBlock | SetBlock
Command = ConsoleCommand | StatisticsCommand | SubscribeLog | UnikernelCommand | PolicyCommand | BlockCommand
