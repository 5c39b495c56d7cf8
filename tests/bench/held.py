"""What one machine holds: many domains with many addresses. For docs/limits.md."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants.actions import mailboxes, organizations
from tenants.models import Account, Domain, Mailbox, Organization, SyncTarget
from tests.bench.changes import Bench
from tests.bench.measure import stage, timed
from tests.bench.noop import no_op_pass
from tests.bench.worlds import ROOKERY, World, digest_of, local_part, multiply
from workers.controller import Ending

PAGES = (
    "/",
    "/domains",
    "/d/{domain}",
    "/d/{domain}/addresses",
    "/d/{domain}/addresses/user000003",
    "/activity",
    "/runs",
    "/search?q=user000003",
    "/api/v1/domains/{domain}/mailboxes/",
    "/api/v1/domains/",
)
SOMEBODY = 3
ROUNDS = 9


def held(bench: Bench) -> Iterator[str]:
    """A line for each thing that was measured; `sizes.domains` with `sizes.users_per_domain` each."""
    sizes = bench.sizes
    machine = f"{os.cpu_count()} processors, {_memory_of_machine()}"
    yield f"{machine}, {connection.vendor}, Python {platform.python_version()}"
    world = World.make(bench.host, bench.controller, bench.organization, "held")
    world.add_mailboxes(sizes.users_per_domain)
    world.require(Ending.AGREED)
    alone = _changes(bench, [world.target.pk])
    with stage(f"making {sizes.domains} domains with {sizes.users_per_domain} addresses"):
        targets = multiply(world, sizes.domains, sizes.users_per_domain)
        Organization.objects.filter(pk=bench.organization.pk).update(domain_quota=10**6, mailbox_quota=10**7)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    rows = f"{Domain.objects.count():,} domains, {Mailbox.objects.count():,} addresses"
    yield f"{rows}, database {_database_size()}"
    several = _changes(bench, targets[:: max(1, len(targets) // ROUNDS)][:ROUNDS])
    yield f"one passphrase to its proof, over SSH: {several:.0f} ms; with one domain only {alone:.0f} ms"
    times = [no_op_pass(bench.host, targets)[0] for _ in range(3)]
    yield f"looking at all of them, nothing to do: {min(times):.0f} ms"
    yield from _pages(bench, f"{world.name}-{len(targets) // 2}.example")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield f"memory of this process, which did all of it: {most:.0f} MiB at most"


def _changes(bench: Bench, targets: list[int]) -> float:
    """The median of one change each, from the action to the proof, in milliseconds."""

    def change(target: SyncTarget, number: int) -> None:
        row = Mailbox.objects.get(domain__relay__sync_target=target, local_part=local_part(SOMEBODY))
        mailboxes.set_passphrase(actor=ROOKERY, mailbox=row, password_hash=digest_of(SOMEBODY, 1 + number))
        bench.controller.reconcile(target.pk)
        target.refresh_from_db()
        if not target.in_agreement:
            raise RuntimeError(f"{row.domain} is not in agreement")

    rows = list(SyncTarget.objects.filter(pk__in=targets)) * (ROUNDS if len(targets) == 1 else 1)
    return median(timed(partial(change, row, number)) for number, row in enumerate(rows))


def _pages(bench: Bench, domain: str) -> Iterator[str]:
    """Each as the owner sees it, in this process: the least of several, without the network."""
    person = Account.objects.create(email="held@people.example", name="Held")
    organizations.add_member(actor=ROOKERY, organization=bench.organization, email=person.email, role="owner")
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(person)
    for page in PAGES:
        address = page.format(domain=domain)

        def get(address: str = address) -> None:
            answer = browser.get(address)
            if answer.status_code != 200:
                raise RuntimeError(f"{address}: {answer.status_code}")

        get()
        with CaptureQueriesContext(connection) as queries:
            get()
        count = len(queries)
        yield f"{page}: {min(timed(get) for _ in range(ROUNDS)):.0f} ms, {count} queries"


def _database_size() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return f"{cursor.fetchone()[0] / (1 << 20):.0f} MiB"


def _memory_of_machine() -> str:
    kibibytes = int(Path("/proc/meminfo").read_text().split(maxsplit=2)[1])
    return f"{kibibytes / (1 << 20):.0f} GiB"
