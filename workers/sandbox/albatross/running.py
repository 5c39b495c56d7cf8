"""One running unikernel of the stand-in: its script plays in a task of its own."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from workers.albatross.names import Name, default_mac
from workers.albatross.values import BlockDevice, NetworkDevice, UnikernelConfig, UnikernelInfo
from workers.sandbox.albatross.consoles import Consoles
from workers.sandbox.albatross.images import Inspected
from workers.sandbox.albatross.programs import Launch, Lives, Program, never

_PIDS = itertools.count(20_000)


@dataclass(slots=True)
class Running:
    """A unikernel and the task that plays it."""

    name: Name
    config: UnikernelConfig
    inspected: Inspected
    started: datetime
    pid: int
    task: asyncio.Task[None] | None = None

    def info(self, sizes: dict[Name, int], *, resolved: bool) -> UnikernelInfo:
        """As `info` shows it; since 2.4 with what was left out of the request filled in."""
        settings = self.config.settings
        if resolved:
            blocks = tuple(_block(self.name, block, sizes) for block in settings.blocks)
            networks = tuple(_network(self.name, network) for network in settings.networks)
            settings = replace(settings, blocks=blocks, networks=networks)
        settings = replace(settings, cpus=settings.cpus or 1)
        return UnikernelInfo(self.name, settings, self.inspected.digest, self.started, self.config.kind)

    def volumes(self) -> set[Name]:
        """The block volumes that it uses."""
        return {volume_of(self.name, block) for block in self.config.settings.blocks}


def volume_of(name: Name, block: BlockDevice) -> Name:
    """The volume of a unikernel's device: in the unikernel's own path."""
    return Name(name.path, block.name if block.volume is None else block.volume)


def _block(name: Name, block: BlockDevice, sizes: dict[Name, int]) -> BlockDevice:
    volume = volume_of(name, block)
    return BlockDevice(block.name, volume.label, block.sector_size or 512, sizes.get(volume, 0))


def _network(name: Name, network: NetworkDevice) -> NetworkDevice:
    mac = network.mac or default_mac(network.name, name)
    return NetworkDevice(network.name, network.bridge or network.name, mac)


def play(
    unikernel: Running,
    program: Program,
    consoles: Consoles,
    pace: float,
    exited: Callable[[Running, int], Awaitable[None]],
    lives: Lives = never,
) -> None:
    """Start it in a task. `pace` stretches a script's waits; `exited` hears of its exit code."""
    settings = unikernel.config.settings
    added = (f"--name={unikernel.name.label}".encode(),) if settings.add_name else ()
    inspected = unikernel.inspected
    arguments = (*added, *settings.arguments)
    launch = Launch(unikernel.name, arguments, settings.memory, inspected.image, inspected.digest)
    live = lives(launch)

    async def run() -> None:
        await asyncio.sleep(0.005 * pace)
        if live is not None:
            await exited(unikernel, await live(partial(consoles.write, unikernel.name)))
            return
        for step in program(launch):
            if isinstance(step, bytes):
                consoles.write(unikernel.name, step)
            elif isinstance(step, float):
                await asyncio.sleep(max(step * pace, 0.001))
            else:
                await exited(unikernel, step)
                return
        await asyncio.Event().wait()

    unikernel.task = asyncio.get_running_loop().create_task(run())


def next_pid() -> int:
    return next(_PIDS)


async def end(unikernel: Running, consoles: Consoles) -> None:
    """SIGTERM, and wait for its end."""
    task = unikernel.task
    if task is not None and task is not asyncio.current_task() and not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        consoles.write(unikernel.name, b"solo5-hvt: Exiting on signal 15\n")
    consoles.end(unikernel.name)
