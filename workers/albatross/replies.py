"""Every answer of wire 4 and 5, and the pieces of streams. What newer releases add is kept as unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from workers.albatross.names import Name
from workers.albatross.statistics import Statistics
from workers.albatross.values import BlockVolume, Buffer, NamedConfig, NamedPolicy, UnikernelInfo


@dataclass(frozen=True, slots=True)
class Failure:
    """The daemon refused; its words, which need not be UTF-8."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """Success without words."""


@dataclass(frozen=True, slots=True)
class Said:
    """Success in words."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Policies:
    """Quota policies; names relative to the path that was asked for."""

    policies: tuple[NamedPolicy, ...]


@dataclass(frozen=True, slots=True)
class Configs:
    """Unikernels with their images: the list of releases before 1.1."""

    unikernels: tuple[NamedConfig, ...]


@dataclass(frozen=True, slots=True)
class Infos:
    """Running unikernels; names relative to the path that was asked for."""

    form: Literal[2, 3, 4, 5, 6]
    unikernels: tuple[UnikernelInfo, ...]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Block volumes; names relative to the path that was asked for."""

    volumes: tuple[BlockVolume, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """A unikernel's image."""

    compressed: bool
    data: Buffer = field(repr=False)


@dataclass(frozen=True, slots=True)
class BlockImage:
    """A block volume's contents in one message."""

    compressed: bool
    data: Buffer = field(repr=False)


@dataclass(frozen=True, slots=True)
class BlockStream:
    """A block volume's contents follow in pieces."""

    compressed: bool


@dataclass(frozen=True, slots=True)
class Consoles:
    """Consoles of unikernels that no longer run."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class UnknownSuccess:
    """Success in a form that we do not know, by its tag."""

    tag: int


@dataclass(frozen=True, slots=True)
class ConsoleLine:
    """One line of a console and when the console daemon got it; `old`: in the form before 2.1, without
    fractions of seconds. The line may hold any bytes but a line feed (escape it before you show it) and the
    unikernel's arguments (many unikernels print them), so it is in no `repr`."""

    timestamp: datetime
    line: bytes = field(repr=False)
    old: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement; the header's name, relative to the subscribed path, says of which unikernel."""

    statistics: Statistics


@dataclass(frozen=True, slots=True)
class BlockPiece:
    """The next bytes of a block volume."""

    data: Buffer = field(repr=False)


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """The block volume has no more bytes."""


@dataclass(frozen=True, slots=True)
class UnknownData:
    """A piece of a stream in a form that we do not know, by its tag: skip it."""

    tag: int


Success = (
    Done
    | Said
    | Policies
    | Configs
    | Infos
    | Blocks
    | Image
    | BlockImage
    | BlockStream
    | Consoles
    | UnknownSuccess
)
Data = ConsoleLine | Measured | BlockPiece | BlockEnd | UnknownData
Reply = Success | Failure | Data
