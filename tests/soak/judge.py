"""What must be so at the end: outside, read where it is, and in the rows."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from statistics import median, quantiles

from django.db import connection
from django.utils import timezone

from tenants.actions.sync import approve_plan
from tenants.actor import Actor
from tenants.errors import ActionError
from tenants.models import Event, Finding, Run, Step, SyncTarget
from tests.soak.clients import Ledger
from tests.soak.places import Place, State, all_asked
from tests.soak.world import Tenant

# An organization may wait this many times as long as the one in the middle, and for one lease that a killed
# worker left.
TIMES_THE_MIDDLE = 5.0


class Watcher(threading.Thread):
    """When each generation of each target was first seen to be proved."""

    def __init__(self) -> None:
        super().__init__(name="watcher", daemon=True)
        self.seen: dict[int, list[tuple[int, datetime]]] = {}
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            while not self._ended.wait(0.1):
                for pk, observed in SyncTarget.objects.values_list("pk", "observed_generation"):
                    found = self.seen.setdefault(pk, [])
                    if not found or found[-1][0] < observed:
                        found.append((observed, timezone.now()))
        finally:
            connection.close()

    def stop(self) -> None:
        self._ended.set()
        self.join(10)

    def proved_at(self, target: int, generation: int) -> datetime | None:
        return next((at for observed, at in self.seen.get(target, []) if observed >= generation), None)


def not_settled() -> list[str]:
    """Targets that are not proved or that somebody still holds, with what they say."""
    return [
        f"{row}: {row.observed_generation} of {row.generation} {row.stop_code} {row.lease_owner}"
        for row in SyncTarget.objects.all()
        if not row.in_agreement or row.lease_owner
    ]


def progress() -> object:
    """Another one whenever something goes on: a proof, a pass that began, a try that is put off."""
    rows = SyncTarget.objects.order_by("pk").values_list("observed_generation", "fence", "next_try_at")
    return list(rows)


def agree_as_a_person() -> None:
    """Say yes to every plan that waits for it: many addresses that go at once are asked about."""
    waiting = Run.objects.filter(state=Run.State.STOPPED, target__stop_code="plan-needs-agreement")
    for run in waiting.exclude(agree_to="").order_by("target", "-pk").distinct("target"):
        with suppress(ActionError):
            approve_plan(actor=Actor.rookery(), run=run, checksum=run.agree_to)


def waited(tenants: Sequence[Tenant], watcher: Watcher) -> dict[str, list[float]]:
    """Seconds from each request to its proof, by organization."""
    found: dict[str, list[float]] = {}
    for tenant in tenants:
        events = Event.objects.filter(organization=tenant.organization, via="api", sync_target__isnull=False)
        found[tenant.organization.name] = [
            (proved - at).total_seconds()
            for pk, generation, at in events.values_list("sync_target_id", "generation", "at")
            if generation and pk and (proved := watcher.proved_at(pk, generation))
        ]
    return found


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else (values[0] if values else 0.0)


def starved(times: dict[str, list[float]], lease: float) -> list[str]:
    """Organizations that waited much longer than the one in the middle."""
    each = {name: p95(values) for name, values in times.items() if values}
    if len(each) < len(times):
        return [f"nothing of {name} was proved" for name in times.keys() - each.keys()]
    most = max(TIMES_THE_MIDDLE * median(each.values()), lease + TIMES_THE_MIDDLE)
    return [f"{name} waited {value:.1f} s, of {most:.1f}" for name, value in each.items() if value > most]


# outside ------------------------------------------------------------------------------------------------


def wrong_outside(places: Sequence[Place], ledgers: Sequence[Ledger]) -> list[str]:
    """What is lost, what is too much, and what came twice or in another order than it was asked for."""
    found: list[str] = []
    for place in places:
        asked = all_asked(place, [each.states.get(place.target.pk, {}) for each in ledgers])
        found += wrong_now(str(place), asked, place.now())
        found += wrong_order(str(place), asked, place.made())
        found += place.problems(sum(map(len, asked.values())))
    return found


def wrong_now(where: str, asked: Mapping[str, list[State]], there: Mapping[str, State]) -> list[str]:
    wanted = {name: states[-1] for name, states in asked.items() if states[-1] is not None}
    found = [f"{where}: {name} is lost" for name in wanted.keys() - there.keys()]
    found += [f"{where}: {name} should be gone" for name in there.keys() - wanted.keys()]
    same = wanted.keys() & there.keys()
    return found + [f"{where}: {name} is not as asked" for name in same if wanted[name] != there[name]]


def wrong_order(where: str, asked: Mapping[str, list[State]], made: Mapping[str, list[State]]) -> list[str]:
    """What each name became outside must be what was asked for, in that order, each once at most.

    Some of it may never have been outside, if it was asked otherwise before somebody came to it. What was
    written, and written again by a worker that did not know, was asked for once and is there twice.
    """
    found: list[str] = []
    for name, states in made.items():
        left = iter(asked.get(name, []))
        for number, state in enumerate(states, 1):
            if not any(each == state for each in left):
                again = "once more" if state in states[: number - 1] else "although nobody asked for it then"
                found.append(
                    f"{where}: {name} became {state} {again}, as number {number} of {len(states)};"
                    f" asked for were {asked.get(name, [])}, made {states}"
                )
                break
    return found


# rows ---------------------------------------------------------------------------------------------------


def wrong_rows(ledgers: Sequence[Ledger]) -> list[str]:
    """Each change has its event once, and nothing is said to be still going on."""
    wanted: Counter[tuple[tuple[str, int], str]] = Counter()
    for ledger in ledgers:
        wanted.update(ledger.verbs)
    events = Event.objects.filter(via="api").values_list("domain_id", "sync_target_id", "verb")
    there = Counter(
        (("domain", domain) if domain else ("target", target or 0), verb) for domain, target, verb in events
    )
    found = [
        f"event {key}: {there[key]} instead of {wanted[key]}"
        for key in wanted | there
        if wanted[key] != there[key]
    ]
    open_runs = Run.objects.filter(state__in=Run.UNFINISHED, mode=Run.Mode.APPLY).count()
    open_steps = Step.objects.filter(state=Step.State.RUNNING).count()
    found += [f"{row.target}: {row.unit} is taken for others' work" for row in Finding.objects.all()[:20]]
    if open_runs or open_steps:
        found.append(f"{open_runs} runs and {open_steps} steps are said to be going on")
    return found
