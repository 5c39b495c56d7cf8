"""Believable statistics: counters that grow with the time since the start, differently for each unikernel."""

from __future__ import annotations

import zlib

from workers.albatross.names import Name
from workers.albatross.statistics import Memory, Statistics, Traffic, Usage
from workers.albatross.values import Settings

_PAGES_PER_MB = 256
_UP = 69_699


def measure(name: Name, settings: Settings, *, started: float, seconds: float) -> Statistics:
    """What a unikernel that started at `started` (Unix time) used in the `seconds` since."""
    kind = zlib.crc32(str(name).encode())
    busy = int(seconds * 1_000_000 * (0.002 + kind % 50 / 1000))
    pages = settings.memory * _PAGES_PER_MB * (30 + kind % 50) // 100
    packets = int(seconds * (1 + kind % 7))
    traffic = tuple(
        Traffic(
            network.name,
            flags=_UP,
            mtu=1500,
            input_packets=packets,
            output_packets=packets * 2,
            input_bytes=packets * 90,
            output_bytes=packets * 700,
        )
        for network in settings.networks
    )
    usage = Usage(
        busy * 3 // 4, busy // 4, max_rss=pages, minor_faults=170, voluntary_switches=int(seconds) + 5
    )
    memory = Memory(
        vsize=(settings.memory + 3) << 20,
        rss=pages,
        tsize=5,
        dsize=90,
        ssize=90,
        runtime=busy,
        started=int(started * 1_000_000),
    )
    return Statistics(usage, traffic, memory)
