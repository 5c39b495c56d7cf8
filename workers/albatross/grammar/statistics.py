"""Measurements: long rows of 64-bit counters, written in the order of their dataclasses' fields."""

from __future__ import annotations

from collections.abc import Iterable

from workers.albatross import der_write as der
from workers.albatross.der_read import Element, Fields
from workers.albatross.grammar.names import read_text
from workers.albatross.statistics import Memory, Statistics, Traffic, Usage

_MILLION = 1_000_000
_USAGE = tuple(Usage.__dataclass_fields__)[2:]
_TRAFFIC = tuple(Traffic.__dataclass_fields__)[1:]
_SHORT = 5
"""The first numbers of a network device's row are INTEGERs, the others 64-bit."""
_MEMORY = tuple(Memory.__dataclass_fields__)[:6]


def write_statistics(statistics: Statistics) -> der.Parts:
    memory, vmm = statistics.memory, statistics.vmm
    return der.sequence(
        _write_usage(statistics.usage),
        der.sequence_of(map(_write_traffic, statistics.traffic)),
        () if vmm is None else der.context(0, der.sequence_of(_write_vmm(*pair) for pair in vmm)),
        () if memory is None else der.context(1, *_write_memory(memory)),
    )


def read_statistics(element: Element) -> Statistics:
    fields = element.fields()
    usage = _read_usage(fields.take())
    traffic = fields.take().many(_read_traffic)
    vmm = fields.take_context(0)
    memory = fields.take_if(der.CONTEXT + 1)
    fields.finish()
    return Statistics(
        usage,
        traffic,
        None if memory is None else _read_memory(memory),
        None if vmm is None else vmm.many(_read_vmm),
    )


def _write_usage(usage: Usage) -> der.Parts:
    return der.sequence(
        _write_time(usage.user_time), _write_time(usage.system_time), *_write_counters(usage, _USAGE)
    )


def _read_usage(element: Element) -> Usage:
    fields = element.fields()
    user, system = _read_time(fields.take()), _read_time(fields.take())
    return Usage(user, system, *_read_counters(fields, len(_USAGE)))


def _write_traffic(traffic: Traffic) -> der.Parts:
    short = (der.integer(getattr(traffic, name)) for name in _TRAFFIC[:_SHORT])
    return der.sequence(der.text(traffic.device), *short, *_write_counters(traffic, _TRAFFIC[_SHORT:]))


def _read_traffic(element: Element) -> Traffic:
    fields = element.fields()
    device = read_text(fields.take())
    short = [fields.take().integer() for _ in range(_SHORT)]
    return Traffic(device, *short, *_read_counters(fields, len(_TRAFFIC) - _SHORT))


def _write_memory(memory: Memory) -> tuple[der.Parts, ...]:
    counters = _write_counters(memory, _MEMORY)
    return (*counters, der.integer(memory.copy_on_write), _write_time(memory.started))


def _read_memory(element: Element) -> Memory:
    fields = element.fields(der.CONTEXT + 1)  # the one implicit tag: it takes the place of SEQUENCE
    counters = [fields.take().int64() for _ in _MEMORY]
    counters += (fields.take().integer(), _read_time(fields.take()))
    fields.finish()
    return Memory(*counters)


def _write_vmm(key: str, value: int) -> der.Parts:
    return der.sequence(der.text(key), der.int64(value))


def _read_vmm(element: Element) -> tuple[str, int]:
    fields = element.fields()
    pair = read_text(fields.take()), fields.take().int64()
    fields.finish()
    return pair


def _write_time(microseconds: int) -> der.Parts:
    seconds, rest = divmod(microseconds, _MILLION)
    return der.sequence(der.int64(seconds), der.integer(rest))


def _read_time(element: Element) -> int:
    fields = element.fields()
    seconds, rest = fields.take().int64(), fields.take().integer()
    fields.finish()
    return seconds * _MILLION + rest


def _write_counters(row: Usage | Traffic | Memory, names: Iterable[str]) -> list[der.Parts]:
    return [der.int64(getattr(row, name)) for name in names]


def _read_counters(fields: Fields, count: int) -> list[int]:
    counters = [fields.take().int64() for _ in range(count)]
    fields.finish()
    return counters
