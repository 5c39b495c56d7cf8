"""What must never be sent: commands that end a daemon, break its next ones, or that the release at hand does
not understand. All of it is refused here, before a connection is made."""

from __future__ import annotations

import re
from collections.abc import Iterable

from workers.albatross import commands as c
from workers.albatross.errors import NotSendable
from workers.albatross.names import Name
from workers.albatross.releases import Dialect
from workers.albatross.values import BlockDevice, NetworkDevice, QuotaPolicy, Settings

LEVELS = range(10)
"""zlib levels. Any other number ends albatrossd."""
COUNTS = range(1, 1025)
"""Lines of a console's history. A higher or negative number can hang the console daemon."""
MOST_BLOCK = 1 << 24
"""MB in a block volume: 16 TiB."""
_INTERFACE = re.compile(r"[!-.0-~]{1,15}")
_INTERNAL = (c.AddConsole, c.AddStatistics, c.RemoveStatistics, c.ConnectStatistics)
_NEEDS_LABEL = (
    c.Create,
    c.Destroy,
    c.GetImage,
    c.Restart,
    c.SubscribeConsole,
    c.AddBlock,
    c.RemoveBlock,
    c.AddBlockWithData,
    c.SetBlockData,
    c.DumpBlock,
    c.SetBlock,
)
_NEEDS_PATH = (c.AddPolicy, c.RemovePolicy, c.ListInactiveConsoles)
_UPDATE = "Update albatross on the host."


def check(name: Name, command: c.Command, dialect: Dialect) -> None:
    """Raise NotSendable unless this command is safe for this release."""
    name.check(old=dialect.wire < 5)
    if isinstance(command, _INTERNAL):
        raise NotSendable("only albatross's daemons send this command to each other.")
    if isinstance(command, _NEEDS_LABEL) and name.label is None:
        # A create without a label breaks every later create until the daemon is restarted (2.7.2).
        raise NotSendable("name: the label is missing.", "Write the name as path:label.")
    if isinstance(command, _NEEDS_PATH) and name.label is not None:
        raise NotSendable("name: this is for a path.", "Write a colon at its end.")
    _check_command(name, command, dialect)


def _check_command(name: Name, command: c.Command, dialect: Dialect) -> None:
    match command:
        case c.ReadInfo():
            # An older form than the release's own ends albatrossd 2.7 when a unikernel has several CPUs.
            _need(command.form == dialect.info, f"albatross {dialect.release} has another form of this list.")
        case c.Create():
            _check_create(name, command, dialect)
        case c.Restart():
            _check_restart(command, dialect)
        case c.GetImage():
            _need(command.form == dialect.get, f"albatross {dialect.release} has another form of this.")
            _check_level(command.level)
        case c.SubscribeConsole():
            _check_console(command, dialect)
        case c.ListInactiveConsoles():
            _need(dialect.inactive_consoles, "this albatross does not list ended consoles.")
        case c.SubscribeLog():
            raise NotSendable("this log is of albatross 1.0 and 1.1 only.", "Read the host's own log.")
        case c.AddPolicy():
            _check_policy(command.policy)
        case _:
            _check_block(command, dialect)


def check_settings(settings: Settings, dialect: Dialect) -> None:
    """Raise NotSendable unless this release can run a unikernel so."""
    # Negative memory and an empty set of CPUs are accepted by the daemon; the unikernel then cannot start.
    _need(settings.memory > 0, "memory: it must be positive.", "Give it in MB; 32 is common.")
    _need(bool(settings.cpuids), "cpuids: none is given.", "Choose at least one CPU.")
    _need(min(settings.cpuids) >= 0, "cpuids: a CPU has no negative number.", "Count CPUs from 0.")
    _need(settings.cpus is None or settings.cpus >= 1, "cpus: it must be positive.", "Use 1.")
    if not dialect.many_cpus:
        plain = len(settings.cpuids) == 1 and (settings.cpus or 1) == 1 and not settings.linux_boot_partition
        _need(plain, "cpuids, cpus: albatross before 2.7 takes exactly one CPU.", _UPDATE)
    if not dialect.startup_and_add_name:
        plain = settings.startup is None and not settings.add_name
        _need(plain, "startup, add_name: albatross before 2.6 does not know them.", _UPDATE)
    for argument in settings.arguments:
        _need(b"\x00" not in argument, "arguments: one has a NUL byte.", "Remove it.")
    _check_blocks(settings.blocks, dialect)
    _check_networks(settings.networks, dialect)


def _check_create(name: Name, command: c.Create, dialect: Dialect) -> None:
    # Since 2.6.1 labels are lower-cased, so another name than the asked one would appear.
    _need(name == name.folded, "name: it has capital letters.", "Use small letters.")
    _need(command.form == dialect.create, f"albatross {dialect.release} has another form of create.")
    # Over TLS an empty image means that one follows; nowhere else is it any use.
    _need(len(command.config.image) > 0, "image: it is empty.", "Upload the image again.")
    if command.config.kind == "bhyve":
        _need(dialect.many_cpus, "kind: albatross before 2.7 runs Solo5 images only.", _UPDATE)
    check_settings(command.config.settings, dialect)


def _check_restart(command: c.Restart, dialect: Dialect) -> None:
    advice = "Force-create it with its stored image instead."
    _need(dialect.restart is not None, "restart: it does not work in albatross before 2.6.", advice)
    _need(not command.old, "restart: this form is of albatross before 2.4.", advice)
    if command.settings is not None:
        _need(command.form == dialect.restart, f"albatross {dialect.release} has another form of restart.")
        check_settings(command.settings, dialect)


def _check_level(level: int) -> None:
    _need(level in LEVELS, "level: compression levels are 0 to 9.", "Use 0 for none, 1 for fast.")


def _check_console(command: c.SubscribeConsole, dialect: Dialect) -> None:
    _need(command.old == dialect.old_console, f"albatross {dialect.release} has another form of this.")
    if command.count is not None:
        _need(command.count in COUNTS, "count: it must be 1 to 1024.", "Albatross keeps 1024 lines.")
    if command.since is not None:
        advice = "Ask for a number of lines instead."
        _need(dialect.console_since, "since: it can hang the console daemon before 2.7.2.", advice)


def _check_policy(policy: QuotaPolicy) -> None:
    _need(policy.unikernels > 0, "unikernels: at least one must be allowed.")
    _need(policy.memory > 16, "memory: more than 16 MB must be allowed.")
    _need(bool(policy.cpuids), "cpuids: none is given.", "Choose at least one CPU.")
    _need(min(policy.cpuids) >= 0, "cpuids: a CPU has no negative number.", "Count CPUs from 0.")
    _unique("cpuids", policy.cpuids)
    _need(policy.block is None or policy.block >= 0, "block: it is negative.", "Leave it empty for none.")
    _unique("bridges", policy.bridges)
    for bridge in policy.bridges:
        _check_interface(bridge)


def _check_block(command: c.Command, dialect: Dialect) -> None:
    match command:
        case c.AddBlock() | c.AddBlockWithData():
            _need(0 < command.size <= MOST_BLOCK, "size: it must be 1 MB to 16 TiB.", "Give it in MB.")
        case c.DumpBlock():
            _check_level(command.level)
        case _:
            pass
    if isinstance(command, c.SetBlock) or (isinstance(command, c.DumpBlock) and not command.old):
        _need(dialect.block_streams, "albatross before 2.5 does not stream block volumes.", _UPDATE)
    elif isinstance(command, c.AddBlockWithData | c.SetBlockData | c.DumpBlock):
        _need(dialect.block_data, "albatross before 1.3 cannot read or write block volumes.", _UPDATE)


def _check_blocks(blocks: tuple[BlockDevice, ...], dialect: Dialect) -> None:
    _unique("blocks", (block.name for block in blocks))
    for block in blocks:
        _need(bool(block.name), "blocks: one has no name.")
        if block.volume is not None:
            Name((), block.volume).check(old=dialect.wire < 5)
        size = block.sector_size
        if size is not None:
            power = size >= 512 and size & (size - 1) == 0
            _need(power, "sector size: it must be a power of two from 512.", "Use 512 or 4096.")
            _need(dialect.sector_sizes, "sector size: albatross before 1.5.3 does not know it.", _UPDATE)


def _check_networks(networks: tuple[NetworkDevice, ...], dialect: Dialect) -> None:
    _unique("networks", (network.name for network in networks))
    macs = [network.mac for network in networks if network.mac is not None]
    _unique("macs", macs)
    _need(not macs or dialect.macs, "mac: albatross before 1.5.1 does not know it.", _UPDATE)
    for mac in macs:
        _need(len(mac) == 6 and not mac[0] & 1, "mac: it must be 6 bytes of one device, not of a group.")
    for network in networks:
        _need(bool(network.name), "networks: one has no name.")
        if network.bridge is not None:
            _check_interface(network.bridge)


def _check_interface(bridge: str) -> None:
    fits = _INTERFACE.fullmatch(bridge) is not None
    _need(fits, f"bridge: {bridge[:40]!r} is no name of an interface.", "Use at most 15 characters.")


def _unique(field: str, values: Iterable[object]) -> None:
    listed = list(values)
    _need(len(set(listed)) == len(listed), f"{field}: one is given twice.", "Give each once.")


def _need(condition: bool, sentence: str, hint: str = "") -> None:
    if not condition:
        raise NotSendable(sentence, hint)
