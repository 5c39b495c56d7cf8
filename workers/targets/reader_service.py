"""Whether what was restarted serves: a relay is restarted only after its submission answers on its port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address

from django.utils import timezone

from tenants.formats.restarts import RELAY, SUBMISSION
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import ProbeKind
from tenants.models import Host, HostShare, RepositoryReader
from workers.hosting.readiness import PortDialer, wait_for_banner
from workers.targets.base import Pass
from workers.targets.host_connection import HostAccess
from workers.targets.relay_readers import wake

Place = Callable[[Host, IPv4Address, int], tuple[IPv4Address, int] | None]
"""Where the port of a unikernel is for its host; None: it cannot be asked there."""
Serving = RepositoryReader.Serving
# A certificate may take minutes; what takes something away from somebody waits no longer than this.
PATIENCE = timedelta(minutes=2)
_ASK_AGAIN, _ASKED_OFTEN = timedelta(seconds=10), timedelta(minutes=15)
_MOST_ASKED = 4
_NO_WAY = "not probed: this host is reached by its TLS endpoint alone"
_NO_ADDRESS = "not probed: it has no address in a network of Rookery"
_NOT_HERE = "not probed: its address is not reachable here"


def as_it_is(host: Host, address: IPv4Address, port: int) -> tuple[IPv4Address, int] | None:
    """On a real host: nothing but an address of a private network is asked."""
    usable = address.is_private and not (address.is_loopback or address.is_link_local)
    return (address, port) if usable else None


@dataclass(frozen=True)
class Service:
    """Asks servers on one host. `seconds`: how long a restarted one is waited for in a pass."""

    host: Host
    dialer: PortDialer | None
    place: Place
    seconds: float

    @classmethod
    def on(cls, access: HostAccess, place: Place, seconds: float) -> Service:
        return cls(access.host, access.port_dialer(), place, seconds)

    def ask(self, row: RepositoryReader, seconds: float) -> tuple[Serving, str]:
        """Whether it answers on the port of its role, and why that is not known."""
        probe = ROLES[row.role].probe
        if self.dialer is None:
            return Serving.NOT_PROBED, _NO_WAY
        given = row.unikernel.addresses.order_by("device").first()
        if given is None:
            return Serving.NOT_PROBED, _NO_ADDRESS
        place = self.place(self.host, IPv4Address(given.address), probe.port)
        if place is None:
            return Serving.NOT_PROBED, _NOT_HERE
        tls = probe.kind is ProbeKind.SMTPS
        problem = wait_for_banner(self.dialer, place, tls=tls, seconds=seconds)
        return (Serving.NO, problem) if problem else (Serving.YES, "")

    def after_restart(self, current: Pass, reader: int) -> str:
        """Wait for it and note what came of it; a sentence when it does not serve, else ""."""
        row = _row(reader)
        if row is None:
            return ""
        port = ROLES[row.role].probe.port
        current.note(f"Waiting for {row.unikernel} on port {port}, at most {self.seconds:.0f} s")
        return self._keep(current, row, *self.ask(row, self.seconds))

    def ask_again(self, current: Pass, share: HostShare) -> None:
        """Those of this part that did not answer the last time: once each."""
        rows = RepositoryReader.objects.filter(unikernel__share=share, serving=Serving.NO).order_by("pk")
        for row in rows.select_related("unikernel", "repository__sync_target")[:_MOST_ASKED]:
            if row.should_run:
                self._keep(current, row, *self.ask(row, 0.0))

    def _keep(self, current: Pass, row: RepositoryReader, serving: Serving, why: str) -> str:
        port, changed = ROLES[row.role].probe.port, (row.serving, row.serving_why) != (serving, why[:300])
        row.serving, row.serving_why = serving, why[:300]
        if changed:
            with current.write():
                RepositoryReader.objects.filter(pk=row.pk).update(serving=serving, serving_why=why[:300])
            wake(row.repository.sync_target, current.now)
        if serving == Serving.YES:
            current.note(f"{row.unikernel} answers on port {port}")
            wake_others(current, row)
        else:
            current.note(f"{row.unikernel} on port {port}: {why}")
        return row.silence


def _row(reader: int) -> RepositoryReader | None:
    rows = RepositoryReader.objects.filter(pk=reader)
    return rows.select_related("unikernel", "repository__sync_target").first()


def wake_others(current: Pass, row: RepositoryReader) -> None:
    """What reads the same repository on other hosts, and waited for this one."""
    waiting = RepositoryReader.objects.filter(
        RepositoryReader.WAITING, repository=row.repository_id, due_at__lte=current.now
    )
    for other in waiting.exclude(pk=row.pk).select_related("unikernel__share__sync_target"):
        if other.unikernel.share.sync_target.pk != current.target.pk:
            wake(other.unikernel.share.sync_target, current.now)


def unserved(current: Pass, rows: Sequence[RepositoryReader]) -> dict[int, str]:
    """By reader: why a relay had better wait, as its submission was restarted and does not serve."""
    relays = [row for row in rows if row.role == RELAY]
    silent = RepositoryReader.objects.filter(
        repository__in={row.repository_id for row in relays}, role=SUBMISSION, serving=Serving.NO
    ).select_related("unikernel")
    found: dict[int, str] = {}
    for each in silent:
        since = current.now - (each.restarted_at or current.now)
        for row in relays:
            if row.repository_id == each.repository_id and each.should_run:
                if row.urgent and since > PATIENCE:
                    continue
                found[row.pk] = f"{row.unikernel} waits until {each.unikernel} serves. {each.silence}"
    return found


def ask_soon(current: Pass, share: HostShare) -> None:
    """Come back for what does not serve yet: often for some minutes, then at the usual looks."""
    recent = timezone.now() - _ASKED_OFTEN
    rows = RepositoryReader.objects.filter(
        unikernel__share=share, serving=Serving.NO, restarted_at__gt=recent, unikernel__running=True
    )
    if rows.exists():
        wake(current.target, current.now + _ASK_AGAIN)
