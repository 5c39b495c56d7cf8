"""Puts the controller together for this process: keys, connections, kinds of targets."""

from __future__ import annotations

import shlex
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from tenants.models import Repository, SyncTarget
from tenants.sandbox_note import sandbox_note
from tenants.secrets import Opener
from workers import ssh
from workers.controller import Controller
from workers.dialers import Dialers
from workers.errands.account_checks import AccountCheck
from workers.errands.feed_watcher import FeedWatcher
from workers.errands.git_hosts import GitHosts
from workers.errands.image_courier import ImageCourier
from workers.errands.ownership import Notary
from workers.errands.preparing import Preparations
from workers.errands.scout import Scout
from workers.errands.webhook_sender import WebhookSender
from workers.firewall.client import helper_command
from workers.lookups import Dns, DnsResolver, NoResolver
from workers.lookups.referral import AskAbove
from workers.outward import Fetcher, Poster, poster_here
from workers.sandbox.builds import fetcher_here
from workers.sandbox.client import ControlClient, ControlError
from workers.sandbox.firewall import helper_of
from workers.sandbox.servers import SandboxServers
from workers.sandbox.stack.places import place_here
from workers.targets.albatross_host import WATCH_SECONDS, AlbatrossHost
from workers.targets.dynamic_update import DynamicUpdate
from workers.targets.firewall import HostFirewall
from workers.targets.reader_service import as_it_is
from workers.targets.relay_repository import RelayRepository
from workers.targets.reload import Automatic, ByHand, PerRepository, Reloader
from workers.targets.stack import MailStack
from workers.targets.stack_git import GitRights
from workers.targets.stack_looks import Probes
from workers.targets.upgrade_looks import UpgradeEyes
from workers.targets.upgrade_trial import CanaryAccount, HostConnections, Trials
from workers.targets.zone_repository import ZoneRepository


@lru_cache(maxsize=1)
def opener() -> Opener:
    return Opener()


@lru_cache(maxsize=1)
def dialers() -> Dialers:
    """To what organizations named. Nothing leaves the machine of a sandbox, whatever a row says."""
    return Dialers(settings.NEAR_NETWORKS, here=settings.SANDBOX)


@lru_cache(maxsize=1)
def pool() -> ssh.ConnectionPool:
    """Connections to git hosts."""
    return ssh.ConnectionPool(dialer=dialers().ssh)


@lru_cache(maxsize=1)
def host_pool() -> ssh.ConnectionPool:
    """Connections to hosts. Operators connect those, often at private addresses."""
    return ssh.ConnectionPool(dialer=dialers().ssh) if settings.SANDBOX else ssh.ConnectionPool()


@lru_cache(maxsize=1)
def account_check() -> AccountCheck:
    return AccountCheck(opener(), pool(), timedelta(seconds=settings.CHECK_SECONDS))


@lru_cache(maxsize=1)
def git_hosts() -> GitHosts:
    return GitHosts(opener(), pool())


@lru_cache(maxsize=1)
def preparations() -> Preparations:
    return Preparations(opener(), host_pool())


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
    return ImageCourier(_fetcher())


@lru_cache(maxsize=1)
def the_feed_watcher() -> FeedWatcher:
    return FeedWatcher(_fetcher())


def _fetcher() -> Fetcher:
    """A sandbox fetches from its own build server only."""
    return fetcher_here(sandbox_note) if settings.SANDBOX else Fetcher()


@lru_cache(maxsize=1)
def the_webhook_sender() -> WebhookSender:
    return WebhookSender(poster_here() if settings.SANDBOX else Poster(), opener())


@lru_cache(maxsize=1)
def controller() -> Controller:
    """One per process; open mirrors live in it."""
    reloaders: dict[str, Reloader] = {Repository.Reload.HAND: ByHand()}
    if settings.SANDBOX:
        servers = SandboxServers(ControlClient(settings.SANDBOX_CONTROL))
        reloaders[Repository.Reload.SANDBOX] = Automatic(servers, (ControlError, OSError))
    relay = RelayRepository(opener=opener(), pool=pool(), reloader=PerRepository(reloaders))
    zones = ZoneRepository(opener=opener(), pool=pool(), dial=dialers().name_server)
    updates = DynamicUpdate(opener=opener(), dial=dialers().name_server)
    place = place_here(sandbox_note) if settings.SANDBOX else as_it_is
    # What the sandbox runs ends after its first tick, a second from its start, or not by itself.
    watched = 1.5 if settings.SANDBOX else WATCH_SECONDS
    host = AlbatrossHost(opener=opener(), pool=host_pool(), place=place, watch_seconds=watched)
    firewall = HostFirewall(opener=opener(), pool=host_pool(), command=_helper_command())
    eyes = UpgradeEyes(
        Probes(opener(), host_pool(), place),
        Trials(opener(), host_pool(), place, CanaryAccount(opener())),
        HostConnections(opener(), host_pool(), _helper_command()),
    )
    stack = MailStack(git=GitRights(opener(), pool()), eyes=eyes)
    return Controller(
        kinds={
            SyncTarget.Kind.RELAY_REPOSITORY: relay,
            SyncTarget.Kind.ZONE_REPOSITORY: zones,
            SyncTarget.Kind.DYNAMIC_UPDATE: updates,
            SyncTarget.Kind.ALBATROSS_HOST: host,
            SyncTarget.Kind.FIREWALL: firewall,
            SyncTarget.Kind.STACK: stack,
        }
    )


def _helper_command() -> str:
    """A sandbox has a firewall of its own: whatever a row says, this machine's is not touched."""
    if not settings.SANDBOX:
        return helper_command()
    return shlex.quote(str(helper_of(Path(settings.SANDBOX_CONTROL).parent)))
