"""Configs of creates, arguments of restarts, and infos, in all their forms."""

from __future__ import annotations

from collections.abc import Callable

from workers.albatross import der_write as der
from workers.albatross.commands import ArgumentsForm, ConfigForm
from workers.albatross.der_read import Element, Fields
from workers.albatross.grammar import settings as parts
from workers.albatross.grammar.names import read_name, read_text, write_name
from workers.albatross.names import Name
from workers.albatross.times import read_time, write_time
from workers.albatross.values import (
    NamedConfig,
    NetworkDevice,
    Settings,
    UnikernelConfig,
    UnikernelInfo,
)

_LIKE_CONFIG = 3
"""Arguments 0, 1, 2 hold what configs 3, 4, 5 hold."""


def write_config(config: UnikernelConfig, form: ConfigForm) -> der.Parts:
    settings = config.settings
    return der.sequence(
        parts.write_kind(config.kind),
        der.boolean(config.compressed),
        der.octets(config.image),
        *_write_start(settings, form),
        parts.write_restart_behaviour(settings.restart_on_exit),
        *_write_rest(settings, form),
    )


def read_config(element: Element, form: ConfigForm) -> UnikernelConfig:
    fields = element.fields()
    kind = parts.read_kind(fields.take())
    compressed, image = fields.take().boolean(), fields.take().octets()
    start = _read_start(fields, form)
    restart = parts.read_restart_behaviour(fields.take())
    settings = _read_rest(fields, form, restart, start)
    return UnikernelConfig(settings, image, compressed, kind)


def write_settings(settings: Settings, form: ArgumentsForm) -> der.Parts:
    """A restart's new settings: here the restart behaviour comes first."""
    like = form + _LIKE_CONFIG
    return der.sequence(
        parts.write_restart_behaviour(settings.restart_on_exit),
        *_write_start(settings, like),
        *_write_rest(settings, like),
    )


def read_settings(element: Element, form: ArgumentsForm) -> Settings:
    fields = element.fields()
    restart = parts.read_restart_behaviour(fields.take())
    start = _read_start(fields, form + _LIKE_CONFIG)
    return _read_rest(fields, form + _LIKE_CONFIG, restart, start)


def write_named_config(named: NamedConfig, version: int) -> der.Parts:
    return der.sequence(write_name(named.name, version), write_config(named.config, 2))


def read_named_config(element: Element) -> NamedConfig:
    fields = element.fields()
    named = NamedConfig(read_name(fields.take()), read_config(fields.take(), 2))
    fields.finish()
    return named


def write_named_info(info: UnikernelInfo, form: int, version: int) -> der.Parts:
    settings = info.settings
    resolved = form >= 4
    body = der.sequence(
        parts.write_kind(info.kind),
        _write_startup(settings) if form >= 5 else (),
        parts.write_restart_behaviour(settings.restart_on_exit),
        parts.write_cpuids(settings.cpuids, as_set=form >= 6),
        der.integer(settings.memory),
        der.octets(info.digest),
        parts.write_optional(
            0, settings.blocks, parts.write_resolved_block if resolved else parts.write_block
        ),
        parts.write_optional(1, settings.networks, parts.write_network),
        parts.write_arguments(settings.arguments),
        der.context(3, write_time(info.started)) if form >= 3 and info.started else (),
        parts.write_integer(4, settings.cpus) if form >= 6 else (),
        _write_partition(5, settings) if form >= 6 else (),
    )
    return der.sequence(write_name(info.name, version), body)


def named_info_reader(form: int) -> Callable[[Element], UnikernelInfo]:
    """The reader of one item of an info list."""

    def read(element: Element) -> UnikernelInfo:
        named = element.fields()
        name = read_name(named.take())
        info = _read_info(name, named.take().fields(), form)
        named.finish()
        return info

    return read


def _read_info(name: Name, fields: Fields, form: int) -> UnikernelInfo:
    kind = parts.read_kind(fields.take())
    startup = fields.take_if(der.INTEGER) if form >= 5 else None
    restart = parts.read_restart_behaviour(fields.take())
    cpuids = parts.read_cpuids(fields.take(), as_set=form >= 6)
    memory, digest = fields.take().integer(), bytes(fields.take().octets())
    blocks = parts.read_optional(fields, 0, parts.read_resolved_block if form >= 4 else parts.read_block)
    networks = parts.read_optional(fields, 1, parts.read_network)
    arguments = parts.read_arguments(fields)
    started = fields.take_context(3) if form >= 3 else None
    cpus = parts.read_integer(fields, 4) if form >= 6 else None
    partition = fields.take_context(5) if form >= 6 else None
    fields.finish()
    settings = Settings(
        memory=memory,
        cpuids=cpuids,
        restart_on_exit=restart,
        blocks=blocks,
        networks=networks,
        arguments=arguments,
        startup=None if startup is None else startup.integer(),
        add_name=None,
        cpus=cpus,
        linux_boot_partition=None if partition is None else read_text(partition),
    )
    return UnikernelInfo(name, settings, digest, None if started is None else read_time(started), kind)


def _write_start(settings: Settings, form: int) -> tuple[der.Parts, ...]:
    if form < 4:
        return ()
    return _write_startup(settings), der.boolean(settings.add_name is True)


def _write_startup(settings: Settings) -> der.Parts:
    return () if settings.startup is None else der.integer(settings.startup)


def _read_start(fields: Fields, form: int) -> tuple[int | None, bool | None]:
    if form < 4:
        return None, None
    startup = fields.take_if(der.INTEGER)
    return None if startup is None else startup.integer(), fields.take().boolean()


def _write_rest(settings: Settings, form: int) -> tuple[der.Parts, ...]:
    return (
        parts.write_cpuids(settings.cpuids, as_set=form >= 5),
        der.integer(settings.memory),
        parts.write_optional(0, settings.blocks, parts.write_block if form >= 3 else parts.write_only_name),
        _write_networks(settings.networks, form),
        parts.write_arguments(settings.arguments),
        parts.write_integer(3, settings.cpus) if form >= 5 else (),
        _write_partition(4, settings) if form >= 5 else (),
    )


def _read_rest(
    fields: Fields, form: int, restart: frozenset[int] | None, start: tuple[int | None, bool | None]
) -> Settings:
    cpuids = parts.read_cpuids(fields.take(), as_set=form >= 5)
    memory = fields.take().integer()
    blocks = parts.read_optional(fields, 0, parts.read_block if form >= 3 else parts.read_block_name)
    networks = _read_networks(fields, form)
    arguments = parts.read_arguments(fields)
    cpus = parts.read_integer(fields, 3) if form >= 5 else None
    partition = fields.take_context(4) if form >= 5 else None
    fields.finish()
    return Settings(
        memory=memory,
        cpuids=cpuids,
        restart_on_exit=restart,
        blocks=blocks,
        networks=networks,
        arguments=arguments,
        startup=start[0],
        add_name=start[1],
        cpus=cpus,
        linux_boot_partition=None if partition is None else read_text(partition),
    )


def _write_networks(networks: tuple[NetworkDevice, ...], form: int) -> der.Parts:
    if form == 2 and networks:  # 1.0 wrote a SEQUENCE, every other form a SET
        return der.context(1, der.sequence_of(map(parts.write_network_in_1_0, networks)))
    return parts.write_optional(1, networks, parts.write_network if form >= 3 else parts.write_only_name)


def _read_networks(fields: Fields, form: int) -> tuple[NetworkDevice, ...]:
    if form == 2:
        return parts.read_optional(fields, 1, parts.read_network, der.SEQUENCE)
    return parts.read_optional(fields, 1, parts.read_network if form >= 3 else parts.read_network_name)


def _write_partition(number: int, settings: Settings) -> der.Parts:
    partition = settings.linux_boot_partition
    return () if partition is None else der.context(number, der.text(partition))
