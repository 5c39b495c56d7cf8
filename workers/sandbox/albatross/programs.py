"""What the stand-in's unikernels do: they write believable consoles, and perhaps exit."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from tenants.formats.solo5_image import Solo5Image
from workers.albatross.names import Name


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of a unikernel: its arguments are the full ones, `--name=` included."""

    name: Name
    arguments: tuple[bytes, ...]
    memory: int
    image: Solo5Image
    digest: bytes = b""
    """SHA-256 of the image."""


Program = Callable[[Launch], Iterator[float | bytes | int]]
"""Yields seconds to wait, bytes to write, and last its exit code; one that ends without a code runs on."""
Live = Callable[[Callable[[bytes], None]], Coroutine[Any, Any, int]]
"""One that is more than a script: given where to write, it runs until it is cancelled, or returns its exit
code."""
Lives = Callable[[Launch], Live | None]
"""What runs in the place of an image; None: the script does."""
_OPTION = re.compile(rb"--(ticks|period-ms|exit)=(\d{1,6})")


def boot(launch: Launch) -> Iterator[float | bytes | int]:
    """What Solo5 itself says."""
    top = launch.memory << 20
    yield b"            |      ___|\n  __|  _ \\  |  _ \\ __ \\\n\\__ \\ (   | | (   |  ) |\n"
    yield b"____/\\___/ _|\\___/____/\nSolo5: Bindings version v0.12.1\n"
    yield b"Solo5: Memory map: %d MB addressable:\n" % launch.memory
    yield b"Solo5:   reserved @ (0x0 - 0xfffff)\nSolo5:       text @ (0x100000 - 0x103fff)\n"
    yield b"Solo5:     rodata @ (0x104000 - 0x105fff)\nSolo5:       data @ (0x106000 - 0x30afff)\n"
    yield b"Solo5:       heap >= 0x30b000 < stack < 0x%x\n" % top


def never(_launch: Launch) -> None:
    """No image is more than a script."""


def ticking(launch: Launch) -> Iterator[float | bytes | int]:
    """Boots and counts: `--ticks=N` times (0: for ever), each `--period-ms=N`, then exits with `--exit=N`."""
    yield from boot(launch)
    label = (launch.name.label or "").encode()
    yield b"%s: command line '%s'\n" % (label, b" ".join(launch.arguments))
    given = {found[1]: int(found[2]) for found in map(_OPTION.fullmatch, launch.arguments) if found}
    ticks, tick = given.get(b"ticks", 0), 0
    while ticks == 0 or tick < ticks:
        yield given.get(b"period-ms", 1000) / 1000
        tick += 1
        yield b"tick %d\n" % tick
    yield b"%s: done\n" % label
    yield b"Solo5: solo5_exit(%d) called\n" % given.get(b"exit", 0)
    yield given.get(b"exit", 0)
