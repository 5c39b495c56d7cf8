"""Every page of the panel, for the owner: it renders, and it is whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import aliases, names
from tenants.actor import Actor
from tenants.models import AddressRequest, Domain, Event, Mailbox, Organization, Run, SyncTarget
from tests.tenants.zoning import begin
from tests.web.panel.world import Outside
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(
    alice: Actor,
    organization: Organization,
    domain: Domain,
    target: SyncTarget,
    outside: Outside,
    make_mailbox: Callable[..., Mailbox],
    waiting_request: AddressRequest,
) -> list[str]:
    make_mailbox()
    aliases.create_alias(
        actor=alice,
        domain=domain,
        local_part="team",
        delivers_to=["ada"],
        expires_at=timezone.now() + timedelta(days=5),
    )
    names.hold_name(actor=alice, domain=domain, local_part="old", reason="Left.")
    repository = begin(alice, domain).target.repository
    outside.reconcile(target)
    run = Run.objects.get()
    return [
        "/",
        "/o",
        f"/o/{organization.pk}",
        "/domains",
        "/domains/new",
        "/d/example.org",
        "/d/example.org/addresses",
        "/d/example.org/addresses?q=ada&only=alias",
        "/d/example.org/addresses?only=trash",
        "/d/example.org/new-address",
        "/d/example.org/new-alias",
        "/d/example.org/addresses?only=alias",
        "/d/example.org/addresses/ada",
        "/d/example.org/addresses/ada/history",
        "/d/example.org/addresses/ada/history?verb=targets&actor=alice&from=2026-01-01&to=2199-12-31",
        "/d/example.org/activity?verb=addresses",
        f"/o/{organization.pk}/activity",
        *(f"/activity/{pk}" for pk in Event.objects.values_list("pk", flat=True)),
        "/d/example.org/addresses/ada/expiry",
        "/d/example.org/addresses/team",
        "/d/example.org/addresses/team/expiry",
        "/d/example.org/settings/aliases",
        "/d/example.org/settings/names",
        "/d/example.org/requests",
        "/d/example.org/requests?only=waiting&q=grace",
        "/d/example.org/requests/invitations",
        "/d/example.org/settings/people",
        "/d/example.org/settings/requests",
        "/d/example.org/trash",
        "/d/example.org/activity",
        "/d/example.org/settings",
        "/d/example.org/stack",
        "/d/example.org/stack/new",
        "/d/example.org/stack/existing",
        "/d/example.org/stack/port-25",
        "/d/example.org/settings/repository",
        "/d/example.org/settings/repository/findings",
        "/d/example.org/dns",
        "/d/example.org/dns/settings",
        f"/d/example.org/git-host/{repository.pk}",
        "/d/example.org/dns/keys",
        "/d/example.org/dns/servers",
        f"/d/example.org/dns/repository/{repository.pk}",
        "/d/example.org/dns/repository/new",
        "/images",
        "/images/build-servers",
        "/images/feeds",
        "/webhooks",
        "/webhooks/new",
        "/requests",
        f"/requests/{waiting_request.pk}",
        "/runs",
        "/runs?domain=example.org",
        f"/runs/{run.pk}",
        "/activity",
        "/activity?domain=example.org&verb=addresses&actor=alice",
        "/search",
        "/search?q=ada",
    ]


def test_every_page_is_whole(as_alice: Client, pages: list[str]) -> None:
    for url in pages:
        response = as_alice.get(url)
        assert response.status_code == 200, url
        check_page(response)


def test_a_viewer_sees_them_and_is_offered_nothing(as_bob: Client, pages: list[str]) -> None:
    for url in pages:
        response = as_bob.get(url)
        if "new" in url:
            assert response.status_code == 403, url
            continue
        assert response.status_code == 200, url
        check_page(response)


def test_a_stranger_gets_the_same_answer_as_for_nothing(as_charlie: Client, pages: list[str]) -> None:
    for url in pages:
        if url.startswith(("/d/", "/o/", "/runs/", "/requests/")) and url != "/domains/new":
            mine, none = as_charlie.get(url), as_charlie.get("/d/nowhere.example")
            assert mine.status_code == none.status_code == 404, url
            assert text_of(mine) == text_of(none)


def test_an_operator_sees_every_page(as_olga: Client, pages: list[str]) -> None:
    for url in pages:
        assert as_olga.get(url).status_code == 200, url


def test_an_operator_makes_an_organization_before_a_domain(as_olga: Client) -> None:
    for method in (as_olga.get, as_olga.post):
        assert method("/domains/new")["Location"] == "/o/new"


def test_without_a_sign_in_every_page_leads_there(pages: list[str]) -> None:
    for url in pages:
        response = Client().get(url)
        assert response.status_code == 302, url
        assert response["Location"].startswith("/sign-in?next="), url


def test_looking_changes_no_row(as_alice: Client, alice: Actor, pages: list[str]) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as queries:
        for url in pages:
            as_alice.get(url)
    writes = [
        each["sql"]
        for each in queries
        if not each["sql"].startswith(("SELECT", "DECLARE", "PRAGMA", "SAVEPOINT", "RELEASE"))
    ]
    assert writes == []
