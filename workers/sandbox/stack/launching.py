"""From an image and its arguments to a role that runs until it is cancelled, or ends with an exit code."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from tenants.formats.roles.role import Era, Role
from workers.albatross.names import default_mac
from workers.sandbox.albatross.programs import Launch, Live, boot
from workers.sandbox.listener import clean
from workers.sandbox.stack import dns_roles, mail_roles
from workers.sandbox.stack.images import role_of
from workers.sandbox.stack.letsencrypt import serve_certificates
from workers.sandbox.stack.unikernel import (
    UNCAUGHT,
    EndsError,
    RoleConsole,
    Unikernel,
    Write,
    read_arguments,
)
from workers.sandbox.stack.world import World

__all__ = ["roles_of"]

BOOT_SECONDS = 0.3

logger = logging.getLogger(__name__)

_SERVE: Mapping[str, Callable[[Unikernel], Awaitable[None]]] = {
    "resolver": dns_roles.resolver,
    "primary": dns_roles.primary,
    "letsencrypt": serve_certificates,
    "relay": mail_roles.relay,
    "signer": mail_roles.signer,
    "submission": mail_roles.submission,
    "spamfilter": mail_roles.spamfilter,
    "verifier": mail_roles.verifier,
}


def roles_of(world: World) -> Callable[[Launch], Live | None]:
    """For AlbatrossHost: what runs in the place of an image that is known as a role."""

    def live(launch: Launch) -> Live | None:
        known = role_of(launch.digest)
        return partial(_run, world, *known, launch) if known else None

    return live


async def _run(world: World, role: Role, era: Era, launch: Launch, write: Write) -> int:
    for step in boot(launch):
        if isinstance(step, bytes):
            write(step)
    await asyncio.sleep(BOOT_SECONDS * world.pace)
    console = RoleConsole("application", write)
    code = 0
    try:
        unikernel = Unikernel(role, era, read_arguments(role, era, launch.arguments), world, console)
        await _begun(unikernel, launch, write)
    except EndsError as end:
        program = role.image.removesuffix(".hvt")
        text = clean(end)
        if end.code == UNCAUGHT:
            console.write("error", text)
        else:
            write(f"{program}: {text}\n".encode())
            write(f"Try '{program} --help' for more information.\n".encode())
        code = end.code
    except Exception as error:
        # As OCaml does: whatever nobody catches ends the unikernel. Ours is a mistake, and must be found.
        logger.exception("the stand-in of %s failed", role.name)
        console.write("error", f"Fatal error: exception {type(error).__name__}")
        code = UNCAUGHT
    write(b"Solo5: solo5_exit(%d) called\n" % code)
    return code


async def _begun(unikernel: Unikernel, launch: Launch, write: Write) -> None:
    world, here = unikernel.world, unikernel.here
    device = unikernel.role.device
    mac = default_mac(device, launch.name).hex(":")
    RoleConsole("netif", write).write("info", f"Plugging into {device} with mac {mac} mtu 1500")
    RoleConsole("ethernet", write).write("info", f"Connected Ethernet interface {mac}")
    RoleConsole("ARP", write).write("info", f"Sending gratuitous ARP for {unikernel.address} ({mac})")
    if here in world.private:
        RoleConsole("ARP", write).write(
            "warn", f"ignoring gratuitous ARP from somebody else using my IP address {unikernel.address}"
        )
        await asyncio.Event().wait()  # it runs, and no packet finds it
    world.private[here] = unikernel.address
    world.gateways.add(unikernel.gateway)
    try:
        await asyncio.sleep(float(unikernel.one("--delay", "0")) * world.pace)
        await _SERVE[unikernel.role.name](unikernel)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise
        raise EndsError(
            f"Fatal error: exception Failure(cannot listen at {here}: {error.strerror})"
        ) from None
    finally:
        world.private.pop(here, None)
