"""The pages of a mail stack: what was shown is confirmed once; then it is followed, cancelled, removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Domain, HostAddress, PublicAddress, Stack
from tests.contract.host_world import own_images
from tests.stacking import Site, build_site
from tests.world import add_member

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/stack"


@pytest.fixture
def site(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> Site:
    own_images(settings, tmp_path)
    return build_site(alice, domain)


@pytest.fixture
def owner(client: Client, alice: Actor) -> Client:
    assert alice.account is not None
    client.force_login(alice.account)
    return client


def filled(site: Site) -> dict[str, str]:
    image = next(iter(site.choices.images.values()))
    return {
        "network": str(site.choices.network.pk),
        "public": str(site.choices.public.pk),
        "production": "staging",
        "open_relay": "on",
        "selector": "s1",
        **{f"image_{role}": str(image.pk) for role in ROLES},
    }


def test_from_the_plan_to_the_end(site: Site, owner: Client) -> None:
    assert "Plan a mail stack" in owner.get(PAGE).content.decode()
    shown = owner.post(f"{PAGE}/new", filled(site)).content.decode()
    digest = shown.partition('name="plan" value="')[2].partition('"')[0]
    assert len(digest) == 64
    assert not Stack.objects.exists()
    made = owner.post(f"{PAGE}/new", {**filled(site), "plan": digest})
    assert made.headers["Location"] == PAGE
    stack = Stack.objects.get()
    page = owner.get(PAGE).content.decode()
    assert "0 of 13 phases are proved" in page
    assert "Start the relay" in page
    stack.phases.filter(name="relay").update(state="failed", reason="It said <nothing>.")
    page = owner.get(PAGE).content.decode()
    assert "It said &lt;nothing&gt;." in page
    for data, wanted in (
        ({"do": "retry", "phase": "relay"}, "running"),
        ({"do": "cancel"}, "cancelled"),
        ({"do": "resume"}, "running"),
    ):
        assert owner.post(f"{PAGE}/do", data).status_code == 302
        stack.refresh_from_db()
        assert stack.wanted == wanted
    refused = owner.post(f"{PAGE}/do", {"do": "remove", "name": "example.com"})
    assert refused.status_code == 400
    assert "not the domain&#x27;s name" in refused.content.decode()
    assert owner.post(f"{PAGE}/do", {"do": "remove", "name": "example.org"}).status_code == 302
    assert "It is being taken back" in owner.get(PAGE).content.decode()


def test_another_plan_than_the_shown_one_is_shown_again(site: Site, owner: Client) -> None:
    digest = site.preview(open_relay=True).digest
    HostAddress.objects.create(network=site.choices.network, address="10.0.0.3", note="a printer")
    answer = owner.post(f"{PAGE}/new", {**filled(site), "plan": digest})
    assert "Read it again, then confirm it" in answer.content.decode()
    assert not Stack.objects.exists()


def test_who_only_looks_sees_no_button_and_may_do_nothing(site: Site, client: Client) -> None:
    site.make()
    viewer = add_member(site.domain.organization, "viewer@example.net", "viewer")
    client.force_login(viewer.account)
    page = client.get(PAGE).content.decode()
    assert "Its phases" in page
    assert "Remove it" not in page
    assert "Cancel it" not in page
    for do in ("cancel", "resume", "retry", "remove"):
        answer = client.post(f"{PAGE}/do", {"do": do, "phase": "git", "name": "example.org"})
        assert answer.status_code == 403


def test_public_addresses_are_given_and_taken_back(site: Site, owner: Client) -> None:
    share = site.choices.share.pk
    assert owner.post(f"/hosts/{share}/public/add", {"address": "192.0.2.99"}).status_code == 302
    assert "192.0.2.99" in owner.get(f"/hosts/{share}").content.decode()
    wrong = owner.post(f"/hosts/{share}/public/add", {"address": "127.0.0.1"})
    assert wrong.status_code == 400
    assert 'value="127.0.0.1"' in wrong.content.decode()
    row = PublicAddress.objects.get(address="192.0.2.99")
    assert owner.post(f"/hosts/{share}/public/{row.pk}/remove").status_code == 302
    site.make()
    used = site.choices.public
    owner.post(f"/hosts/{share}/public/{used.pk}/remove")
    assert PublicAddress.objects.filter(pk=used.pk).exists()
