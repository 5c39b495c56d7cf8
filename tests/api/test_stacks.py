"""Mail stacks by program: the plan, exactly it, its parts, and the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Domain, Stack, Unikernel
from tests.api.client import Api
from tests.stacking import PUBLIC, Site, build_site

pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.urls("tests.api.urls")]

HERE = "domains/example.org/stack/"


@pytest.fixture
def site(alice: Actor, domain: Domain) -> Site:
    return build_site(alice, domain)


@pytest.fixture
def client(api: Callable[..., Api], alice: Actor) -> Api:
    return api(alice)


def body(site: Site, **changes: Any) -> dict[str, Any]:
    chosen = site.choices
    return {
        "host": chosen.share.pk,
        "network": chosen.network.pk,
        "public_address": chosen.public.pk,
        "images": {role: image.pk for role, image in chosen.images.items()},
        **changes,
    }


def fields(answer: Any) -> set[str]:
    assert answer.status_code == 400, answer.content
    return {each["field"] for each in answer.json()["problems"]}


def test_from_a_plan_to_a_stack_and_its_removal(site: Site, client: Api) -> None:
    wish = body(site, certificates="production", open_relay=True)
    plan = client.post(f"{HERE}plan/", wish).json()
    assert (plan["lacking"], Stack.objects.exists()) == ([], False)
    assert plan["plan"] == site.preview(production=True, open_relay=True).digest
    started = [step["role"] for step in plan["steps"] if step["kind"] == "unikernel"]
    assert sorted(started) == sorted(ROLES)
    assert all(step["commands"] for step in plan["steps"] if step["kind"] != "addresses")
    other = client.put(HERE, {**wish, "certificates": "staging", "plan": plan["plan"]})
    assert (other.status_code, Stack.objects.exists()) == (409, False)

    dry = client.put(f"{HERE}?dry_run=true", {**wish, "plan": plan["plan"]}).json()
    assert (dry["target"], dry["phases"][-1]["name"], Stack.objects.exists()) == (None, "mx", False)
    assert {phase["unikernel"] for phase in dry["phases"]} == {None}
    made = client.put(HERE, {**wish, "plan": plan["plan"]})
    assert (made.status_code, made["Location"]) == (201, f"/api/v1/{HERE}")
    stack = made.json()
    assert made["ETag"] == client.get(HERE)["ETag"]
    assert (stack["address"], stack["certificates"], stack["release"]) == (PUBLIC, "production", 1)
    kernels = {phase["name"]: phase["unikernel"] for phase in stack["phases"] if phase["unikernel"]}
    assert kernels.keys() == ROLES.keys()
    assert Unikernel.objects.get(pk=kernels["signer"]).name == "example-org-signer-1"
    (listed,) = client.get("stacks/?wanted=running").json()["results"]
    assert listed == {name: value for name, value in stack.items() if name in listed}
    (release,) = client.get(f"{HERE}releases/").json()["results"]
    assert client.get(f"{HERE}releases/1/").json() == release
    assert {part["role"]: part["address"] for part in release["parts"]} == plan["addresses"]
    (address,) = client.get(f"hosts/{stack['host']}/public-addresses/").json()["results"]
    assert (address["address"], address["domain"]) == (PUBLIC, "example.org")

    # What a worker found is no change: the tag from the beginning still fits.
    row = Stack.objects.get()
    row.phases.filter(name="relay").update(state="failed", reason="It ended with code 64.")
    tag = {"If-Match": made["ETag"]}
    retried = client.post(f"{HERE}retry/", {"phase": "relay"}, headers=tag).json()
    (relay,) = (phase for phase in retried["phases"] if phase["name"] == "relay")
    assert (relay["state"], relay["tries"]) == ("pending", 1)
    assert client.post(f"{HERE}cancel/", headers=tag).json()["wanted"] == "cancelled"
    assert client.delete(HERE, headers=tag).status_code == 412
    assert client.post(f"{HERE}resume/").json()["wanted"] == "running"
    assert client.put(f"{HERE}open-relay/", {"open_relay": False}).json()["open_relay"] is False
    assert fields(client.put(f"{HERE}open-relay/", {"open_relay": True})) == {"reason"}
    assert client.put(f"{HERE}open-relay/", {"open_relay": True, "reason": "Ours."}).json()["open_relay"]
    gone = client.delete(HERE)
    assert (gone.status_code, gone.json()["wanted"]) == (202, "removed")
    assert client.post(f"{HERE}resume/").status_code == 409


def test_a_refused_choice_is_named_as_it_was_sent(site: Site, client: Api) -> None:
    def refused(**changes: Any) -> set[str]:
        return fields(client.post(f"{HERE}plan/", body(site, **changes)))

    assert refused(host=999_999) == {"host"}
    assert refused(network=999_999, public_address=999_999) == {"network", "public_address"}
    assert refused(images={"relay": 999_999}) == {"images.relay"}
    assert refused(images={}, services={"relay": "nowhere"}) == {"services.relay"}
    assert refused(images={}) == {"images.resolver"}
    assert refused(selector="two words") == {"selector"}
    site.choices.share.most_unikernels = 2
    site.choices.share.save()
    wish = body(site)
    plan = client.post(f"{HERE}plan/", wish).json()
    assert {each["field"] for each in plan["lacking"]} == {"host"}
    assert fields(client.put(HERE, {**wish, "plan": plan["plan"]})) == {"host"}
