"""A realistic mix of pages and operations against the real web server, beside a bare Django in the same run.

Both are driven by the same clients on kept connections, in turns, each for the same time.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from django.test import Client

from tenants.actions import accounts, domains, organizations
from tenants.actor import Actor
from tenants.models import Account, Organization
from tests.bench.changes import Bench
from tests.bench.measure import Measure, say, stage
from tests.bench.servers import WebServer
from tests.bench.worlds import ROOKERY, digest_of, fill, local_part

CLIENTS = 4
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Ask:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: str | None = field(default=None, repr=False)


@dataclass
class Driven:
    """`taken` in milliseconds, `wall` and `processor` in seconds."""

    taken: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    wall: float = 0.0
    processor: float = 0.0

    @property
    def per_request(self) -> float:
        """Milliseconds of the server's processor."""
        return self.processor * 1000 / max(1, len(self.taken))

    @property
    def between(self) -> float:
        """Milliseconds between two answers."""
        return self.wall * 1000 / max(1, len(self.taken))

    @property
    def p99(self) -> float:
        return quantiles(self.taken, n=100)[-1] if len(self.taken) > 1 else self.taken[0]

    def told(self) -> str:
        return (
            f"{len(self.taken) / self.wall:.0f} requests a second, p50 {median(self.taken):.1f} ms,"
            f" p99 {self.p99:.1f} ms, {len(self.errors)} errors"
        )


def measure_load(bench: Bench) -> list[Measure]:
    """Reads and writes of somebody with `listed` addresses, among as many domains as are there already."""
    mix = _mix(bench)
    what = f"mix of pages and API by {CLIENTS} clients, {bench.sizes.servers} web processes"
    with (
        stage(what),
        WebServer("panel.asgi:application", bench.sizes.servers, bench.folder / "web.log") as ours,
        WebServer("tests.bench.bare:application", bench.sizes.servers, bench.folder / "bare.log") as bare,
    ):
        for server in (ours, bare):
            server.wait_until_open()
        _drive(ours.port, mix, 0.2, at_least=20 * bench.sizes.servers)  # what is loaded at first
        nothing = [Ask("GET", "/")]
        mine, least = Driven(), Driven()
        for _ in range(bench.sizes.rounds_of_load):
            _add(mine, ours, mix, bench.sizes.load_seconds)
            _add(least, bare, nothing, bench.sizes.load_seconds / 2)
        say(f"  Rookery: {mine.told()}\n  bare Django: {least.told()}")
        for error in sorted(set(mine.errors))[:5]:
            say(f"  {error}")
    return [
        Measure(f"{what}, CPU ms a request; floor: bare Django", mine.per_request, least.per_request, 30),
        Measure(f"{what}, ms between answers; floor: bare Django", mine.between, least.between, 5),
        Measure(f"{what}, p50 ms; floor: bare Django", median(mine.taken), median(least.taken), 5),
        Measure(f"{what}, p99 ms; floor: its p50", mine.p99, median(mine.taken), 8),
        Measure(f"{what}, errors and one; floor: 1", len(mine.errors) + 1, 1, 1),
    ]


def _add(driven: Driven, server: WebServer, mix: Sequence[Ask], seconds: float) -> None:
    before = server.processor_seconds()
    found = _drive(server.port, mix, seconds)
    driven.processor += server.processor_seconds() - before
    driven.wall += found.wall
    driven.taken += found.taken
    driven.errors += found.errors


def _drive(port: int, mix: Sequence[Ask], seconds: float, at_least: int = 0) -> Driven:
    """All clients ask what comes next in the mix until the time is over (and that many were answered)."""
    found, turns, began = Driven(), itertools.count(), time.perf_counter()

    def more() -> bool:
        spent = time.perf_counter() - began
        return spent < seconds if len(found.taken) >= at_least else spent < 30

    threads = [threading.Thread(target=_ask, args=(port, mix, turns, found, more)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.wall = time.perf_counter() - began
    return found


def _ask(
    port: int, mix: Sequence[Ask], turns: Iterator[int], found: Driven, more: Callable[[], bool]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        while more():
            ask = mix[next(turns) % len(mix)]
            began = time.perf_counter()
            try:
                connection.request(ask.method, ask.path, ask.body, ask.headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                found.errors.append(f"{ask.method} {ask.path}: {type(error).__name__}")
                connection.close()
                continue
            found.taken.append((time.perf_counter() - began) * 1000)
            if answer.status != 200:
                found.errors.append(f"{ask.method} {ask.path}: {answer.status}")
    finally:
        connection.close()


# what people and programs do ----------------------------------------------------------------------------


def _mix(bench: Bench) -> list[Ask]:
    """Of each 20: 11 pages, 7 reading operations and 2 writes."""
    person, organization = _somebody()
    domain = domains.create_domain(actor=ROOKERY, organization=organization, name="load.example")
    fill(domain, bench.sizes.listed, generation=1)
    actor = Actor(account=person)
    browser = Client()
    browser.force_login(person)
    page = {"Cookie": "; ".join(f"{name}={each.value}" for name, each in browser.cookies.items())}
    found: list[Ask] = []
    for number in range(bench.sizes.tokens):
        _, key = accounts.create_token(actor=actor, name=f"load {number}")
        program = {"Authorization": f"Bearer {key}"}
        one = local_part(number * 7 % bench.sizes.listed)
        pages = [
            *["/"] * 2,
            *[f"/d/{domain}/addresses"] * 4,
            *[f"/d/{domain}/addresses/{one}"] * 2,
            f"/d/{domain}",
            f"/d/{domain}/activity",
            f"/d/{domain}/addresses?q=user",
        ]
        reads = [
            *[f"domains/{domain}/mailboxes/"] * 3,
            *[f"mailboxes/{one}@{domain}/"] * 3,
            f"events/?domain={domain}",
        ]
        writes = [
            Ask("PUT", f"/api/v1/mailboxes/{one}@{domain}/passphrase/", program | JSON, body)
            for body in (json.dumps({"password_hash": digest_of(number, each)}) for each in (1, 2))
        ]
        asks = [Ask("GET", path, page) for path in pages]
        asks += [Ask("GET", f"/api/v1/{path}", program) for path in reads]
        # Spread, so that neither kind comes in a row.
        found += [each for pair in itertools.zip_longest(asks, writes) for each in pair if each]
    return found


def _somebody() -> tuple[Account, Organization]:
    person = Account.objects.create(email="load@people.example", name="Load")
    organization = organizations.create_organization(actor=ROOKERY, name="Load")
    organizations.add_member(actor=ROOKERY, organization=organization, email=person.email, role="owner")
    return person, organization
