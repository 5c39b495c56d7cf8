"""One soak: build, work, strike, heal, wait, judge. Django is set up, its database is migrated and empty."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.test import override_settings

from tests.processes.crew import crew
from tests.soak import judge
from tests.soak.clients import PATIENCE, Client, Ledger
from tests.soak.places import GitPlace, ServedRecords
from tests.soak.trouble import Staff, Trouble
from tests.soak.world import World, built


@dataclass(frozen=True)
class Size:
    """`noisy` of the changes are the first organization's; for `zone`, `server` and `host` see world.built.
    Times in seconds: `lease` of workers, `pause` of a client between two changes, `calm` between two blows,
    `longest` a host misbehaves, `settle` without any progress after the last change."""

    changes: int
    organizations: int
    domains: int
    workers: int
    webs: int
    zone: bool
    server: bool
    host: bool
    lease: float
    pause: float
    calm: float
    longest: float
    settle: float
    noisy: float = 0.5
    clients: int = 2


FULL = Size(
    changes=1_000,
    organizations=5,
    domains=2,
    workers=3,
    webs=2,
    zone=True,
    server=True,
    host=True,
    lease=12.0,
    pause=0.3,
    calm=2.0,
    longest=2.5,
    settle=180.0,
)


@dataclass
class Result:
    """What happened, and what is wrong; nothing wrong and nobody starved: the soak is passed."""

    changes: int = 0
    repeated: int = 0
    seconds: float = 0.0
    settled: float = 0.0
    commits: int = 0
    updates: int = 0
    deeds: int = 0
    verbs: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    waited: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    starved: list[str] = field(default_factory=list)

    def told(self) -> Iterator[str]:
        for what, count in sorted(self.verbs.items()) + sorted(self.happened.items()):
            yield f"{count:5} × {what}"
        for name, (count, middle, most) in self.waited.items():
            yield f"{name}: {count} changes, request to proof {middle:.1f} s in the middle, p95 {most:.1f} s"
        yield (
            f"{self.changes} changes ({self.repeated} answered again) in {self.commits} commits,"
            f" {self.updates} updates of a name server, {self.deeds} starts and ends of unikernels;"
            f" {self.happened.total()} blows;"
            f" {self.seconds:.0f} s, and {self.settled:.0f} s until all was proved"
        )
        yield from (f"WRONG: {each}" for each in (*self.wrong, *self.starved))


def soak(size: Size, seed: int, folder: Path, say: Callable[[str], None]) -> Result:
    dice, result = random.Random(seed), Result()  # noqa: S311 - to be repeated
    with (
        _images_of(folder / "crew" / "data"),
        built(
            folder,
            organizations_=size.organizations,
            domains_=size.domains,
            zone=size.zone,
            server=size.server,
            host=size.host,
        ) as world,
        crew(folder / "crew") as staff_of,
    ):
        staff = Staff(staff_of, workers=size.workers, webs=size.webs, lease=size.lease)
        staff.until_answering()
        say("the processes answer")
        watcher = judge.Watcher()
        watcher.start()
        clients = _clients(size, world, staff, dice)
        trouble = Trouble(staff, world, dice, longest=size.longest)
        began = time.monotonic()
        try:
            for client in clients:
                client.start()
            _work(size, clients, trouble, dice, say)
            result.seconds = time.monotonic() - began
            say(f"{sum(client.done for client in clients)} changes in {result.seconds:.0f} s")
            _settle(size, staff, result)
            result.settled = time.monotonic() - began - result.seconds
        finally:
            for client in clients:
                client.stop()
            for client in clients:
                client.join(30)
            watcher.stop()
        ledgers = [client.ledger for client in clients]
        result.wrong += [client.problem for client in clients if client.problem]
        say("judging")
        _judge(result, size, world, ledgers, watcher)
        result.changes = sum(client.done for client in clients)
        result.happened = trouble.happened
        if result.wrong:
            say(staff_of.said()[-4000:])
    return result


def _images_of(data: Path) -> override_settings:
    """What is uploaded here is where workers look for it."""
    images = {**settings.STORAGES["images"], "OPTIONS": {"location": data / "images"}}
    return override_settings(STORAGES={**settings.STORAGES, "images": images})


def _clients(size: Size, world: World, staff: Staff, dice: random.Random) -> list[Client]:
    """Two of each organization, with names of their own in the same domains; the noisy one does not rest."""
    noisy = int(size.changes * size.noisy)
    others, left = divmod(size.changes - noisy, size.organizations - 1)
    found = []
    for number, tenant in enumerate(world.tenants):
        share = noisy if number == 0 else others + (number <= left)
        for each in range(size.clients):
            changes = share // size.clients + (each < share % size.clients)
            pause = size.pause * (noisy / others) if number else size.pause / 4
            keys = tenant.keys(1 + changes // 50)
            name = f"c{number}{each}"
            client = Client(name, dice.randrange(1 << 30), tenant.places, keys, staff.bases, changes, pause)
            found.append(client)
    return found


def _work(
    size: Size, clients: list[Client], trouble: Trouble, dice: random.Random, say: Callable[[str], None]
) -> None:
    """Strike until everybody is done. Bounded: on a machine that is too slow for it, fewer changes are made,
    and each that was begun is ended."""
    ends = time.monotonic() + 60 + size.changes * 1.5
    told = time.monotonic()
    while any(client.is_alive() for client in clients) and time.monotonic() < ends:
        time.sleep(dice.uniform(0.3, 1.0) * size.calm)
        trouble.strike()
        judge.agree_as_a_person()
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"{sum(client.done for client in clients)} changes, {trouble.happened.total()} blows")
    for client in clients:
        client.enough()
    for client in clients:
        client.join(2 * PATIENCE)


def _settle(size: Size, staff: Staff, result: Result) -> None:
    """Nothing fails any more: wait as long as something goes on, which puts off no proof for ever."""
    moved, known = time.monotonic(), judge.progress()
    longest = moved + 5 * size.settle
    while (waiting := judge.not_settled()) and time.monotonic() < min(moved + size.settle, longest):
        staff.replace_the_ended()
        judge.agree_as_a_person()
        time.sleep(0.1)
        if (now := judge.progress()) != known:
            moved, known = time.monotonic(), now
    result.wrong += waiting


def _judge(result: Result, size: Size, world: World, ledgers: list[Ledger], watcher: judge.Watcher) -> None:
    result.wrong += judge.wrong_outside(world.places, ledgers)
    result.wrong += world.foreign()
    result.wrong += judge.wrong_rows(ledgers)
    times = judge.waited(world.tenants, watcher)
    result.starved = judge.starved(times, size.lease)
    result.waited = {
        name: (len(each), sorted(each)[len(each) // 2] if each else 0.0, judge.p95(each))
        for name, each in times.items()
    }
    result.repeated = sum(ledger.repeated for ledger in ledgers)
    branches = [place for place in world.places if isinstance(place, GitPlace)]
    result.commits = sum(len(list(place.commits())) for place in branches)
    result.updates = sum(each.updates for each in world.places if isinstance(each, ServedRecords))
    result.deeds = len(world.did)
    for ledger in ledgers:
        for (_, verb), count in ledger.verbs.items():
            result.verbs[verb] += count
