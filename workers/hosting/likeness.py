"""When a running unikernel is the wanted one: both in one canonical form, field by field, digest included.

Albatross tells neither whether it puts `--name` in front of the arguments nor how the image was sent, so
these do not count; what a release does not tell (the startup order before 2.6) does not either.
"""

from __future__ import annotations

import json
from typing import Any

from tenants.formats.arguments import option_of
from tenants.formats.unikernels import WantedUnikernel
from workers.albatross.releases import Dialect
from workers.albatross.values import BlockDevice, NetworkDevice, Settings, UnikernelInfo

_DEFAULT_STARTUP = 50


def settings_of(wanted: WantedUnikernel, dialect: Dialect) -> Settings:
    """How the wanted unikernel is asked for in this release."""
    return Settings(
        memory=wanted.memory,
        cpuids=frozenset((wanted.cpuid,)),
        restart_on_exit=wanted.restart_on_exit,
        blocks=tuple(BlockDevice(device, volume) for device, volume in wanted.blocks),
        networks=tuple(NetworkDevice(device, bridge) for device, bridge in wanted.networks),
        arguments=wanted.arguments,
        startup=wanted.startup if dialect.startup_and_add_name else None,
        add_name=bool(wanted.add_name),
    )


def form_of_wanted(wanted: WantedUnikernel, dialect: Dialect) -> bytes:
    return _form(settings_of(wanted, dialect), bytes.fromhex(wanted.digest), dialect)


def form_of_running(info: UnikernelInfo, dialect: Dialect) -> bytes:
    return _form(info.settings, info.digest, dialect)


def _form(settings: Settings, digest: bytes, dialect: Dialect) -> bytes:
    """Bytes that are equal when two unikernels run alike. They hold arguments: never show or store."""
    codes = settings.restart_on_exit
    startup = _DEFAULT_STARTUP if settings.startup is None else settings.startup
    fields: dict[str, Any] = {
        "digest": digest.hex(),
        "memory": settings.memory,
        "cpus": sorted(settings.cpuids),
        "restart": None if codes is None else sorted(codes),
        "networks": sorted([each.name, each.bridge or each.name] for each in settings.networks),
        "blocks": sorted([each.name, each.volume or each.name] for each in settings.blocks),
        "arguments": [each.decode("latin-1") for each in settings.arguments],
        "startup": startup if dialect.startup_and_add_name else None,
    }
    return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()


def text_of_wanted(wanted: WantedUnikernel) -> str:
    """For people; arguments with their references."""
    return _text(
        wanted.digest,
        wanted.memory,
        [wanted.cpuid],
        wanted.networks,
        wanted.blocks,
        wanted.shown,
        wanted.restart_on_exit,
        wanted.startup,
    )


def text_of_running(info: UnikernelInfo, wanted: WantedUnikernel | None) -> str:
    """For people. Of arguments that are not exactly ours only the option is shown: values may be secrets."""
    known = dict(zip(wanted.arguments, wanted.shown, strict=True)) if wanted is not None else {}
    settings = info.settings
    return _text(
        info.digest.hex(),
        settings.memory,
        sorted(settings.cpuids),
        tuple((each.name, each.bridge or each.name) for each in settings.networks),
        tuple((each.name, each.volume or each.name) for each in settings.blocks),
        tuple(known.get(each) or option_of(each) for each in settings.arguments),
        settings.restart_on_exit,
        _DEFAULT_STARTUP if settings.startup is None else settings.startup,
    )


def _text(
    digest: str,
    memory: int,
    cpus: list[int],
    networks: tuple[tuple[str, str], ...],
    blocks: tuple[tuple[str, str], ...],
    arguments: tuple[str, ...],
    restart: frozenset[int] | None,
    startup: int,
) -> str:
    if restart is None:
        restarts = "never"
    else:
        restarts = ", ".join(map(str, sorted(restart))) or "after every exit but 1 and 60 to 64"
    lines = [f"image {digest}", f"memory {memory} MB", f"CPU {', '.join(map(str, cpus))}"]
    lines += [f"network {device} on {bridge}" for device, bridge in sorted(networks)]
    lines += [f"block {device} on {volume}" for device, volume in sorted(blocks)]
    lines += [f"argument {each}" for each in arguments]
    return "\n".join([*lines, f"restart {restarts}", f"startup {startup}"])
