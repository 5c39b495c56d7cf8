"""Puts the controller together for this process: keys, connections, kinds of targets."""

from __future__ import annotations

import ipaddress
import shlex
import socket
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from tenants.formats.public_addresses import is_public
from tenants.models import Repository, SyncTarget
from tenants.sandbox_note import sandbox_note
from tenants.secrets import Opener
from workers import ssh
from workers.accounts import AccountCheck
from workers.controller import Controller
from workers.firewall.client import helper_command
from workers.git_hosts import GitHosts
from workers.image_courier import ImageCourier
from workers.lookups import Dns, DnsResolver, NoResolver
from workers.lookups.referral import AskAbove
from workers.outward import Fetcher
from workers.ownership import Notary
from workers.preparing import Preparations
from workers.sandbox.builds import fetcher_here
from workers.sandbox.client import ControlClient, ControlError
from workers.sandbox.firewall import helper_of
from workers.sandbox.servers import SandboxServers
from workers.scout import Scout
from workers.targets.albatross_host import AlbatrossHost
from workers.targets.dynamic_update import DynamicUpdate
from workers.targets.firewall import HostFirewall
from workers.targets.relay_repository import RelayRepository
from workers.targets.reload import Automatic, ByHand, PerRepository, Reloader
from workers.targets.zone_repository import ZoneRepository
from workers.zone.server import connect


@lru_cache(maxsize=1)
def opener() -> Opener:
    return Opener()


@lru_cache(maxsize=1)
def pool() -> ssh.ConnectionPool:
    return ssh.ConnectionPool()


@lru_cache(maxsize=1)
def account_check() -> AccountCheck:
    return AccountCheck(opener(), pool(), timedelta(seconds=settings.CHECK_SECONDS))


@lru_cache(maxsize=1)
def git_hosts() -> GitHosts:
    return GitHosts(opener(), pool())


@lru_cache(maxsize=1)
def preparations() -> Preparations:
    return Preparations(opener(), pool())


@lru_cache(maxsize=1)
def the_scout() -> Scout:
    """A sandbox asks its own resolver or nobody: nothing may leave the machine."""
    return Scout(_dns())


def _dns() -> Dns:
    if settings.SANDBOX and not settings.RESOLVERS:
        return NoResolver()
    return DnsResolver(settings.RESOLVERS)


@lru_cache(maxsize=1)
def the_notary() -> Notary:
    """In a sandbox, the server above all domains is the sandbox's own and may listen on another port."""
    return Notary(_dns(), AskAbove(_port_above() if settings.SANDBOX else 53))


def _port_above() -> int:
    try:
        return int(sandbox_note()["primary"]["above"][1])
    except (OSError, ValueError, KeyError, TypeError):
        return 53


@lru_cache(maxsize=1)
def the_courier() -> ImageCourier:
    """A sandbox fetches from its own build server only."""
    return ImageCourier(fetcher_here(sandbox_note) if settings.SANDBOX else Fetcher())


@lru_cache(maxsize=1)
def controller() -> Controller:
    """One per process; open mirrors live in it."""
    reloaders: dict[str, Reloader] = {Repository.Reload.HAND: ByHand()}
    if settings.SANDBOX:
        servers = SandboxServers(ControlClient(settings.SANDBOX_CONTROL))
        reloaders[Repository.Reload.SANDBOX] = Automatic(servers, (ControlError, OSError))
    relay = RelayRepository(opener=opener(), pool=pool(), reloader=PerRepository(reloaders))
    zones = ZoneRepository(opener=opener(), pool=pool(), dial=_only_here if settings.SANDBOX else connect)
    updates = DynamicUpdate(opener=opener(), dial=_only_here if settings.SANDBOX else _only_public)
    host = AlbatrossHost(opener=opener(), pool=pool())
    return Controller(
        kinds={
            SyncTarget.Kind.RELAY_REPOSITORY: relay,
            SyncTarget.Kind.ZONE_REPOSITORY: zones,
            SyncTarget.Kind.DYNAMIC_UPDATE: updates,
            SyncTarget.Kind.ALBATROSS_HOST: host,
            SyncTarget.Kind.FIREWALL: HostFirewall(opener=opener(), pool=pool(), command=_helper_command()),
        }
    )


def _helper_command() -> str:
    """A sandbox has a firewall of its own: whatever a row says, this machine's is not touched."""
    if not settings.SANDBOX:
        return helper_command()
    return shlex.quote(str(helper_of(Path(settings.SANDBOX_CONTROL).parent)))


def _only_here(address: str, port: int, kind: socket.SocketKind, timeout: float) -> socket.socket:
    """Nothing leaves the machine of a sandbox, whatever a row says."""
    if not ipaddress.ip_address(address).is_loopback:
        raise OSError(f"{address} lies outside the sandbox")
    return connect(address, port, kind, timeout)


def _only_public(address: str, port: int, kind: socket.SocketKind, timeout: float) -> socket.socket:
    """An address that an organization typed is no door into the network around this machine."""
    if not is_public(ipaddress.ip_address(address)):
        raise OSError(f"{address} is not an address of the public Internet")
    return connect(address, port, kind, timeout)
