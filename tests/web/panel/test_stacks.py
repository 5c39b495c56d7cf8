"""The pages of a mail stack: what was shown is confirmed once; then it is followed, cancelled, removed."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from panel.fresh import stamp
from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.models import CheckLine, Domain, HostAddress, MailCheck, PrimaryServer, PublicAddress, Stack
from tests.contract.host_world import own_images
from tests.stacking import PUBLIC, Site, build_site
from tests.world import add_member

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/stack"
PORT_25 = f"{PAGE}/port-25"


def sign_in_now(client: Client) -> None:
    session = client.session
    stamp(session)
    session.save()


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
    assert "albatross-client create acme:example-org-relay-1" in page  # by hand, with its own address
    assert "--ipv4={address" not in page
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


def test_what_is_left_of_a_removed_stack_is_said(site: Site, owner: Client) -> None:
    said = "no name server of Rookery's answers"
    assert said not in html.unescape(owner.get(PAGE).content.decode())
    PrimaryServer.objects.update(removed_with="example.org")
    assert said in html.unescape(owner.get(PAGE).content.decode())
    site.make()
    assert "its primary goes" in owner.get(PAGE).content.decode()
    assert PrimaryServer.objects.get().removed_with == ""


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


def test_port_25_is_opened_for_a_reason_after_a_fresh_sign_in_and_closed_again(
    site: Site, owner: Client
) -> None:
    stack = site.make()
    assert "No mail comes in: port 25 is closed" in owner.get(PAGE).content.decode()
    page = owner.get(PORT_25).content.decode()
    assert "an open relay" in page
    assert "It was not looked at yet" in page
    asked = owner.post(PORT_25, {"reason": "Only we reach it."})
    assert asked.status_code == 403, "a session alone is not enough"
    assert not Stack.objects.get().open_relay
    sign_in_now(owner)
    refused = owner.post(PORT_25, {"reason": ""})
    assert refused.status_code == 400
    assert "errorlist" in refused.content.decode()
    assert not Stack.objects.get().open_relay
    assert owner.post(PORT_25, {"reason": "Only <we> reach it."}).headers["Location"] == PAGE
    stack.refresh_from_db()
    assert stack.open_relay
    assert "Port 25 is open for any recipient" in owner.get(PAGE).content.decode()
    found = CheckLine(level="fail", line="open-relay:mx 192.0.2.25", sentence="It takes mail of strangers.")
    found.check_of = MailCheck.objects.create(domain=site.domain)
    found.since = found.looked_at = timezone.now()
    found.position = 1
    found.save()
    page = owner.get(PORT_25).content.decode()
    assert "Only &lt;we&gt; reach it." in page
    assert "It takes mail of strangers." in page
    assert owner.post(f"{PORT_25}/close").headers["Location"] == PAGE
    assert not Stack.objects.get().open_relay


def test_who_may_not_decide_reads_why_port_25_is_closed(site: Site, client: Client) -> None:
    site.make()
    for role in ("viewer", "manager"):
        client.force_login(add_member(site.domain.organization, f"{role}@example.net", role).account)
        sign_in_now(client)
        page = client.get(PORT_25).content.decode()
        assert "It is closed" in page
        assert "Open it all the same" not in page
        for path in (PORT_25, f"{PORT_25}/close"):
            assert client.post(path, {"reason": "I want to."}).status_code == 403
    assert not Stack.objects.get().open_relay


def test_a_guard_in_front_leaves_nothing_to_decide(site: Site, owner: Client) -> None:
    images = {role: image for role, image in site.choices.images.items() if role != "verifier"}
    site.make(images=images, services={"verifier": PUBLIC})
    assert "No mail comes in" not in owner.get(PAGE).content.decode()
    page = owner.get(PORT_25).content.decode()
    assert "there is nothing to decide here" in page
    assert "Open port 25" not in page
