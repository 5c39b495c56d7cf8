"""The new ones of an upgrade, tried and counted by way of their host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address

from tenants.formats.firewall.connections import Connection
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.text import FormatError
from tenants.models import Canary, Host, Mailbox, Stack
from tenants.secrets import Opener, Purpose
from tenants.stack_wishes import relay_of
from workers import ssh
from workers.firewall import FirewallClient, FirewallError
from workers.outcome import Setback
from workers.probes import Entry, Proved, Silent, Trial, try_server
from workers.targets.host_connection import HostAccess, outcomes, ssh_endpoint
from workers.targets.reader_service import Place

ONE_TRIAL = 6.0


@dataclass(frozen=True)
class TrialAccount:
    """Who signs in to try a submission server, and gets what is asked of a receiver."""

    address: str
    passphrase: str = field(repr=False)


AccountOf = Callable[[Stack], TrialAccount | None]


@dataclass(frozen=True)
class CanaryAccount:
    """The canary of the stack, once the relay's repository has it."""

    opener: Opener

    def __call__(self, stack: Stack) -> TrialAccount | None:
        canary = Canary.objects.filter(stack=stack).select_related("stack__domain").first()
        relay = relay_of(stack.domain)
        if canary is None or relay is None or relay.sync_target.observed_generation < canary.generation:
            return None
        return TrialAccount(str(canary), self.opener.open(Purpose.CANARY, bytes(canary.sealed_secret)))


@dataclass(frozen=True)
class Trials:
    """Raises Setback when the host itself cannot be asked."""

    opener: Opener
    pool: ssh.ConnectionPool
    place: Place
    account: AccountOf

    def __call__(self, stack: Stack, role: str, address: str) -> Proved | Silent:
        host = stack.share.host
        dialer = HostAccess.of(host, self.opener, self.pool).port_dialer()
        place = self.place(host, IPv4Address(address), ROLES[role].probe.port)
        if dialer is None or place is None:
            return Proved({"not tried": "its address is not reachable from here"})
        account, now = self.account(stack), datetime.now().astimezone()
        if role == "submission":
            own = account.address if account is not None else ""
            secret = account.passphrase if account is not None else ""
            trial = Trial(Entry.TLS, stack.submission_host, now, own, own, secret)
        else:
            someone = account.address if account is not None else _someone(stack)
            trial = Trial(Entry.STARTTLS, stack.domain.name, now, someone)
        with outcomes(host):
            return try_server(dialer, place, trial, seconds=ONE_TRIAL)


def _someone(stack: Stack) -> str:
    rows = Mailbox.objects.filter(domain=stack.domain_id, enabled=True, reached=True, trashed_at=None)
    row = rows.select_related("domain").order_by("pk").first()
    return f"{row.local_part}@{stack.domain.name}" if row is not None else ""


@dataclass(frozen=True)
class HostConnections:
    """Asks the helper of the host's firewall; `command` is the beginning of its line."""

    opener: Opener
    pool: ssh.ConnectionPool
    command: str

    def __call__(self, stack: Stack, addresses: tuple[str, ...]) -> tuple[Connection, ...] | None:
        host = stack.share.host
        if host.transport != Host.Transport.SSH:
            return None
        client = FirewallClient(self.pool, ssh_endpoint(host, self.opener), self.command)
        try:
            with outcomes(host):
                return client.connections(addresses)
        except (FirewallError, FormatError, Setback):
            return None
