"""Puts the controller together for this process: keys, connections, kinds of targets."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from django.conf import settings

from tenants.models import Repository, SyncTarget
from tenants.secrets import Opener
from workers import ssh
from workers.accounts import AccountCheck
from workers.controller import Controller
from workers.lookups import Dns, DnsResolver, NoResolver
from workers.sandbox.client import ControlClient, ControlError
from workers.sandbox.servers import SandboxServers
from workers.scout import Scout
from workers.targets.albatross_host import AlbatrossHost
from workers.targets.relay_repository import RelayRepository
from workers.targets.reload import Automatic, ByHand, PerRepository, Reloader


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
def the_scout() -> Scout:
    """A sandbox asks its own resolver or nobody: nothing may leave the machine."""
    dns: Dns = DnsResolver(settings.RESOLVERS)
    if settings.SANDBOX and not settings.RESOLVERS:
        dns = NoResolver()
    return Scout(dns)


@lru_cache(maxsize=1)
def controller() -> Controller:
    """One per process; open mirrors live in it."""
    reloaders: dict[str, Reloader] = {Repository.Reload.HAND: ByHand()}
    if settings.SANDBOX:
        servers = SandboxServers(ControlClient(settings.SANDBOX_CONTROL))
        reloaders[Repository.Reload.SANDBOX] = Automatic(servers, (ControlError, OSError))
    relay = RelayRepository(opener=opener(), pool=pool(), reloader=PerRepository(reloaders))
    host = AlbatrossHost(opener=opener(), pool=pool())
    return Controller(kinds={SyncTarget.Kind.RELAY_REPOSITORY: relay, SyncTarget.Kind.ALBATROSS_HOST: host})
