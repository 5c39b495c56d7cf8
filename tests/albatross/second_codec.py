"""asn1tools with albatross's grammar, and our messages in its words: a second opinion on every field.

It writes sets as they are given and drops zeros at the end of a time's fraction, which albatross keeps; it
reads no text that is not UTF-8, and takes times without a zone for UTC. (asn1tools 0.169)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import asn1tools  # type: ignore[import-untyped]

from workers.albatross import commands as c
from workers.albatross import der_write as der
from workers.albatross import replies as r
from workers.albatross.grammar.envelope import Answer, Header, Request
from workers.albatross.names import Name
from workers.albatross.statistics import Statistics
from workers.albatross.values import (
    BlockDevice,
    NetworkDevice,
    QuotaPolicy,
    Settings,
    UnikernelConfig,
    UnikernelInfo,
)

GRAMMAR = Path(__file__).resolve().parents[2].parent / "shared" / "facts" / "albatross.asn1"
Spelled = Any
"""A value as asn1tools takes and gives it: choices are pairs, sequences dicts, octets bytes."""
NEWEST = 5
"""The config that has all fields."""


@cache
def _codec(rules: str) -> Any:
    return asn1tools.compile_files(str(GRAMMAR), rules)


def write(kind: str, value: Spelled) -> bytes:
    """DER of a value of this type of the grammar."""
    encoded: bytes = _codec("der").encode(kind, value)
    return encoded


def read(kind: str, message: bytes) -> Spelled:
    """Raises UnicodeDecodeError where a text is not UTF-8. Lists that may be left out are, when empty; names
    of wire 5 that have no colon get it in front, as albatross reads them."""
    return _plain(_codec("ber").decode(kind, message))


def _plain(value: Spelled) -> Spelled:
    match value:
        case dict():
            lists = ("blocks", "bridges", "arguments") if "fail-behaviour" in value else ()
            return {k: _plain(each) for k, each in value.items() if k not in lists or each}
        case ("v5", str(name)):
            return "v5", name if ":" in name else f":{name}"
        case tuple() | list():
            return type(value)(map(_plain, value))
        case bytearray() | memoryview():
            return bytes(value)
        case datetime():
            return value.replace(tzinfo=UTC)
    return value


# ours in its words ---------------------------------------------------------------------------------------


def spelled(message: Request | Answer) -> Spelled:
    """A whole message (`Wire`)."""
    header = _header(message.header)
    if isinstance(message, Request):
        return {"header": header, "payload": ("command", command(message.command))}
    return {"header": header, "payload": _reply(message.reply, message.header.version)}


def extension(version: int, given: c.Command) -> Spelled:
    """`Cert-extension`."""
    return {"version": version, "command": command(given)}


def _header(header: Header) -> Spelled:
    sequence = header.sequence.to_bytes(8, "big")
    return {"version": header.version, "sequence": sequence, "name": _name(header.name, header.version)}


def _name(name: Name, wire: int) -> Spelled:
    return ("v5", str(name)) if wire >= 5 else ("v4", list(name.labels))


PLAIN: dict[c.Command, Spelled] = {
    c.ListInactiveConsoles(): ("console", ("list-inactive", None)),
    c.RemoveStatistics(): ("stats", ("remove", None)),
    c.SubscribeStatistics(): ("stats", ("subscribe", None)),
    c.ConnectStatistics(): ("stats", ("initial", None)),
    c.SubscribeLog(): ("log", ("none", None)),
    c.Destroy(): ("unikernel", ("destroy", None)),
    c.Restart(old=True): ("unikernel", ("restart1", None)),
    c.Restart(): ("unikernel", ("restart", ("same", None))),
    c.ReadPolicies(): ("policy", ("info", None)),
    c.RemovePolicy(): ("policy", ("remove", None)),
    c.ReadBlocks(): ("block", ("info", None)),
    c.RemoveBlock(): ("block", ("remove", None)),
}
"""Commands without anything in them."""


def command(given: c.Command) -> Spelled:
    """A command under its daemon."""
    if given in PLAIN:
        return PLAIN[given]
    match given:
        case c.ReadInfo() | c.Create() | c.GetImage() | c.Restart():
            return "unikernel", _unikernel(given)
        case c.AddPolicy():
            return "policy", ("add", _policy(given.policy))
        case c.AddConsole() | c.SubscribeConsole() | c.AddStatistics() | c.SubscribeLog():
            return _other_daemons(given)
        case _:
            return "block", _block_command(given)


def _unikernel(given: c.UnikernelCommand) -> Spelled:
    match given:
        case c.ReadInfo():
            return f"info{given.form}", None
        case c.Create():
            return f"{'force-' * given.force}create{given.form}", _config(given.config, given.form)
        case c.GetImage():
            return ("get", given.level) if given.form == 3 else (f"get{given.form}", None)
        case c.Restart(settings=Settings() as wanted):
            return "restart", (f"arguments{given.form}", _settings(wanted, given.form + 3))
    raise AssertionError(given)


def _other_daemons(given: c.Command) -> Spelled:
    match given:
        case c.AddConsole():
            return "console", ("add", ("plain", None) if given.keep is None else ("limit", given.keep))
        case c.AddStatistics():
            taps = [{"bridge": device, "tap": tap} for device, tap in given.networks]
            return "stats", ("add", {"vmmdev": given.vmm_device, "pid": given.pid, "network": taps})
        case c.SubscribeConsole() | c.SubscribeLog():
            asked = ("since", given.since) if given.since is not None else ("count", given.count)
            if isinstance(given, c.SubscribeLog):
                return "log", asked
            return "console", ("subscribe-utc" if given.old else "subscribe", asked)
    raise AssertionError(given)


def _block_command(given: c.Command) -> Spelled:
    match given:
        case c.AddBlock():
            return "add", given.size
        case c.AddBlockWithData():
            data = {} if given.data is None else {"data": bytes(given.data)}
            return "add-data", {"size": given.size, "compress": given.compressed, **data}
        case c.SetBlockData():
            return "set-data", {"compress": given.compressed, "data": bytes(given.data)}
        case c.DumpBlock():
            return "dump-old" if given.old else "dump", given.level
        case c.SetBlock():
            return "set", given.compressed
    raise AssertionError(given)


def _config(config: UnikernelConfig, form: int) -> Spelled:
    image = {"compressed": config.compressed, "image": bytes(config.image)}
    return {"typ": (config.kind, None), **image, **_settings(config.settings, form)}


def _settings(of: Settings, form: int) -> Spelled:
    """What configs and arguments share; `form` of the config, that of arguments plus three."""
    found: dict[str, Spelled] = {"memory": of.memory, "fail-behaviour": ("quit", None)}
    if of.restart_on_exit is not None:
        found["fail-behaviour"] = "restart", _in_order(of.restart_on_exit)
    if form >= NEWEST:
        found["cpuids"] = _in_order(of.cpuids)
        found |= _there({"cpus": of.cpus, "linux-boot-partition": of.linux_boot_partition})
    else:
        [found["cpuid"]] = of.cpuids
    if form >= 4:
        found |= {"add-name": of.add_name, **_there({"startup": of.startup})}
    blocks = [each.name if form < 3 else _block(each) for each in of.blocks]
    networks = [each.name if form < 2 else _network(each) for each in of.networks]
    return found | _lists(blocks, networks, of.arguments)


def _in_order(numbers: Iterable[int]) -> list[int]:
    return sorted(numbers, key=lambda number: b"".join(der.integer(number)))


def _there(given: dict[str, Spelled]) -> dict[str, Spelled]:
    return {name: value for name, value in given.items() if value is not None}


def _lists(blocks: list[Spelled], networks: list[Spelled], arguments: Sequence[bytes]) -> dict[str, Spelled]:
    lists = {"blocks": blocks, "bridges": networks, "arguments": [each.decode() for each in arguments]}
    return {name: values for name, values in lists.items() if values}


def _block(device: BlockDevice) -> Spelled:
    optional = {"device": device.volume, "sector-size": device.sector_size, "size": device.size}
    return {"name": device.name, **_there(optional)}


def _network(device: NetworkDevice) -> Spelled:
    return {"name": device.name, **_there({"bridge": device.bridge, "mac": device.mac})}


def _policy(policy: QuotaPolicy) -> Spelled:
    fixed = {"cpuids": list(policy.cpuids), "unikernels": policy.unikernels, "memory": policy.memory}
    return fixed | _there({"block": policy.block}) | {"bridges": list(policy.bridges)}


# answers -------------------------------------------------------------------------------------------------


def _reply(reply: r.Reply, wire: int) -> Spelled:
    match reply:
        case r.Failure():
            return "failure", reply.text.decode()
        case r.ConsoleLine():
            line = {"timestamp": reply.timestamp, "line": reply.line.decode()}
            return "data", ("console-utc" if reply.old else "console", line)
        case r.Measured():
            return "data", ("stats", _statistics(reply.statistics))
        case r.BlockPiece():
            return "data", ("block", ("some", bytes(reply.data)))
        case r.BlockEnd():
            return "data", ("block", ("eof", None))
        case r.UnknownData() | r.UnknownSuccess():
            raise AssertionError("in no recorded message")
        case _:
            return "success", _success(reply, wire)


def _success(reply: r.Success, wire: int) -> Spelled:
    match reply:
        case r.Done():
            return "empty", None
        case r.Said():
            return "string", reply.text.decode()
        case r.BlockStream():
            return "block-stream", reply.compressed
        case r.Image() | r.BlockImage():
            kind = "image" if isinstance(reply, r.Image) else "block-image"
            return kind, {"compressed": reply.compressed, "image": bytes(reply.data)}
        case _:
            return _list(reply, wire)


def _list(reply: r.Success, wire: int) -> Spelled:
    match reply:
        case r.Policies():
            named = [(each.name, {"policy": _policy(each.policy)}) for each in reply.policies]
            kind = "policies"
        case r.Configs():
            named = [(each.name, {"config": _config(each.config, 2)}) for each in reply.unikernels]
            kind = "unikernels2"
        case r.Infos():
            named = [(each.name, {"info": _info(each, reply.form)}) for each in reply.unikernels]
            kind = f"info{reply.form}"
        case r.Blocks():
            named = [(each.name, {"size": each.size, "active": each.active}) for each in reply.volumes]
            kind = "block-devices"
        case r.Consoles():
            return "consoles", [_name(each, wire) for each in reply.names]
        case _:
            raise AssertionError(reply)
    return kind, [{"name": _name(name, wire), **fields} for name, fields in named]


def _info(of: UnikernelInfo, form: int) -> Spelled:
    """An info has the fields of the config of its release, without image and name."""
    found = _settings(of.settings, max(form - 1, 3)) | {"typ": (of.kind, None), "digest": of.digest}
    found.pop("add-name", None)
    return found | (_there({"started": of.started}) if form >= 3 else {})


RUSAGE = "utime stime maxrss ixrss idrss isrss minflt majflt nswap inblock outblock msgsnd msgrcv nsignals"
RUSAGE += " nvcsw nivcsw"
IFDATA = "bridge flags send-length max-send-length send-drops mtu baudrate input-packets input-errors"
IFDATA += " output-packets output-errors collisions input-bytes output-bytes input-mcast output-mcast"
IFDATA += " input-dropped output-dropped"
KINFO = "vsize rss tsize dsize ssize runtime cow start"
SMALL = {"bridge", "flags", "send-length", "max-send-length", "send-drops", "mtu", "cow"}
"""What is no Int64."""


def _statistics(of: Statistics) -> Spelled:
    found: dict[str, Spelled] = {
        "rusage": _counters(RUSAGE, of.usage),
        "ifdata": [_counters(IFDATA, each) for each in of.traffic],
    }
    if of.memory is not None:
        found["mem"] = _counters(KINFO, of.memory)
    if of.vmm is not None:
        found["vmm"] = [{"key": key, "value": _int64(value)} for key, value in of.vmm]
    return found


def _counters(names: str, of: Any) -> Spelled:
    pairs = zip(names.split(), dataclasses.astuple(of), strict=True)
    return {name: _counter(name, value) for name, value in pairs}


def _counter(name: str, value: Any) -> Spelled:
    if name in ("utime", "stime", "start"):
        return {"seconds": _int64(value // 1_000_000), "microseconds": value % 1_000_000}
    return value if name in SMALL else _int64(value)


def _int64(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)
