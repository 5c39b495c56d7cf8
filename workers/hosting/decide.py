"""The plan for one organization's part of a host: pure, from desired, seen and last proved state.

Three-way for each unikernel, as everywhere: what only we changed is written, what only others changed is
drift, what both changed is for a person. Before a unikernel is ended for another one, everything that could
keep the new one from starting is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from tenants.formats.unikernels import DesiredHost, WantedPolicy, WantedUnikernel
from workers.albatross.quota import covering
from workers.albatross.releases import Dialect
from workers.albatross.values import QuotaPolicy, UnikernelInfo
from workers.hosting import likeness, preflight
from workers.hosting.seen import SeenHost
from workers.plan import Action, Apart, Change

Mark = Callable[[bytes], str]


class Deed(Enum):
    POLICY = "policy"
    VOLUME = "volume"
    REMOVE_VOLUME = "remove volume"
    DESTROY = "destroy"
    CREATE = "create"
    REPLACE = "replace"
    RESTART = "restart"


@dataclass(frozen=True)
class HostChange(Change):
    """One command. `wanted` is the unikernel to create, `policy` the one to set, `size` a volume's in MB."""

    deed: Deed = Deed.CREATE
    label: str = ""
    wanted: WantedUnikernel | None = field(default=None, repr=False)
    policy: QuotaPolicy | None = None
    size: int = 0


@dataclass(frozen=True)
class Base:
    """Marks of what was proved last, and of what was sent since, by label."""

    proved: Mapping[str, str]
    sent: Mapping[str, Collection[str]]

    def knows(self, label: str, mark: str | None) -> bool:
        """Is what runs now what we left there?"""
        return mark == self.proved.get(label) or (mark is not None and mark in self.sent.get(label, ()))


@dataclass(frozen=True)
class Decision:
    changes: tuple[HostChange, ...]
    apart: tuple[Apart, ...]


def decide(
    desired: DesiredHost,
    seen: SeenHost,
    base: Base,
    dialect: Dialect,
    mark: Mark,
    *,
    repair: bool,
    takes_images: bool = True,
    sets_policies: bool = True,
) -> Decision:
    """What to do, in the order in which it is done: policy, new volumes, ends, starts, volumes that go, and
    the exact policy."""
    planner = _Planner(desired, seen, base, dialect, mark, repair, takes_images)
    planner.unikernels()
    volumes, gone = tuple(planner.volumes()), tuple(planner.gone_volumes())
    first, last = planner.policies() if sets_policies and planner.may_limit() else ((), ())
    order = {Deed.DESTROY: 0, Deed.CREATE: 1, Deed.REPLACE: 2}
    deeds = sorted(planner.changes, key=lambda each: (order[each.deed], _startup(each), each.label))
    return Decision((*first, *volumes, *deeds, *gone, *last), tuple(planner.apart))


def policy_of(wanted: WantedPolicy) -> QuotaPolicy:
    return QuotaPolicy(
        wanted.unikernels, wanted.memory, wanted.cpuids, wanted.storage or None, wanted.bridges
    )


class _Planner:
    def __init__(
        self,
        desired: DesiredHost,
        seen: SeenHost,
        base: Base,
        dialect: Dialect,
        mark: Mark,
        repair: bool,
        takes_images: bool,
    ) -> None:
        self.desired, self.seen, self.base = desired, seen, base
        self.dialect, self.mark, self.repair = dialect, mark, repair
        self.takes_images = takes_images
        self.room = preflight.Room.of(desired, seen)
        self.changes: list[HostChange] = []
        self.apart: list[Apart] = []
        self.removed: set[str] = set()

    # unikernels -----------------------------------------------------------------------------------

    def unikernels(self) -> None:
        running = self.seen.running
        for label, generation in self.desired.absent:
            if (info := running.get(label)) is not None:
                self._absent(label, generation, info)
        # What runs already has its room; newcomers get what is left.
        wanted = sorted(self.desired.unikernels, key=lambda each: (each.label not in running, each.startup))
        for each in wanted:
            self._wanted(each, running.get(each.label))

    def _absent(self, label: str, generation: int, info: UnikernelInfo) -> None:
        mark = self._mark_of(info)
        if self.base.knows(label, mark) or self.repair:
            self._change(Deed.DESTROY, label, info, None)
        elif self.base.proved.get(label) is None:
            self._leave(label, "drift", "should not run, but somebody else started it.", info, None)
        elif generation > self.desired.proved_generation:
            self._leave(label, "conflict", "should end, but somebody else changed it meanwhile.", info, None)
        else:
            self._leave(label, "drift", "should not run, but it does.", info, None)

    def _wanted(self, wanted: WantedUnikernel, info: UnikernelInfo | None) -> None:
        label = wanted.label
        if info is not None and self._mark_of(info) == self._mark_of_wanted(wanted):
            self.room.take(wanted)
            return
        ours = wanted.generation > self.desired.proved_generation
        if info is None:
            if wanted.ended:
                self._leave(label, "ended", "ended by itself after it was started.", None, wanted)
            elif label not in self.base.proved or ours or self.repair:
                self._start(wanted, None)
            else:
                said = "is not running any more: it ended, or somebody destroyed it."
                self._leave(label, "drift", said, None, wanted)
        elif self.base.knows(label, self._mark_of(info)) or self.repair:
            self._start(wanted, info)
        elif label not in self.base.proved:
            self._leave(label, "conflict", "is the name of something else that runs there.", info, wanted)
        elif ours:
            said = "was changed here, and by somebody else on the host."
            self._leave(label, "conflict", said, info, wanted)
        else:
            self._leave(label, "drift", "was changed on the host by somebody else.", info, wanted)

    def _start(self, wanted: WantedUnikernel, info: UnikernelInfo | None) -> None:
        found = preflight.problems(
            wanted, self.desired, self.seen, self.room, self.dialect, takes_images=self.takes_images
        )
        if wanted.add_name is None and self.dialect.startup_and_add_name:
            found.append(
                "It was taken over, and albatross does not tell whether it puts"
                f" --name={wanted.label} in front of the arguments. Say it on its page."
            )
        if found:
            self._leave(wanted.label, "unsafe", f"was not started. {' '.join(found)}", info, wanted)
            return
        self.room.take(wanted)
        self._change(Deed.CREATE if info is None else Deed.REPLACE, wanted.label, info, wanted)

    def _change(
        self, deed: Deed, label: str, info: UnikernelInfo | None, wanted: WantedUnikernel | None
    ) -> None:
        actions = {Deed.DESTROY: Action.DELETE, Deed.CREATE: Action.CREATE, Deed.REPLACE: Action.UPDATE}
        before, after = _texts(info, wanted)
        self.changes.append(
            HostChange(
                action=actions[deed],
                unit=label,
                before_id="" if info is None else self._mark_of(info),
                after_id="" if wanted is None else self._mark_of_wanted(wanted),
                texts=lambda: (before, after),
                deed=deed,
                label=label,
                wanted=wanted,
            )
        )

    def _leave(
        self,
        label: str,
        reason: str,
        said: str,
        info: UnikernelInfo | None,
        wanted: WantedUnikernel | None,
    ) -> None:
        before, after = _texts(info, wanted)
        sentence = f"{label} {said}"
        self.apart.append(Apart(label, reason, sentence, before, after, self.base.proved.get(label)))
        if info is not None and wanted is not None:
            # What stays as it is keeps its room.
            self.room.take(replace(wanted, memory=info.settings.memory))

    def _mark_of(self, info: UnikernelInfo) -> str:
        return self.mark(likeness.form_of_running(info, self.dialect))

    def _mark_of_wanted(self, wanted: WantedUnikernel) -> str:
        return self.mark(likeness.form_of_wanted(wanted, self.dialect))

    # volumes and policies -------------------------------------------------------------------------

    def volumes(self) -> list[HostChange]:
        stored, found = self.seen.stored, []
        for label, size in self.desired.volumes:
            there = stored.get(label)
            if there is None:
                found.append(
                    HostChange(
                        Action.CREATE,
                        f"volume {label}",
                        "",
                        str(size),
                        texts=lambda size=size: (None, f"{size} MB"),  # type: ignore[misc]
                        deed=Deed.VOLUME,
                        label=label,
                        size=size,
                    )
                )
            elif there.size != size:
                said = f"has {there.size} MB on the host; albatross cannot change that."
                self.apart.append(
                    Apart(
                        f"volume {label}", "drift", f"{label} {said}", f"{there.size} MB", f"{size} MB", None
                    )
                )
        return found

    def gone_volumes(self) -> list[HostChange]:
        """Those that a person deleted; not one that is used, or that is another one than was deleted."""
        stored, found = self.seen.stored, []
        for label, size in self.desired.gone_volumes:
            unit, there = f"volume {label}", stored.get(label)
            if there is None:
                continue
            said = ""
            if there.active:
                said = "was not deleted: something that runs on the host uses it."
            elif there.size != size:
                said = f"was not deleted: it has {there.size} MB there, so somebody made it anew."
            if said:
                self.apart.append(Apart(unit, "unsafe", f"{label} {said}", f"{there.size} MB", None, None))
                continue
            self.removed.add(label)
            found.append(
                HostChange(
                    Action.DELETE,
                    unit,
                    str(size),
                    "",
                    texts=lambda size=size: (f"{size} MB", None),  # type: ignore[misc]
                    deed=Deed.REMOVE_VOLUME,
                    label=label,
                    size=size,
                )
            )
        return found

    def may_limit(self) -> bool:
        """A part in which others run something without a quota policy stays without one while Rookery only
        looks: it gets one with the first thing that Rookery starts or makes there."""
        starts = any(each.deed in (Deed.CREATE, Deed.REPLACE) for each in self.changes)
        new = any(label not in self.seen.stored for label, _ in self.desired.volumes)
        bare = self.seen.policy is None and bool(self.seen.inside)
        return self.repair or starts or new or not bare

    def policies(self) -> tuple[tuple[HostChange, ...], tuple[HostChange, ...]]:
        """The policy before and after everything else. Never below what runs: albatross would refuse it, and
        over TLS every further command with it."""
        wanted, path = policy_of(self.desired.policy), self.seen.path
        stay = {each.label for each in self.changes if each.deed is Deed.DESTROY}
        after = tuple(
            one for one in self.seen.inside if not (one.name.path == path.path and one.name.label in stay)
        )
        nested = self.seen.policies
        now = covering(wanted, path, self.seen.inside, self.seen.volumes, nested)
        kept = tuple(
            one
            for one in self.seen.volumes
            if not (one.name.path == path.path and one.name.label in self.removed)
        )
        then = covering(wanted, path, after, kept, nested)
        there = self.seen.policy
        first = () if there is not None and equal(there, now) else (_policy_change(there, now),)
        last = () if equal(now, then) else (_policy_change(now, then),)
        # One that would only be widened for a moment and narrowed again need not be touched before.
        if first and last and there is not None and _covers(there, now):
            return (), (_policy_change(there, then),) if not equal(there, then) else ()
        return first, last


def equal(one: QuotaPolicy, other: QuotaPolicy) -> bool:
    """The same rules; order and an empty storage do not count."""
    return _plain(one) == _plain(other)


def _plain(policy: QuotaPolicy) -> tuple[object, ...]:
    return (
        policy.unikernels,
        policy.memory,
        frozenset(policy.cpuids),
        policy.block or 0,
        frozenset(policy.bridges),
    )


def _covers(one: QuotaPolicy, other: QuotaPolicy) -> bool:
    return (
        one.unikernels >= other.unikernels
        and one.memory >= other.memory
        and (one.block or 0) >= (other.block or 0)
        and set(one.cpuids) >= set(other.cpuids)
        and set(one.bridges) >= set(other.bridges)
    )


def _policy_change(before: QuotaPolicy | None, after: QuotaPolicy) -> HostChange:
    said = None if before is None else _policy_text(before)
    return HostChange(
        action=Action.CREATE if before is None else Action.UPDATE,
        unit="quota policy",
        before_id=said or "",
        after_id=_policy_text(after),
        texts=lambda: (said, _policy_text(after)),
        deed=Deed.POLICY,
        policy=after,
    )


def _policy_text(policy: QuotaPolicy) -> str:
    cpus, bridges = ", ".join(map(str, sorted(policy.cpuids))), ", ".join(sorted(policy.bridges))
    return "\n".join(
        [
            f"unikernels {policy.unikernels}",
            f"memory {policy.memory} MB",
            f"storage {policy.block or 0} MB",
            f"CPUs {cpus or 'none'}",
            f"bridges {bridges or 'none'}",
        ]
    )


def _texts(info: UnikernelInfo | None, wanted: WantedUnikernel | None) -> tuple[str | None, str | None]:
    before = None if info is None else likeness.text_of_running(info, wanted)
    return before, None if wanted is None else likeness.text_of_wanted(wanted)


def _startup(change: HostChange) -> int:
    return change.wanted.startup if change.wanted is not None else 0
