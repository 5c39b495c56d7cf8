"""What the statistics daemon measures, every 10 seconds unless told otherwise. All counters only grow.

On Linux `max_rss`, `rss`, `tsize`, `dsize` and `ssize` are in pages (mostly of 4096 bytes), `vsize` in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """getrusage of the process; CPU times in microseconds. The order of the counters is that of the wire."""

    user_time: int
    system_time: int
    max_rss: int = 0
    ix_rss: int = 0
    id_rss: int = 0
    is_rss: int = 0
    minor_faults: int = 0
    major_faults: int = 0
    swaps: int = 0
    blocks_in: int = 0
    blocks_out: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    signals: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counters of one network device, `device` as in the manifest. They are the host's end of the cable: what
    the unikernel receives is output here."""

    device: str
    flags: int = 0
    queue: int = 0
    longest_queue: int = 0
    queue_drops: int = 0
    mtu: int = 0
    baudrate: int = 0
    input_packets: int = 0
    input_errors: int = 0
    output_packets: int = 0
    output_errors: int = 0
    collisions: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    input_multicast: int = 0
    output_multicast: int = 0
    input_dropped: int = 0
    output_dropped: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the process; `runtime` (CPU) and `started` (since 1970) in microseconds."""

    vsize: int
    rss: int
    tsize: int = 0
    dsize: int = 0
    ssize: int = 0
    runtime: int = 0
    copy_on_write: int = 0
    started: int = 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """One measurement of one unikernel; `vmm` are the counters of FreeBSD's hypervisor, where asked for."""

    usage: Usage
    traffic: tuple[Traffic, ...] = ()
    memory: Memory | None = None
    vmm: tuple[tuple[str, int], ...] | None = None
