"""What a pass finds about each phase of a mail stack: read from other targets' proofs, or asked outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address

from django.db.models import Max

from tenants.actions.stack_records import mx_set, says, sets_of
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import Probe, ProbeKind
from tenants.formats.stacks.phases import FIREWALL, MX, OPEN, RECORDS, Found, Standing, State
from tenants.formats.zones.stored import stored_texts
from tenants.left_alone import left_alone
from tenants.models import Condition, Firewall, Run, Stack, SyncTarget, TsigKey, Unikernel, Zone
from tenants.secrets import Opener
from tenants.stack_wishes import zone_of
from workers import ssh
from workers.outcome import Setback
from workers.probes import Expected, Proved, Silent, ask_role
from workers.targets.host_connection import HostAccess, outcomes
from workers.targets.reader_service import Place

ONE_PROBE = 2.0
_PUSHED = "primary-unreachable"
Ask = Callable[[Stack, str, str], Proved | Silent]
"""Ask a role at an address whether it serves. Given the stack, the role and its private address."""


@dataclass(frozen=True)
class Probes:
    """Asks roles from the host that they run on. Raises Setback when the host itself cannot be asked."""

    opener: Opener
    pool: ssh.ConnectionPool
    place: Place

    def __call__(self, stack: Stack, role: str, address: str) -> Proved | Silent:
        probe: Probe = ROLES[role].probe
        host = stack.share.host
        access = HostAccess.of(host, self.opener, self.pool)
        dialer = access.port_dialer()
        if dialer is None:
            return Proved({"not probed": "this host is reached by its TLS endpoint alone"})
        place = self.place(host, IPv4Address(address), probe.port)
        if place is None:
            return Proved({"not probed": "its address is not reachable from here"})
        name = stack.submission_host if probe.kind is ProbeKind.SMTPS else stack.domain.name
        expected = Expected(stack.domain.name, name, datetime.now().astimezone())
        with outcomes(host):
            return ask_role(dialer, place, probe.kind, expected, seconds=ONE_PROBE)


@dataclass(frozen=True)
class Looks:
    """One look at a stack. `kept` is how its phases stood."""

    stack: Stack
    kept: Mapping[str, Standing]
    now: datetime
    ask: Ask

    def at(self, phase: str) -> Found:
        before = self.kept.get(phase, Standing())
        if phase in (RECORDS, MX) and self._as_it_was and before.state is State.PROVED:
            return Found(True, proof=before.proof)
        if phase in (FIREWALL, OPEN):
            return self._firewall(phase)
        if phase == RECORDS:
            return self._records()
        return self._mx() if phase == MX else self._role(phase)

    @property
    def _as_it_was(self) -> bool:
        """Was it taken over, so that nothing of it is put right by itself?"""
        return self.stack.adopted_at is not None and self.stack.wanted == Stack.Wanted.RUNNING

    # the zone -------------------------------------------------------------------------------------

    def _records(self) -> Found:
        zone = zone_of(self.stack.domain)
        if zone is None or not zone.is_kept:
            return _no_zone(gone=True)
        target = SyncTarget.objects.get(pk=zone.target_id)
        rows = TsigKey.objects.filter(used_in_stacks__stack=self.stack)
        newest = rows.aggregate(newest=Max("generation"))["newest"] or 0
        own = "primary" in self._labels
        seen = reached(target, max(zone.generation, newest), even_if_silent=own)
        if self.stack.wanted == Stack.Wanted.REMOVED:
            left = rows.filter(removed=False).exists()
            return Found(written=left, waiting=seen.waiting, gone=not left and seen.proof is not None)
        return self._joined(RECORDS, says(zone, sets_of(self.stack)), seen)

    def _mx(self) -> Found:
        zone = zone_of(self.stack.domain)
        if zone is None or not zone.is_kept:
            return _no_zone(gone=True)
        target = SyncTarget.objects.get(pk=zone.target_id)
        seen = reached(target, zone.generation, even_if_silent=False)
        written = says(zone, (mx_set(self.stack),))
        there = written or _has_mx(zone, self.stack)
        if self.stack.wanted != Stack.Wanted.RUNNING:
            silent = reached(target, zone.generation, even_if_silent=True)
            return Found(there, waiting=silent.waiting, gone=not there and silent.proof is not None)
        return self._joined(MX, written, seen)

    # the firewall ---------------------------------------------------------------------------------

    def _firewall(self, phase: str) -> Found:
        states = Stack.Firewall
        state = self.stack.firewall
        if state == states.OTHERS:
            # What leads here is none of ours: it stays when the stack goes.
            gone = self._leaves if phase == OPEN else self.stack.wanted == Stack.Wanted.REMOVED
            return Found(gone=True) if gone else Found(True, proof={"others": "their rules lead here"})
        written = state == states.OPEN or (phase == FIREWALL and state == states.PREPARED)
        row = Firewall.objects.filter(host=self.stack.share.host_id).select_related("sync_target").first()
        leaves = self._leaves if phase == OPEN else self.stack.wanted == Stack.Wanted.REMOVED
        if row is None or not row.enabled:
            problem = "" if leaves else "Rookery keeps no rules in the host's firewall any more."
            return Found(written, problem=problem, gone=not written)
        seen = reached(row.sync_target, row.sync_target.generation, even_if_silent=False)
        if leaves:
            return Found(written, waiting=seen.waiting, gone=not written and seen.proof is not None)
        return self._joined(phase, written, seen)

    def _joined(self, phase: str, written: bool, seen: Found) -> Found:
        """What another target has proved is ours only when desired state says it. It stays proved when that
        target is asked for something else."""
        before = self.kept.get(phase, Standing())
        if written and before.state is State.PROVED:
            return Found(True, proof=before.proof)
        return replace(seen, written=True) if written else Found()

    @property
    def _leaves(self) -> bool:
        return self.stack.wanted != Stack.Wanted.RUNNING

    # roles ----------------------------------------------------------------------------------------

    @property
    def _labels(self) -> Mapping[str, str]:
        return self.stack.release.labels if self.stack.release is not None else {}

    def _role(self, role: str) -> Found:
        rows = Unikernel.objects.filter(share=self.stack.share_id, name=self._labels.get(role, ""))
        row = rows.select_related("share__sync_target").first()
        if self._leaves:
            return self._leaving(row)
        if row is None or row.deleted_at is not None:
            return Found(problem="Its unikernel was deleted. Remove the stack, and make it anew.")
        return self.running(role, row)

    def running(self, role: str, row: Unikernel) -> Found:
        """Whether a unikernel serves as its role; what was proved stays so."""
        if problem := ended(row):
            return Found(True, problem=problem)
        before = self.kept.get(role, Standing())
        if row.running and before.state is State.PROVED:
            return Found(True, proof=before.proof)
        return self.probed(role, row, before) if row.running else Found()

    def _leaving(self, row: Unikernel | None) -> Found:
        """Stopped when it was cancelled, deleted when it is removed; either was proved on the host."""
        target = self.stack.share.sync_target
        if row is None:
            return Found(gone=True)
        proved = row.generation <= target.observed_generation
        if row.deleted_at is not None or self.stack.wanted == Stack.Wanted.REMOVED:
            deleted = row.deleted_at is not None
            return Found(written=not deleted, waiting=said(target), gone=deleted and proved)
        return Found(row.running, waiting=said(target), gone=not row.running and proved)

    def probed(self, role: str, row: Unikernel, before: Standing) -> Found:
        """Ask it now, whatever was proved before."""
        target, probe = row.share.sync_target, ROLES[role].probe
        if probe.kind is ProbeKind.RUNNING:
            return self._kept_running(row, before, probe)
        given = row.addresses.order_by("device").first()
        if given is None:
            return Found(True, problem="It has no address.")
        try:
            seen = self.ask(self.stack, role, given.address)
        except Setback as setback:
            return Found(True, waiting=setback.sentence)
        if isinstance(seen, Proved):
            unsure = "not probed" in seen.proof and row.generation > target.observed_generation
            return Found(True, proof=None if unsure else dict(seen.proof), waiting=said(target))
        about_it = left_alone(target).get(row.name, "") or said(target)
        return Found(True, waiting=f"{probe.reason} So far {seen.problem}. {about_it}".strip())

    def _kept_running(self, row: Unikernel, before: Standing, probe: Probe) -> Found:
        """It has no port: that it did not end within half of its time is all there is to see."""
        target, since = row.share.sync_target, before.began or self.now
        runs = row.generation <= target.observed_generation
        if not runs or self.now - since < timedelta(seconds=probe.within / 2):
            return Found(True, waiting=said(target) or probe.reason)
        return Found(True, proof={"runs": f"since {since:%Y-%m-%d %H:%M:%S} UTC"})


def ended(row: Unikernel) -> str:
    """That it ended by itself though it should run, with its last words; else ""."""
    if not (row.ended and row.running):
        return ""
    words = " / ".join(row.ended_words.splitlines()[-3:])[:600]
    return f"It ended by itself. Its console said last: “{words}”."


def _no_zone(*, gone: bool) -> Found:
    return Found(problem="Rookery keeps no zone for the domain any more.", gone=gone)


def _has_mx(zone: Zone, stack: Stack) -> bool:
    row = zone.record_sets.filter(owner=zone.name, type="MX", absent=False).first()
    return row is not None and bool(set(stored_texts(mx_set(stack))) & set(row.data))


def reached(target: SyncTarget, generation: int, *, even_if_silent: bool = False) -> Found:
    """Was this proved outside? `even_if_silent`: what was pushed is enough, for who reads it starts later."""
    if target.observed_generation >= generation:
        at = f"{target.observed_at:%Y-%m-%d %H:%M:%S} UTC" if target.observed_at else "before"
        return Found(proof={"proved": at})
    if even_if_silent and _pushed(target, generation):
        return Found(proof={"pushed": "the primary reads it when it starts"})
    if target.stop_code and target.stop_generation >= generation:
        return Found(problem=said(target))
    return Found(waiting=said(target))


def _pushed(target: SyncTarget, generation: int) -> bool:
    """A pass over this generation wrote to git, and only then found that the primary does not answer."""
    runs = Run.objects.filter(target=target, mode=Run.Mode.APPLY, generation__gte=generation)
    return runs.filter(state=Run.State.WAITING, outcome=_PUSHED).exists()


def said(target: SyncTarget) -> str:
    """What a target waits for, in its own words; "" while all is well."""
    if target.observed_generation >= target.generation and not target.stop_code:
        return ""
    kinds = (Condition.Type.SYNCED, Condition.Type.REACHABLE)
    row = target.conditions.filter(status=False, type__in=kinds).order_by("-seen_at").first()
    return row.message[:600] if row is not None else f"A worker is about to see to it: {target.place}."
