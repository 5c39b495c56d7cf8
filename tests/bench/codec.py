"""Our DER of a create with a big image, against asn1tools with the same grammar."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import asn1tools  # type: ignore[import-untyped]

from tests.bench.measure import Measure, stage
from workers.albatross.commands import Create
from workers.albatross.grammar.envelope import Header, Request, write_request
from workers.albatross.names import Name
from workers.albatross.values import Settings, UnikernelConfig

MEBIBYTE = 1 << 20
GRAMMAR = """
Rival DEFINITIONS EXPLICIT TAGS ::= BEGIN
Wire ::= SEQUENCE {
    header SEQUENCE { version INTEGER, sequence OCTET STRING, name UTF8String },
    payload CHOICE { command [0] CHOICE { unikernel [3] CHOICE { create [20] Config } } } }
Config ::= SEQUENCE {
    typ CHOICE { solo5 [0] NULL }, compressed BOOLEAN, image OCTET STRING, add-name BOOLEAN,
    fail-behaviour CHOICE { quit [0] NULL }, cpuids SET OF INTEGER, memory INTEGER, cpus [3] INTEGER }
END
"""
"""As much of albatross 2.7's grammar as the plainest create needs."""


def measure_codec(mebibytes: int = 10, rounds: int = 5) -> list[Measure]:
    """Time until all can be sent, from us in parts; memory of the whole message. Raises RuntimeError when the
    two are not the same bytes."""
    image = bytes(mebibytes * MEBIBYTE)
    config = UnikernelConfig(Settings(memory=32), image)
    request = Request(Header(Name((), "big")), Create(5, config))
    rival = asn1tools.compile_string(GRAMMAR, "der")
    values = _values(image)

    def whole() -> bytes:
        return b"".join(write_request(request))

    def theirs() -> object:
        return rival.encode("Wire", values)

    with stage(f"a create of {mebibytes} MiB"):
        if whole() != theirs():
            raise RuntimeError("the two codecs differ")
        what, ours = f"create of {mebibytes} MiB", _best(lambda: write_request(request), rounds)
        return [
            Measure(f"{what}, encode ms; floor: asn1tools", ours, _best(theirs, rounds), 1 / 20),
            Measure(f"{what}, extra MiB; floor: the image", _peak(whole), mebibytes, 1.1),
        ]


def _values(image: bytes) -> dict[str, object]:
    config = {
        "typ": ("solo5", None),
        "compressed": False,
        "image": image,
        "add-name": False,
        "fail-behaviour": ("quit", None),
        "cpuids": [0],
        "memory": 32,
        "cpus": 1,
    }
    return {
        "header": {"version": 5, "sequence": bytes(8), "name": ":big"},
        "payload": ("command", ("unikernel", ("create", config))),
    }


def _best(encode: Callable[[], object], rounds: int) -> float:
    """Milliseconds of this thread, so that neighbours do not count."""
    times = []
    for _ in range(rounds):
        began = time.thread_time()
        encode()
        times.append(time.thread_time() - began)
    return min(times) * 1000


def _peak(encode: Callable[[], object]) -> float:
    """Mebibytes that were taken while it ran, its result among them."""
    tracemalloc.start()
    encode()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / MEBIBYTE
