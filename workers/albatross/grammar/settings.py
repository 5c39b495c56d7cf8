"""What configs, infos and restarts share: kind, restart behaviour, CPU ids, devices, arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from workers.albatross import der_write as der
from workers.albatross.der_read import Element, Fields
from workers.albatross.errors import DecodeError, NotSendable
from workers.albatross.grammar.names import read_text
from workers.albatross.values import BlockDevice, Kind, NetworkDevice

_T = TypeVar("_T")


def write_kind(kind: Kind) -> der.Parts:
    return der.context(0 if kind == "solo5" else 1, der.NULL)


def read_kind(element: Element) -> Kind:
    element.inner().null()
    if element.number > 1:
        raise DecodeError("a unikernel is of an unknown kind")
    return "solo5" if element.number == 0 else "bhyve"


def write_restart_behaviour(codes: frozenset[int] | None) -> der.Parts:
    if codes is None:
        return der.context(0, der.NULL)
    return der.context(1, der.set_of(map(der.integer, codes)))


def read_restart_behaviour(element: Element) -> frozenset[int] | None:
    inner = element.inner()
    if element.number == 0:
        inner.null()
        return None
    if element.number != 1:
        raise DecodeError("a unikernel restarts in an unknown way")
    return frozenset(inner.many(Element.integer, der.SET))


def write_cpuids(cpuids: frozenset[int], *, as_set: bool) -> der.Parts:
    """A set since 2.7, one number before. Raises NotSendable."""
    if as_set:
        return der.set_of(map(der.integer, cpuids))
    if len(cpuids) != 1:
        raise NotSendable(
            "cpuids: this release of albatross takes exactly one CPU.", "Choose one CPU, or update albatross."
        )
    return der.integer(next(iter(cpuids)))


def read_cpuids(element: Element, *, as_set: bool) -> frozenset[int]:
    if as_set:
        return frozenset(element.many(Element.integer, der.SET))
    return frozenset((element.integer(),))


def write_block(block: BlockDevice) -> der.Parts:
    """A device as it is asked for (since 1.1): what is None is left out."""
    return der.sequence(
        der.text(block.name),
        der.text(block.volume) if block.volume is not None else (),
        der.integer(block.sector_size) if block.sector_size is not None else (),
    )


def read_block(element: Element) -> BlockDevice:
    fields = element.fields()
    name = read_text(fields.take())
    volume = fields.take_if(der.UTF8)
    sector_size = fields.take_if(der.INTEGER)
    fields.finish()
    return BlockDevice(
        name,
        None if volume is None else read_text(volume),
        None if sector_size is None else sector_size.integer(),
    )


def write_resolved_block(block: BlockDevice) -> der.Parts:
    """A device as it is (infos since 2.4): every value is there."""
    size = block.sector_size or 512
    volume = block.name if block.volume is None else block.volume
    return der.sequence(
        der.text(block.name), der.text(volume), der.integer(size), der.integer(block.size or 0)
    )


def read_resolved_block(element: Element) -> BlockDevice:
    fields = element.fields()
    name, volume = read_text(fields.take()), read_text(fields.take())
    block = BlockDevice(name, volume, fields.take().integer(), fields.take().integer())
    fields.finish()
    return block


def write_network(network: NetworkDevice) -> der.Parts:
    """A device as it is asked for, or as it is: what is None is left out. Raises NotSendable."""
    if network.mac is not None and len(network.mac) != 6:
        raise NotSendable("mac: a MAC address has 6 bytes.", "Write it like 02:00:00:00:00:01.")
    return der.sequence(
        der.text(network.name),
        der.text(network.bridge) if network.bridge is not None else (),
        der.octets(network.mac) if network.mac is not None else (),
    )


def read_network(element: Element) -> NetworkDevice:
    fields = element.fields()
    name = read_text(fields.take())
    bridge = fields.take_if(der.UTF8)
    mac = fields.take_if(der.OCTETS)
    fields.finish()
    if mac is not None and len(mac.body) != 6:
        raise DecodeError("a MAC address has not 6 bytes")
    return NetworkDevice(
        name, None if bridge is None else read_text(bridge), None if mac is None else bytes(mac.body)
    )


def write_only_name(device: BlockDevice | NetworkDevice) -> der.Parts:
    """A device in the oldest forms: nothing but its name. Raises NotSendable when there is more to say."""
    if device not in (BlockDevice(device.name), NetworkDevice(device.name)):
        raise NotSendable(
            f"{device.name}: this release of albatross takes no details of a device.",
            "Give volume and bridge the name of the device, or update albatross.",
        )
    return der.text(device.name)


def write_network_in_1_0(network: NetworkDevice) -> der.Parts:
    if network.mac is not None:
        raise NotSendable("mac: this release of albatross takes no MAC address.", "Leave it empty.")
    return write_network(network)


def read_block_name(element: Element) -> BlockDevice:
    return BlockDevice(read_text(element))


def read_network_name(element: Element) -> NetworkDevice:
    return NetworkDevice(read_text(element))


def write_optional(number: int, values: Iterable[_T], write: Callable[[_T], der.Parts]) -> der.Parts:
    """A list under a context tag as a SET, left out when it is empty."""
    written = [write(value) for value in values]
    return der.context(number, der.set_of(written)) if written else ()


def read_optional(
    fields: Fields, number: int, read: Callable[[Element], _T], tag: int = der.SET
) -> tuple[_T, ...]:
    """A list under a context tag, empty when it is absent."""
    found = fields.take_context(number)
    return () if found is None else found.many(read, tag)


def write_arguments(arguments: tuple[bytes, ...]) -> der.Parts:
    return der.context(2, der.sequence_of(map(der.text, arguments))) if arguments else ()


def read_arguments(fields: Fields) -> tuple[bytes, ...]:
    return read_optional(fields, 2, Element.text, der.SEQUENCE)


def write_integer(number: int, value: int | None) -> der.Parts:
    """An optional number under a context tag."""
    return der.context(number, der.integer(value)) if value is not None else ()


def read_integer(fields: Fields, number: int) -> int | None:
    found = fields.take_context(number)
    return None if found is None else found.integer()
