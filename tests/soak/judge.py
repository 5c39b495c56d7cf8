"""What must be so at the end, read where it is: git by git, zones by dnspython, and the rows."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import dns.rdatatype
import dns.zone
from django.db import connection
from django.utils import timezone

from tenants.actions.sync import approve_plan
from tenants.actor import Actor
from tenants.errors import ActionError
from tenants.models import Event, Finding, Run, Step, SyncTarget
from tests.conftest import HASH
from tests.soak.clients import Ledger
from tests.soak.world import BASE, Place, Tenant, World
from workers.repository.mirror import git_environment

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


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, env=git_environment(), check=True, timeout=60
    )
    return done.stdout.decode()


def wrong_outside(world: World, ledgers: Sequence[Ledger]) -> list[str]:
    found: list[str] = []
    for place in world.places:
        found += (_wrong_zone if place.zone else _wrong_entries)(place, ledgers)
        found += wrong_history(place)
        git(place.folder, "fsck", "--strict")
    return found


def _wrong_entries(place: Place, ledgers: Sequence[Ledger]) -> list[str]:
    wanted: dict[str, Any] = {BASE: {"targets": [f"{BASE}@home.example"], "password": HASH}}
    for ledger in ledgers:
        for name, row in ledger.addresses.get(place.domain.pk, {}).items():
            if row.enabled:
                wanted[name] = row.entry()
    names = git(place.folder, "ls-tree", "--name-only", "main").split()
    there = {name: json.loads(git(place.folder, "show", f"main:{name}")) for name in names}
    found = [f"{place.domain}: {name} is lost" for name in wanted.keys() - there.keys()]
    found += [f"{place.domain}: {name} should be gone" for name in there.keys() - wanted.keys()]
    same = wanted.keys() & there.keys()
    return found + [f"{place.domain}: {name} is not as asked" for name in same if wanted[name] != there[name]]


def _wrong_zone(place: Place, ledgers: Sequence[Ledger]) -> list[str]:
    wanted = {name: text for each in ledgers for name, text in each.texts.get(place.domain.pk, {}).items()}
    file = git(place.folder, "show", f"main:{place.domain}")
    zone = dns.zone.from_text(file, origin=f"{place.domain}.", relativize=True)
    there = {str(name): data.to_text().strip('"') for name, _, data in zone.iterate_rdatas(dns.rdatatype.TXT)}
    if there == wanted:
        return []
    return [f"{place.domain}: {sorted(there.items() ^ wanted.items())[:4]} differ"]


def wrong_history(place: Place) -> list[str]:
    """Each commit changes something, and is for a later generation than the one before it."""
    lines = git(
        place.folder, "log", "--reverse", "--format=%T %(trailers:key=Rookery-Generation,valueonly)%x00"
    )
    last_tree, last_generation = "", 0
    found = []
    for line in lines.split("\0")[:-1]:
        tree, _, generation = line.strip().partition(" ")
        if tree == last_tree:
            found.append(f"{place.domain}: an empty commit for generation {generation}")
        if int(generation) <= last_generation:
            found.append(f"{place.domain}: two commits for generation {generation}")
        last_tree, last_generation = tree, int(generation)
    return found


# rows ---------------------------------------------------------------------------------------------------


def wrong_rows(ledgers: Sequence[Ledger]) -> list[str]:
    """Each change has its event once, and nothing is said to be still going on."""
    wanted: Counter[tuple[int, str]] = Counter()
    for ledger in ledgers:
        wanted.update(ledger.verbs)
    events = Event.objects.filter(via="api").values_list("domain_id", "verb")
    there = Counter((domain, verb) for domain, verb in events if domain)
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
