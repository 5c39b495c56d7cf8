"""A domain's mailboxes by API and as a page, against the lists that one would write first."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.template import engines
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from panel.web.address_rows import address_row, for_list
from tenants.actions import accounts, domains, organizations
from tenants.actor import Actor
from tenants.models import Account, Domain, Mailbox
from tenants.relay_states import relay_state
from tests.bench.changes import Bench
from tests.bench.measure import Measure, stage
from tests.bench.worlds import ROOKERY, fill


def measure_listing(bench: Bench) -> list[Measure]:
    """CPU of this process while each answers, both with the same token; and the number of queries."""
    listed, answers = bench.sizes.listed, bench.sizes.answers
    organization = bench.organization
    person = Account.objects.create(email="owner@people.example")
    organizations.add_member(actor=ROOKERY, organization=organization, email=person.email, role="owner")
    _, key = accounts.create_token(actor=Actor(account=person), name="bench")
    few = domains.create_domain(actor=ROOKERY, organization=organization, name="few.example")
    many = domains.create_domain(actor=ROOKERY, organization=organization, name="list.example")
    Mailbox.objects.filter(domain__in=[few, many]).delete()
    fill(few, 2, generation=1)
    fill(many, listed, generation=1)
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {key}"})

    def get(address: str) -> None:
        answer = client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code} {answer.content[:200]!r}")

    ours, naive = f"/api/v1/domains/{many.name}/mailboxes/?limit={listed}", f"/naive/{many.name}/"
    with override_settings(ROOT_URLCONF="tests.api.naive"), stage(f"a list of {listed} mailboxes"):
        times = [(_cpu(lambda: get(ours)), _cpu(lambda: get(naive))) for _ in range(answers + 1)]
        mine, theirs = (min(each) for each in zip(*times[1:], strict=True))
        queries = _queries(lambda: get(ours))
        queries_of_few = _queries(lambda: get(f"/api/v1/domains/{few.name}/mailboxes/?limit={listed}"))
    what = f"JSON list of {listed} mailboxes"
    drawn, plain = _drawing(many, answers)
    return [
        Measure(f"{what}, CPU ms; floor: a plain ModelSerializer, same authentication", mine, theirs, 0.5),
        Measure(f"{what}, queries; floor: those of a list of 2", queries, queries_of_few, 1),
        Measure(
            f"HTML list of {listed} mailboxes, CPU ms of drawing; floor: a template with models and dates",
            drawn,
            plain,
            0.5,
        ),
    ]


def _drawing(domain: Domain, rounds: int) -> tuple[float, float]:
    """CPU of drawing the page's table from its rows, and of a template that is given the models."""
    shown = list(for_list(domain.mailboxes.select_related("domain").order_by("local_part")))
    relay, now = relay_state(domain), timezone.now()
    rows = [address_row(mailbox, relay, domain, now) for mailbox in shown]
    naive = engines["django"].from_string((Path(__file__).parent / "addresses.html").read_text())
    both = {"domain": domain, "csrf_token": "token", "may_change": True, "pages": {}}
    times = [
        (
            _cpu(lambda: render_to_string("panel/address/rows.html", both | {"rows": rows})),
            _cpu(lambda: naive.render(both | {"mailboxes": shown})),
        )
        for _ in range(rounds + 1)
    ]
    drawn, plain = (min(each) for each in zip(*times[1:], strict=True))
    return drawn, plain


def _cpu(action: Callable[[], object]) -> float:
    """Milliseconds of this thread's CPU time, so that neighbours and other threads do not count."""
    began = time.thread_time()
    action()
    return (time.thread_time() - began) * 1000


def _queries(action: Callable[[], None]) -> int:
    with CaptureQueriesContext(connection) as queries:
        action()
    return len(queries)
