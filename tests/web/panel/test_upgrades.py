"""The pages of an upgrade: chosen, read whole, confirmed once; followed, rolled back, made current."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Condition, Domain, HostAddress, Image, Stack, Upgrade
from tests.contract.host_world import own_images
from tests.hosting import NETWORKED, upload
from tests.stacking import Site, build_site, serving
from tests.world import add_member

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
PAGE = "/d/example.org/stack"


@pytest.fixture
def site(settings: Any, tmp_path: Path, alice: Actor, domain: Domain, client: Client) -> Site:
    own_images(settings, tmp_path)
    made = build_site(alice, domain)
    serving(made.make(open_relay=True))
    assert alice.account is not None
    client.force_login(alice.account)
    return made


@pytest.fixture
def newer(site: Site) -> Image:
    contents = NETWORKED + b"\0" * 16
    return upload(site.machine.actor, site.domain.organization, contents, name="newer", era="p23")


def plan_in(page: str) -> str:
    return page.partition('name="plan" value="')[2].partition('"')[0]


def test_from_the_choice_to_the_way_back(site: Site, newer: Image, client: Client) -> None:
    assert "Upgrade it" in client.get(PAGE).content.decode()
    wish = {
        "image_verifier": str(newer.pk),
        "note": "It takes <more> at once.",
    }
    shown = client.post(f"{PAGE}/upgrade", wish).content.decode()
    for words in (
        "beside the old one at",
        "stays as it is",
        "albatross-client create",
        "Keys and seeds stay",
        "Lead the traffic to the new ones",
    ):
        assert words in shown
    assert not Upgrade.objects.exists()
    assert 'value="It takes &lt;more&gt; at once."' in shown
    refused = client.post(f"{PAGE}/upgrade", {**wish, "note": "two\nlines"})
    assert refused.status_code == 400
    assert 'id="id_note_error"' in refused.content.decode()
    begun = client.post(f"{PAGE}/upgrade", {**wish, "plan": plan_in(shown)})
    assert begun.headers["Location"] == PAGE
    upgrade = Upgrade.objects.get()
    upgrade.phases.filter(name="verifier").update(state="doing", reason="It said <nothing>.")
    page = client.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    for words in (
        "Upgrade to release 2",
        "Start the new receiver",
        "Why: <bdi>It takes &lt;more&gt; at once.</bdi>",
        "It said &lt;nothing&gt;.",
        "Go back now",
        "This is release 1, which has the traffic.",
        "Beside it: release 2, at ",
    ):
        assert words in page
    assert page.count('<li class="hop ') == len(ROLES)
    whole = client.get(PAGE).content.decode()
    assert "Make current" not in whole
    assert client.post(f"{PAGE}/upgrade/back").status_code == 302
    upgrade.refresh_from_db()
    assert (upgrade.state, upgrade.reason) == ("returning", "Alice rolled it back.")
    assert "Going back" in client.get(PAGE).content.decode()
    Upgrade.objects.update(state="returned", ended_at=timezone.now())
    page = client.get(PAGE).content.decode()
    assert "Release 1 serves as before." in page
    assert "Go back now" not in page
    again = client.post(f"{PAGE}/upgrade/back", follow=True).content.decode()
    assert "Make an earlier release current instead" in again


def test_an_earlier_release_is_made_current(site: Site, newer: Image, client: Client) -> None:
    wish = {"image_verifier": str(newer.pk)}
    plan = plan_in(client.post(f"{PAGE}/upgrade", wish).content.decode())
    client.post(f"{PAGE}/upgrade", {**wish, "plan": plan})
    upgrade = Upgrade.objects.get()
    Upgrade.objects.update(state="done", ended_at=timezone.now())
    Stack.objects.update(release=upgrade.after)
    assert f"{PAGE}/upgrade?release=1" in client.get(PAGE).content.decode()
    there = f"{PAGE}/upgrade?release=1"
    assert "Make release 1 of" in client.get(there).content.decode()
    plan = plan_in(client.post(there, {}).content.decode())
    assert client.post(there, {"plan": plan}).status_code == 302
    assert Upgrade.objects.order_by("pk").last().after.note == "As release 1."  # type: ignore[union-attr]
    assert client.get(f"{PAGE}/upgrade?release=99").status_code == 404
    assert client.get(f"{PAGE}/upgrade?release=x").status_code == 200


def test_what_is_refused_stays_on_the_form(site: Site, newer: Image, client: Client) -> None:
    none = client.post(f"{PAGE}/upgrade", {})
    assert none.status_code == 400
    assert "Every role has this image already" in none.content.decode()
    wish = {"image_verifier": str(newer.pk)}
    plan = plan_in(client.post(f"{PAGE}/upgrade", wish).content.decode())
    HostAddress.objects.create(network=site.choices.network, address="10.0.0.10", note="a printer")
    moved = client.post(f"{PAGE}/upgrade", {**wish, "plan": plan})
    assert moved.status_code == 409
    assert "Read it again, then confirm it" in moved.content.decode()
    assert not Upgrade.objects.exists()


def test_who_only_looks_sees_the_releases_and_may_do_nothing(site: Site, client: Client) -> None:
    viewer = add_member(site.domain.organization, "viewer@example.net", "viewer")
    client.force_login(viewer.account)
    page = client.get(PAGE).content.decode()
    assert "Releases" in page
    assert "Upgrade it" not in page
    assert client.get(f"{PAGE}/upgrade").status_code == 403
    assert client.post(f"{PAGE}/upgrade/back").status_code == 403


def test_what_is_not_there_any_more_is_said_beside_its_phase(site: Site, client: Client) -> None:
    page = client.get(PAGE).content.decode()
    assert "All of it was proved." in page
    assert "runs as planned." in page
    told = {"unit": "example-org-relay-1", "sentence": "It is <gone>."}
    Condition.objects.create(
        target=site.machine.target,
        type=Condition.Type.DRIFTED,
        status=True,
        details={"units": [told]},
        seen_at=timezone.now(),
        since=timezone.now(),
    )
    page = client.get(PAGE).content.decode()
    assert "not all of it is like that any more" in page
    assert "It is &lt;gone&gt;." in page
    assert page.count("Not as it was proved") == 1
    phases = client.get("/api/v1/domains/example.org/stack/").json()["phases"]
    assert {each["name"]: each["found"] for each in phases if each["found"]} == {"relay": "It is <gone>."}
