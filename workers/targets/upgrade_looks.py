"""What a pass finds about each phase of an upgrade: read from other targets' proofs, asked, or counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tenants.actions.upgrade_passes import unikernels_of
from tenants.formats.firewall.connections import Connection
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.phases import FIREWALL, Found, Standing, State
from tenants.formats.stacks.upgrade_phases import (
    DRAIN,
    FLIP,
    REMOVE,
    TRIAL,
    WATCH,
    WATCH_SECONDS,
    drained,
    tried,
)
from tenants.models import Firewall, Release, Run, Stack, Unikernel, Upgrade
from tenants.upgrade_standings import changed_roles
from workers.outcome import Setback
from workers.probes import Proved, Silent
from workers.targets.stack_looks import Ask, Looks, ended, reached, said

Connections = Callable[[Stack, tuple[str, ...]], tuple[Connection, ...] | None]
"""Which connections of these addresses stand; None where the host does not tell."""
_MOST_TOLD = 10
_NOT_KNOWN = "not known: the host does not tell which connections stand"


@dataclass(frozen=True)
class UpgradeEyes:
    """`ask` asks whether a role serves, `try_out` goes through a whole conversation with it."""

    ask: Ask
    try_out: Ask
    connections: Connections


@dataclass(frozen=True)
class UpgradeLooks:
    """One look at an upgrade. `kept` is how its phases stood."""

    upgrade: Upgrade
    kept: Mapping[str, Standing]
    now: datetime
    eyes: UpgradeEyes

    def at(self, phase: str) -> Found:
        match phase:
            case _ if phase == FIREWALL:
                return self._firewall()
            case _ if phase == FLIP:
                return self._flip()
            case _ if phase in (TRIAL, WATCH, DRAIN):
                return self._only_looked(phase)
            case _ if phase == REMOVE:
                return self._remove()
        beside, _ = changed_roles(self.upgrade)
        if self._returns:
            return self._beside_gone(phase) if phase in beside else self._put_back(phase)
        return self._beside(phase) if phase in beside else self._replaced(phase)

    @property
    def _returns(self) -> bool:
        return self.upgrade.state == Upgrade.State.RETURNING

    def _before(self, phase: str) -> Standing:
        return self.kept.get(phase, Standing())

    def _looks(self) -> Looks:
        return Looks(self.upgrade.stack, self.kept, self.now, self.eyes.ask)

    # the firewall ---------------------------------------------------------------------------------

    def _firewall(self) -> Found:
        """Its rules are there as long as the upgrade is on its way: they go with its end."""
        if self._returns:
            beside, _ = changed_roles(self.upgrade)
            left = unikernels_of(self.upgrade, self.upgrade.after, beside)
            return Found(gone=not left)
        return self._rules(FIREWALL)

    def _flip(self) -> Found:
        stack = self.upgrade.stack
        if not self._returns:
            there = stack.release_id == self.upgrade.after_id
            return self._rules(FLIP) if there else Found()
        if stack.release_id == self.upgrade.after_id:
            return Found(written=True)
        if self._before(FLIP).state is State.PENDING or self._enabled() is None:
            return Found(gone=True)
        seen = self._rules("")
        return Found(waiting=seen.waiting, problem=seen.problem, gone=seen.proof is not None)

    def _rules(self, phase: str) -> Found:
        before = self._before(phase)
        if before.state is State.PROVED:
            return Found(True, proof=before.proof)
        row = self._enabled()
        if row is None:
            return Found(True, problem="Rookery keeps no rules in the host's firewall any more.")
        return replace(reached(row.sync_target, row.sync_target.generation), written=True)

    def _enabled(self) -> Firewall | None:
        host = self.upgrade.stack.share.host_id
        return Firewall.objects.filter(host=host, enabled=True).select_related("sync_target").first()

    # the new ones ---------------------------------------------------------------------------------

    def _beside(self, role: str) -> Found:
        row = self._row(self.upgrade.after, role)
        if row is None:
            return Found(problem="Its unikernel was deleted.")
        return self._looks().running(role, row)

    def _beside_gone(self, role: str) -> Found:
        label = self.upgrade.after.labels[role]
        rows = Unikernel.objects.filter(share=self.upgrade.stack.share_id, name=label)
        row = rows.select_related("share__sync_target").first()
        if row is None:
            return Found(gone=True)
        target = row.share.sync_target
        deleted = row.deleted_at is not None
        proved = deleted and row.generation <= target.observed_generation
        return Found(written=not deleted, waiting=said(target), gone=proved)

    def _row(self, release: Release, role: str) -> Unikernel | None:
        return next(iter(unikernels_of(self.upgrade, release, [role])), None)

    # in place -------------------------------------------------------------------------------------

    def _replaced(self, role: str) -> Found:
        row = self._row(self.upgrade.after, role)
        if row is None:
            return Found(problem="Its unikernel was deleted.")
        if not _is(row, self.upgrade.after, role):
            return Found()
        return self._served_again(role, row, self._looks().running(role, row))

    def _put_back(self, role: str) -> Found:
        """One that was never replaced, or that is there no more, has nothing to be put back."""
        row = self._row(self.upgrade.before, role)
        if row is None:
            return Found(gone=True)
        if not _is(row, self.upgrade.before, role):
            return Found(written=True)
        if self._before(role).state is State.PENDING:
            return Found(gone=True)
        seen = self._looks().running(role, row)
        seen = self._served_again(role, row, seen)
        return replace(seen, written=False, gone=seen.proof is not None)

    def _served_again(self, role: str, row: Unikernel, seen: Found) -> Found:
        """With the outage, at most as long as it was: from the first run that could have ended the old one,
        until it answers and the host said that the new one is there."""
        before = self._before(role)
        if seen.proof is None or before.state is State.PROVED:
            return seen
        target = row.share.sync_target
        if row.generation > target.observed_generation:
            return replace(seen, proof=None, waiting=said(target))
        began = before.began or self.now
        runs = Run.objects.filter(
            target=target, mode=Run.Mode.APPLY, generation__gte=row.generation, started_at__gte=began
        )
        first = runs.order_by("started_at").values_list("started_at", flat=True).first()
        since = min(first or began, self.now)
        seconds = max(1, round((self.now - since).total_seconds()))
        told = f"at most {seconds} seconds, from {since:%H:%M:%S} to {self.now:%H:%M:%S} UTC"
        return replace(seen, proof={**seen.proof, "outage": told})

    # looked at only -------------------------------------------------------------------------------

    def _only_looked(self, phase: str) -> Found:
        if self._returns:
            return Found(gone=True)
        before = self._before(phase)
        if before.state is State.PROVED:
            return Found(True, proof=before.proof)
        if before.state is not State.DOING:
            return Found()
        if phase == TRIAL:
            return self._trial()
        return self._watch(before) if phase == WATCH else self._drain(before)

    def _trial(self) -> Found:
        proof: dict[str, str] = {}
        beside, _ = changed_roles(self.upgrade)
        for role in tried(beside):
            address = self._address(self.upgrade.after, role)
            seen = _calmly(self.eyes.try_out, self.upgrade.stack, role, address)
            if isinstance(seen, Silent):
                return Found(True, waiting=f"The new {ROLES[role].title}: {seen.problem}.")
            proof |= {f"{ROLES[role].title}, {name}": value for name, value in seen.proof.items()}
        return Found(True, proof=proof)

    def _watch(self, before: Standing) -> Found:
        beside, in_place = changed_roles(self.upgrade)
        silent = []
        for role in (name for name in ROLES if name in beside | in_place):
            row = self._row(self.upgrade.after, role)
            problem = "Its unikernel was deleted." if row is None else ended(row)
            if row is None or problem:
                return Found(True, problem=f"The {ROLES[role].title}: {problem}")
            seen = self._looks().probed(role, row, self._before(role))
            if seen.proof is None:
                silent.append(f"The {ROLES[role].title}: {seen.waiting}")
        if silent:
            return Found(True, waiting=" ".join(silent))
        lasted = int((self.now - (before.began or self.now)).total_seconds())
        if lasted < WATCH_SECONDS:
            return Found(True, waiting=f"All answer, for {lasted} of {WATCH_SECONDS} seconds.")
        return Found(True, proof={"answered": f"all of them, for {lasted} seconds"})

    def _drain(self, before: Standing) -> Found:
        beside, _ = changed_roles(self.upgrade)
        places = tuple(self._address(self.upgrade.before, role) for role in ROLES if role in beside)
        open_ones = self.eyes.connections(self.upgrade.stack, places)
        count = len(open_ones) if open_ones is not None else None
        if drained(count, self.now - (before.began or self.now)):
            return Found(True, proof={"cut": _told(open_ones)})
        if open_ones is None:
            return Found(True, waiting=f"Open connections are {_NOT_KNOWN}. A while is waited for them.")
        return Found(True, waiting=f"Still open: {_told(open_ones)}." if open_ones else "None is open.")

    def _address(self, release: Release, role: str) -> str:
        return str(next(part["address"] for part in release.parts if part["role"] == role))

    # the old ones' end ----------------------------------------------------------------------------

    def _remove(self) -> Found:
        if self._returns:
            return Found(gone=True)
        before = self._before(REMOVE)
        if before.state is State.PROVED:
            return Found(True, proof=before.proof)
        if before.state is not State.DOING:
            return Found()
        upgrade = self.upgrade
        beside, _ = changed_roles(upgrade)
        labels = [label for role, label in upgrade.before.labels.items() if role in beside]
        rows = Unikernel.objects.filter(share=upgrade.stack.share_id, name__in=labels)
        left, target = unikernels_of(upgrade, upgrade.before, beside), upgrade.stack.share.sync_target
        leaving = rows.exclude(deleted_at=None).filter(generation__gt=target.observed_generation)
        if leaving.exists():
            # A few at a time: the next ones when the end of these is proved.
            return Found(True, waiting=said(target))
        proof = {"removed": ", ".join(sorted(labels))}
        return Found() if left else Found(True, proof=proof)


def _is(row: Unikernel, release: Release, role: str) -> bool:
    part = next(each for each in release.parts if each["role"] == role)
    return row.running and row.image.sha256 == part["image"] and row.arguments == part["arguments"]


def _calmly(ask: Ask, stack: Stack, role: str, address: str) -> Proved | Silent:
    try:
        return ask(stack, role, address)
    except Setback as setback:
        return Silent(setback.sentence.removesuffix("."))


def _told(connections: Iterable[Connection] | None) -> str:
    if connections is None:
        return _NOT_KNOWN
    lines = [str(each) for each in connections]
    more = f", and {len(lines) - _MOST_TOLD} more" if len(lines) > _MOST_TOLD else ""
    return ", ".join(lines[:_MOST_TOLD]) + more if lines else "none"
