"""The resolver and the primary as unikernels: they serve until they are cancelled."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from workers.sandbox.dns_listener import DNS_PORT
from workers.sandbox.primary.server import Primary
from workers.sandbox.resolver import Resolver
from workers.sandbox.stack.realm import real_port
from workers.sandbox.stack.repositories import remote_of
from workers.sandbox.stack.unikernel import BAD_ARGUMENTS, EndsError, Unikernel

__all__ = ["primary", "resolver"]


async def resolver(unikernel: Unikernel) -> None:
    """A recursive resolver of the small world."""
    world = unikernel.world
    server = Resolver(
        host=unikernel.here,
        port=real_port(DNS_PORT),
        view=world.view,
        console=unikernel.console,
        zones=world,
    )
    try:
        await server.listen()
        await asyncio.Event().wait()
    finally:
        await server.close()


async def primary(unikernel: Unikernel) -> None:
    """The primary on zone.git. Without git it ends with 64, and albatross does not start it again."""
    world = unikernel.world
    remote = await asyncio.to_thread(remote_of, unikernel)
    with tempfile.TemporaryDirectory(dir=world.folder) as folder:
        server = Primary(
            host=unikernel.here,
            port=real_port(DNS_PORT),
            remote=remote,
            folder=Path(folder) / "clone.git",
            console=unikernel.console,
            open_transfers=unikernel.has("--axfr"),
            called=world.seen_as,
        )
        try:
            status = await server.restart()
            if status["state"] != "running":
                raise EndsError(str(status["reason"]), BAD_ARGUMENTS)
            world.primaries[unikernel.address] = server
            await asyncio.Event().wait()
        finally:
            world.primaries.pop(unikernel.address, None)
            await server.stop()
