"""The zone repository as a sync target: git over SSH, the primary that reads it, and desired zones."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tenants.actions.zone_proofs import ProvedZone, forget_removed_keys, record_dropped
from tenants.actor import Actor
from tenants.desired_zones import (
    DesiredKeys,
    ZoneName,
    desired_keys,
    desired_zones,
    leaving_zones,
    notifying_keys,
    published_zones,
)
from tenants.formats.text import printable
from tenants.formats.zones.keyfile import key_file_name
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.errors import ZoneFileError
from tenants.formats.zones.serial import newer, next_serial
from tenants.formats.zones.zone_file import emit, read_zone
from tenants.models import SyncTarget
from tenants.secrets import Opener
from workers import ssh, zone
from workers.outcome import NeedsPerson, Retry
from workers.plan import Limits, Plan
from workers.repository import FileChange, NewCommit
from workers.surveying import saw_zones
from workers.targets.base import Findings, Pass, Proof, Statement
from workers.targets.git_target import GitTarget, Tip, may_overwrite, repository_of
from workers.targets.own_copy import mending
from workers.targets.relay_findings import decided
from workers.targets.unproved_zones import unproved_sets
from workers.targets.zone_adoption import Files, strangers, take_over
from workers.targets.zone_primary import Primary, PrimarySilent
from workers.targets.zone_statements import by_hand, find, zone_statements
from workers.targets.zones_shared import (
    Published,
    adopt_drift,
    is_steady,
    kept_proofs,
    named,
    only_looks,
    record_proved,
    run_title,
    told_serials,
)
from workers.zone.server import connect
from workers.zone_plan.decide import DecidedZone, decide_zone
from workers.zone_plan.keys import decide_keys
from workers.zone_plan.leaving import LeavingZone, decide_leaving
from workers.zone_plan.outside import ObservedZone
from workers.zone_plan.plan import MOST_FILE, ZoneLimits, ZonePlan, file_of, zone_plan

# After so many tries a commit that the primary does not read is followed by a newer one.
TOLD_IN_VAIN = 2
_LOOKS, _BETWEEN_LOOKS = 8, 0.15


@dataclass(frozen=True)
class ObservedZones(Published):
    """The branch, and those zones that may differ from what was proved.

    `silent` says why the primary cannot be asked; then only git is known.
    """

    looked: Tip
    files: Mapping[bytes, str] = field(repr=False)
    zones: Mapping[int, ObservedZone] = field(repr=False)
    keys: Sequence[DesiredKeys] = field(repr=False)
    leaving: Sequence[LeavingZone] = ()
    silent: str = ""

    @property
    def tree(self) -> str:
        return self.looked.mirror.commit(self.looked.commit).tree if self.looked.commit else ""


class ZoneRepository(GitTarget):
    """See workers.targets.base.TargetKind."""

    def __init__(
        self,
        *,
        opener: Opener,
        pool: ssh.ConnectionPool,
        mirrors: Path | None = None,
        limits: Limits | None = None,
        dial: zone.Dial = connect,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(opener=opener, pool=pool, mirrors=mirrors, limits=limits or ZoneLimits())
        self._dial = dial
        self._sleep = sleep

    def title(self, target: SyncTarget, plan: Plan | None) -> str:
        return run_title(repository_of(target).short_name, plan)

    # observe --------------------------------------------------------------------------------------

    @mending
    def observe(self, current: Pass) -> ObservedZones:
        target = current.target
        looked = self.look(current)
        files = looked.mirror.files(looked.commit) if looked.commit else {}
        published = tuple(published_zones(target))
        primary = self._primary(current)
        served: dict[int, int | None] = {}
        silent = ""
        leaving = leaving_zones(target)
        for each in (*published, *leaving):
            try:
                served[each.pk] = primary.serial(each.origin)
            except PrimarySilent as error:
                silent = str(error)
                current.note(silent)
                break
        proved = target.proof.get("zones", {})
        unsteady = [
            each
            for each in published
            if each.changed or silent or not is_steady(each, files, served[each.pk], proved)
        ]
        desired = desired_zones(target, [each.pk for each in unsteady])
        zones = {
            each.pk: self._look_at(current, looked, files, each, served.get(each.pk), primary, silent)
            for each in unsteady
        }
        steady = frozenset(each.origin.short for each in published if each.pk not in zones)
        keys = desired_keys(target, self._opener)
        ends = [
            LeavingZone(each.pk, each.origin, files.get(file_of(each.origin), ""), served.get(each.pk))
            for each in leaving
        ]
        return ObservedZones(published, desired, steady, looked, files, zones, keys, ends, silent)

    def _look_at(
        self,
        current: Pass,
        looked: Tip,
        files: Mapping[bytes, str],
        each: ZoneName,
        served: int | None,
        primary: Primary,
        silent: str,
    ) -> ObservedZone:
        blob = files.get(file_of(each.origin), "")
        found = ObservedZone(each.origin, blob, served=served)
        if blob:
            try:
                file = read_zone(looked.mirror.blob(blob, MOST_FILE), each.origin)
                found = replace(found, file=file)
            except ZoneFileError as error:
                found = replace(found, problem=printable(str(error), 300))
        if looked.commit and looked.commit != looked.proved:
            ours = unproved_sets(current.target, looked.mirror, looked.commit, looked.proved, each.origin)
            found = replace(found, written=ours)
        proved = current.target.proof.get("zones", {}).get(each.origin.short, {})
        if served is None or silent or (proved.get("blob"), proved.get("serial")) == (blob, served):
            return found
        transferred = primary.transfer(each.origin)
        if transferred is not None:
            current.note(f"Transferred {each.origin.short}: {len(transferred)} record sets")
            return replace(found, transferred=transferred)
        if found.file is None or newer(served, found.file.soa.serial):
            raise NeedsPerson(
                "transfer-refused",
                f"The primary serves version {served} of {each.origin.short}, which git does not have, and it"
                " does not let Rookery read it.",
                "Restart the primary once, so that it reads the keys in git; then look again.",
            )
        return found

    def describe(self, observed: ObservedZones) -> str:
        if observed.looked.commit is None:
            return "The branch does not exist yet; the first commit makes it."
        count = len(observed.published)
        served = count - sum(each.served is None for each in observed.zones.values())
        how = observed.silent or f"the primary serves {served} of them"
        return f"Tip {observed.looked.commit[:7]}, {count} zone{'s' if count != 1 else ''}; {how}."

    # what is left alone -----------------------------------------------------------------------------

    def adopt(self, current: Pass, observed: ObservedZones) -> str:
        primary = self._primary(current)

        def look_at(each: ZoneName, blob: str) -> ObservedZone:
            served = None if observed.silent else primary.known_serial(each.origin)
            return self._look_at(
                current, observed.looked, {file_of(each.origin): blob}, each, served, primary, observed.silent
            )

        told = take_over(current, _files(observed), look_at)
        return f"{told} {adopt_drift(current, observed, lambda: self.plan(current, observed))}".strip()

    def findings(self, current: Pass, observed: ObservedZones, plan: Plan) -> Findings:
        files = _files(observed)
        saw_zones(current, files.blobs, files.read, self._opener)
        zones = [*(each.origin for each in observed.published), *(each.origin for each in observed.leaving)]
        return find(plan, strangers(current, files, zones))

    # plan -----------------------------------------------------------------------------------------

    @mending
    def plan(self, current: Pass, observed: ObservedZones) -> ZonePlan:
        target = current.target
        overwrite = may_overwrite(target, decided)
        proved = target.proof.get("zones", {})
        zones = [
            decide_zone(
                observed.desired[pk],
                found,
                proved_soa=proved.get(found.origin.short, {}).get("soa", ""),
                push_again=target.failures >= TOLD_IN_VAIN,
                may_overwrite=overwrite,
            )
            for pk, found in observed.zones.items()
        ]
        keys = []
        for each in observed.keys if not only_looks(target, observed, observed.files) else ():
            blob = observed.files.get(key_file_name(each.zone).encode())
            keys.append(decide_keys(each, observed.looked.mirror.blob(blob) if blob else None))
        plan = zone_plan([*zones, *map(decide_leaving, observed.leaving)], keys)
        return replace(plan, commands=by_hand(repository_of(target), plan))

    def statements(self, current: Pass, plan: Plan, findings: Findings) -> Sequence[Statement]:
        return zone_statements(current.target, plan, findings)

    def unchanged(self, current: Pass, observed: ObservedZones, plan: Plan) -> Proof:
        commit = observed.looked.commit
        if observed.silent and (observed.published or observed.leaving):
            raise self._primary(current).silence(observed.silent)
        if commit is None:
            return Proof({}, {}, "Nothing to write yet; the branch is made with the first zone.")
        return self._proof(current, observed, plan, commit, observed.tree, observed.files, "Git agrees")

    # apply and verify -----------------------------------------------------------------------------

    @mending
    def apply(self, current: Pass, observed: ObservedZones, plan: Plan) -> NewCommit | None:
        assert isinstance(plan, ZonePlan)  # noqa: S101 - made above
        primary = self._primary(current)
        if not observed.silent:
            self._require_still(primary, observed, plan)
        new = None
        if plan.files:
            files = [FileChange(name, content) for name, content in sorted(plan.files.items())]
            title = f"{plan.summary()}: {', '.join(named(plan)) or 'keys'}"
            new = self.commit(current, observed.looked, observed.looked.commit, title, files)
        if not observed.silent:
            # What the primary took meanwhile would be lost when it pulls: look again, and merge it first.
            self._require_still(primary, observed, plan)
        about = next((each.origin for each in (*plan.to_serve, *plan.to_end)), _any_zone(observed))
        current.note(f"Telling {primary.server} of it")
        primary.notify(about)
        current.tell(f"{primary.server} was told of it.")
        return new

    def _require_still(self, primary: Primary, observed: ObservedZones, plan: ZonePlan) -> None:
        for each in plan.to_serve:
            try:
                served = primary.serial(each.origin)
            except PrimarySilent as error:  # it answered a moment ago, and nothing was pushed
                raise Retry("lost-race", str(error)) from error
            if served != observed.zones[each.pk].served:
                raise Retry("lost-race", f"{each.origin.short} was changed at the primary meanwhile.")

    def verify(self, current: Pass, observed: ObservedZones, plan: Plan, applied: NewCommit | None) -> Proof:
        assert isinstance(plan, ZonePlan)  # noqa: S101 - made above
        if applied is not None:
            self.require_tip(current, observed.looked, applied)
        primary = self._primary(current)
        dropped: list[DecidedZone] = []
        for each in plan.to_end:
            if (served := self._wait_for(primary, each)) is not None:
                raise Retry(
                    "still-served",
                    f"The primary still serves version {served} of {each.origin.short}: it did not pull.",
                )
        for each in plan.to_serve:
            served = self._wait_for(primary, each)
            if served is None:
                dropped.append(each)
            elif served != each.serial:
                raise Retry(
                    "not-taken-up",
                    f"The primary still serves version {served} of {each.origin.short}, not {each.serial}: it"
                    " did not pull.",
                )
        if dropped:
            self._revert(current, observed, applied, dropped, primary)
        commit = applied.id if applied is not None else observed.looked.commit or ""
        tree = applied.tree if applied is not None else observed.tree
        files = applied.root.files if applied is not None else observed.files
        return self._proof(
            current, observed, plan, commit, tree, files, "The primary serves what was written"
        )

    def _wait_for(self, primary: Primary, each: DecidedZone) -> int | None:
        """The serial that is served in the end; NOERROR to a NOTIFY says nothing about it."""
        served: int | None = None
        for look in range(_LOOKS):
            if look:
                self._sleep(_BETWEEN_LOOKS)
            try:
                served = primary.serial(each.origin)
            except PrimarySilent as error:
                raise primary.silence(str(error)) from error
            if served == each.serial:
                break
        return served

    def _revert(
        self,
        current: Pass,
        observed: ObservedZones,
        applied: NewCommit | None,
        dropped: list[DecidedZone],
        primary: Primary,
    ) -> None:
        """The primary dropped zones: bring back what it served before, under a new serial; stop loudly."""
        names = ", ".join(each.origin.short for each in dropped[:5])
        written = [each for each in dropped if each.content is not None]
        if applied is not None and written:
            files = []
            for each in written:
                before = observed.zones[each.pk].file
                with current.write():
                    record_dropped(actor=Actor.rookery(), zone_id=each.pk, dropped=each.identity)
                content = None
                if before is not None:
                    serial = next_serial(each.serial or 0, before.soa.serial)
                    content = emit(before.with_soa(before.soa.with_serial(serial)))
                files.append(FileChange(file_of(each.origin), content))
            current.note(f"The primary does not serve {names}: going back")
            self.commit(current, observed.looked, applied.id, f"Go back: the primary dropped {names}", files)
            primary.notify(dropped[0].origin)
            raise NeedsPerson(
                "zone-dropped",
                f"The primary stopped serving {names} after the change, so Rookery went back to what it had.",
                "Change the zone: exactly this content is not sent again. The primary's console says why.",
                {"zones": [each.origin.short for each in dropped]},
            )
        raise Retry("not-served", f"The primary does not serve {names}, although git has it.")

    def _proof(
        self,
        current: Pass,
        observed: ObservedZones,
        plan: Plan,
        commit: str,
        tree: str,
        files: Mapping[bytes, str],
        how: str,
    ) -> Proof:
        zones, decided_zones = kept_proofs(current.target, observed), _zones_of(plan)
        for each in decided_zones:
            if each.serial is not None and not each.apart:
                blob = files.get(file_of(each.origin), "")
                zones[each.origin.short] = {"blob": blob, "serial": each.serial, "soa": each.soa}

        def prove(each: DecidedZone) -> ProvedZone:
            serial = each.serial or 0
            newest = max(serial, observed.desired[each.pk].known_serial)
            return ProvedZone(serial, newest, each.sets, each.left)

        with current.write():
            record_proved(current, observed, decided_zones, prove)
            forget_removed_keys(actor=Actor.rookery(), target=current.target)
        serials, sentence = told_serials(decided_zones, how)
        evidence = {"Commit": commit, "Tree": tree, "Zones": str(len(observed.published)), **serials}
        stored = {"commit": commit, "tree": tree, "zones": zones, "entries": len(files)}
        return Proof(stored, {**evidence, "Plan checksum": plan.checksum}, sentence)

    def settle(self, current: Pass, proof: Mapping[str, Any]) -> Statement | None:
        """Nothing waits: that the primary serves it was the proof."""
        return None

    def _primary(self, current: Pass) -> Primary:
        row = repository_of(current.target).primary
        keys = notifying_keys(current.target, self._opener)
        return Primary(zone.Server(row.address, row.port, self._dial), keys, row.removed_with)


def _zones_of(plan: Plan) -> tuple[DecidedZone, ...]:
    return plan.zones if isinstance(plan, ZonePlan) else ()


def _files(observed: ObservedZones) -> Files:
    mirror = observed.looked.mirror
    return Files(observed.files, lambda blob: mirror.blob(blob, MOST_FILE))


def _any_zone(observed: ObservedZones) -> Name:
    """What a NOTIFY is about when only keys were written: any name that our key covers will do."""
    return observed.published[0].origin if observed.published else Name.of("invalid")
