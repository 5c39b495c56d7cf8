"""The world of the demo's unikernels, put together from the sandbox that runs beside them."""

from __future__ import annotations

from pathlib import Path

from workers.sandbox.certificates import Authority
from workers.sandbox.control import Sandbox
from workers.sandbox.firewall import connections_of, rules_of
from workers.sandbox.git_host import GitHost
from workers.sandbox.names import HostedView
from workers.sandbox.stack.forwarder import Forwarder, NatFile
from workers.sandbox.stack.realm import Realm
from workers.sandbox.stack.standing import Standing
from workers.sandbox.stack.world import GitPlace, SharedPrimary, World

__all__ = ["demo_world"]

_FIRST_REALM = 67
"""The sandbox's blocks begin with 10, so realms with 77."""
_TLS_BITS = 2048
"""Half of ptt's: people wait for the first certificate before their eyes."""


def demo_world(folder: Path, sandbox: Sandbox, git: GitHost) -> tuple[World, Forwarder]:
    """Return the world, and the forwarder of its public ports, which is not started. The sandbox runs, and
    its names hold the stacks' zones from now on."""
    room = folder / "stacks"
    room.mkdir(mode=0o700, parents=True, exist_ok=True)
    realm = Realm(_FIRST_REALM + sandbox.addresses.block)
    nat = NatFile(rules_of(folder))
    world = World(
        folder=room,
        realm=realm,
        git=GitPlace(git.host, git.port, git.public_key),
        mailroom=lambda: sandbox.mailroom_address,
        production=sandbox.authority,
        staging=Authority(room / "staging", "(STAGING) Rookery sandbox"),
        view=HostedView(sandbox.mail_server_of),
        zones=sandbox,
        exchanger=sandbox.exchanger,
        nat=nat,
        shared=SharedPrimary(sandbox.primary_address, sandbox.held),
        tls_bits=_TLS_BITS,
    )
    sandbox.stacks = world
    git.reach = world.reach
    return world, Forwarder(realm, nat, Standing(connections_of(folder)))
