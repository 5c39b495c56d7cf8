"""After a restore, a program sees what is held and lets it go, as the page of backups does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from tenants.actions import repositories
from tenants.actor import Actor
from tenants.models import Domain, SyncTarget
from tests.api.client import Api

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def test_programs_see_what_is_held_and_let_it_go(
    olga: Actor, alice: Actor, domain: Domain, api: Callable[..., Api]
) -> None:
    target = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    ).sync_target
    SyncTarget.objects.update(held_since=timezone.now(), mode_before="adopt", drift_mode="report")
    client = api(olga)
    [held] = client.get("targets/?held=true").json()["results"]
    assert (held["id"], held["mode_before"], held["drift_mode"]) == (target.pk, "adopt", "report")
    assert client.post("targets/let-all-go/?dry_run=true").json() == {"count": 1}
    done = client.post(f"targets/{target.pk}/let-go/", {"mode": "before"}).json()
    assert (done["held_since"], done["mode_before"], done["drift_mode"]) == (None, "", "adopt")
    again = client.post(f"targets/{target.pk}/let-go/", {"mode": "report"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert client.get("targets/?held=true").json()["results"] == []

    SyncTarget.objects.update(held_since=timezone.now(), mode_before="adopt")
    assert client.post("targets/let-all-go/").json() == {"count": 1}
    target.refresh_from_db()
    assert (target.held_since, target.drift_mode) == (None, "report")
    assert client.post("targets/let-all-go/").json() == {"count": 0}
