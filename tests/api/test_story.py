"""The story by curl: an organization, a domain, a repository, a request, its approval, its proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from panel.api import waiting
from tenants import tokens
from tenants.actor import Actor
from tenants.models import (
    AddressRequest,
    Condition,
    Domain,
    Event,
    Mailbox,
    Organization,
    Repository,
    Run,
    SyncTarget,
)
from tests.api.client import Api
from tests.conftest import HASH
from tests.world import HOST_KEY, World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def observe(target_id: int) -> None:
    """What a worker records after it has read the change back."""
    row = SyncTarget.objects.get(pk=target_id)
    SyncTarget.objects.filter(pk=target_id).update(observed_generation=row.generation)


def test_the_whole_story(api: Callable[..., Api], olga: Actor) -> None:
    olga_api, stranger = api(olga), Api()
    made = olga_api.post("organizations/", {"name": "Analytical Society"})
    organization = olga_api.get(made["Location"]).json()["id"]
    made = olga_api.post("domains/", {"organization": organization, "name": "Example.ORG"})
    assert made["Location"] == "/api/v1/domains/example.org/"
    assert stranger.post("public/domains/example.org/requests/", {}).status_code == 400
    olga_api.patch("domains/example.org/", {"requests": "moderated"})

    place = {"host": "git.example.org", "path": "relay.git", "username": "git", "port": 2222}
    connected = olga_api.put("domains/example.org/repository/", place).json()
    assert connected["public_key"].startswith("ssh-ed25519 ")
    Repository.objects.update(offered_host_key=HOST_KEY)
    offered = olga_api.get("domains/example.org/repository/").json()["offered_host_key_fingerprint"]
    pinned = olga_api.post("domains/example.org/repository/host-key/", {"fingerprint": offered}).json()
    assert (pinned["host_key_fingerprint"], pinned["offered_host_key_fingerprint"]) == (offered, None)

    wish = {"local_part": "ada", "target": "ada@home.example", "password_hash": HASH}
    asked = stranger.post("public/domains/example.org/requests/", wish).json()
    page = asked["timeline_url"].rpartition("/")[2]
    assert asked["status_url"].endswith(f"/api/v1/public/requests/{page}/")
    assert stranger.get(asked["status_url"]).json()["status"] == "asked"

    confirm_token = tokens.new_token()
    AddressRequest.objects.update(confirm_digest=tokens.digest(confirm_token))
    for _ in range(2):  # pressing twice is no error
        confirmed = stranger.post("public/requests/confirm/", {"token": confirm_token}).json()
        assert confirmed["status"] == "confirmed"

    [waiting_request] = olga_api.get("requests/?status=confirmed&domain=example.org").json()["results"]
    approved = olga_api.post(f"requests/{waiting_request['id']}/approve/").json()
    assert (approved["mailbox"], approved["decided_by"]) == ("ada@example.org", "olga@people.example")
    assert stranger.get(asked["status_url"]).json()["written"] is False

    mailbox = olga_api.get("mailboxes/ada@example.org/").json()
    assert (mailbox["state"], mailbox["observed"]) == ("writing", False)
    observe(connected["target"])
    mailbox = olga_api.get("mailboxes/ada@example.org/").json()
    assert (mailbox["state"], mailbox["observed"]) == ("works", True)
    assert stranger.get(asked["status_url"]).json()["written"] is True
    target = olga_api.get(f"targets/{connected['target']}/").json()
    assert (target["in_agreement"], target["observed_generation"]) == (True, mailbox["generation"])
    assert olga_api.get("domains/example.org/").json()["in_agreement"] is True
    verbs = {each["verb"] for each in olga_api.get("events/?domain=example.org").json()["results"]}
    assert verbs >= {"submit_request", "confirm_request", "approve_request", "confirm_host_key"}


def test_nobody_may_ask_where_it_is_closed(domain: Domain) -> None:
    wish = {"local_part": "ada", "target": "ada@home.example", "password_hash": HASH}
    closed = Api().post("public/domains/example.org/requests/", wish)
    absent = Api().post("public/domains/nowhere.example/requests/", wish)
    assert closed.status_code == absent.status_code == 404
    assert closed.json()["detail"] == absent.json()["detail"]


def test_the_public_limits_hold_and_a_dry_run_spends_nothing(world: World) -> None:
    wish = {"local_part": "mary", "target": "mary@home.example", "password_hash": HASH}
    address = "public/domains/example.org/requests/"
    for _ in range(5):
        assert Api().post(f"{address}?dry_run=true", wish).status_code == 200
    statuses = [Api().post(address, wish).status_code for _ in range(4)]
    assert statuses == [202, 202, 202, 429]  # three a day for one target


def test_a_refusal_has_a_reason_that_the_requester_reads(
    api: Callable[..., Api], alice: Actor, world: World
) -> None:
    refuse = f"requests/{world.request.pk}/refuse/"
    assert api(alice).post(refuse, {"reason": " "}).status_code == 400
    api(alice).post(refuse, {"reason": "This name is kept."})
    told = Api().get(f"public/requests/{world.page_token}/").json()
    assert (told["status"], told["reason"]) == ("refused", "This name is kept.")
    assert Api().post(f"public/requests/{world.page_token}/withdraw/").status_code == 409


def test_the_requester_learns_nothing_of_the_deciders(
    api: Callable[..., Api], alice: Actor, world: World
) -> None:
    api(alice).post(f"requests/{world.request.pk}/approve/")
    assert "alice" not in Api().get(f"public/requests/{world.page_token}/").content.decode().lower()


def test_no_answer_ever_has_a_secret(
    api: Callable[..., Api], alice: Actor, olga: Actor, world: World
) -> None:
    """Every list and object that the owner and the operator can read."""
    repository = world.repository
    secrets = [HASH, "BEGIN OPENSSH", "sealed", "digest", repository.sealed_key.hex()[:40]]
    addresses = [
        "organizations/", "domains/", "domains/example.org/mailboxes/", "mailboxes/ada@example.org/",
        "domains/example.org/repository/", "requests/", f"requests/{world.request.pk}/", "targets/",
        f"targets/{world.target.pk}/", "runs/", f"runs/{world.run.pk}/", "events/", "account/",
        "account/tokens/",
    ]  # fmt: skip
    for person in (alice, olga):
        client = api(person)
        client.put("mailboxes/ada@example.org/passphrase/", {"password_hash": HASH[::-1]})
        for address in addresses:
            text = client.get(address).content.decode()
            assert not [secret for secret in [*secrets, HASH[::-1]] if secret in text], address


def test_waiting_for_the_proof(
    api: Callable[..., Api], alice: Actor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            observe(world.target.pk)

    monkeypatch.setattr(waiting, "pause", pause)
    answer = api(alice).patch("mailboxes/ada@example.org/?wait=10", {"enabled": False})
    assert (answer.json()["observed"], len(pauses)) == (True, 3)
    dry = api(alice).patch("mailboxes/ada@example.org/?wait=10&dry_run=true", {"enabled": True})
    assert (dry.json()["observed"], len(pauses)) == (False, 3)
    assert api(alice).patch("mailboxes/ada@example.org/?wait=long", {}).status_code == 400


def test_waiting_ends_where_nothing_will_come(
    api: Callable[..., Api], alice: Actor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "pause", lambda seconds: pytest.fail("there was nothing to wait for"))
    bare = api(alice).post(
        "domains/bare.example.org/mailboxes/?wait=10",
        {"local_part": "x", "targets": ["x@home.example"]},
    )
    assert (bare.status_code, bare.json()["observed"]) == (201, False)
    SyncTarget.objects.filter(pk=world.target.pk).update(stop_code="host-key", stop_generation=10_000)
    stopped = api(alice).delete("mailboxes/ada@example.org/?wait=10").json()
    assert stopped["observed"] is False
    assert api(alice).get("mailboxes/ada@example.org/").json()["state"] == "stopped"


def test_waiting_is_bounded_in_time_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    time = [0.0]
    monkeypatch.setattr("panel.api.waiting.time.monotonic", lambda: time[0])

    def pause(seconds: float) -> None:
        time[0] += seconds

    monkeypatch.setattr(waiting, "pause", pause)
    assert waiting.wait_until(lambda: False, 10.0) is False
    assert 10.0 <= time[0] < 10.01
    taken = [waiting._places.acquire(blocking=False) for _ in range(8)]
    try:
        time[0] = 0.0
        assert waiting.wait_until(lambda: False, 10.0) is False
        assert time[0] == 0.0
    finally:
        for _ in taken:
            waiting._places.release()


def test_a_preview_is_a_link_or_an_answer(
    api: Callable[..., Api], alice: Actor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panel.api.targets.LONGEST_LOOK", 0.0)
    address = f"targets/{world.target.pk}/preview/"
    later = api(alice).post(address)
    run = Run.objects.get(mode="preview")
    assert (later.status_code, later["Location"]) == (202, f"/api/v1/runs/{run.pk}/")
    assert later.json()["state"] == "queued"
    assert api(alice).post(address)["Location"] == later["Location"]  # one waits already

    def answer(seconds: float) -> None:
        Run.objects.filter(pk=run.pk).update(state="succeeded", plan={"changes": []}, outcome="planned")

    monkeypatch.setattr("panel.api.targets.LONGEST_LOOK", 2.0)
    monkeypatch.setattr(waiting, "pause", answer)
    now = api(alice).post(address)
    assert (now.status_code, now["Location"], now.json()["outcome"]) == (200, later["Location"], "planned")
    assert api(alice).post(f"{address}?dry_run=true").json()["id"] is None


def test_agreeing_and_restarting(api: Callable[..., Api], alice: Actor, world: World) -> None:
    owner = api(alice)
    read = owner.get(f"runs/{world.run.pk}/").json()
    assert read["steps"][0]["name"] == "observe"
    assert read["evidence"][0]["name"] == "commit"
    assert owner.post(f"runs/{world.run.pk}/agree/", {"checksum": read["agree_to"]}).status_code == 200
    world.target.refresh_from_db()
    assert world.target.agreed_to == [read["agree_to"]]
    confirmed = owner.post(f"targets/{world.target.pk}/reload-confirmed/").json()
    assert [each["status"] for each in confirmed["conditions"]] == [False]
    assert owner.post(f"targets/{world.target.pk}/reload-confirmed/").status_code == 409
    assert Condition.objects.get().reason == "RestartedByHand"


def test_targets_with_unusual_names_have_addresses(
    api: Callable[..., Api], alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox(target="a/b+{c}%@home.example")
    owner = api(alice)
    place = "mailboxes/ada@example.org/targets/a%2Fb+%7Bc%7D%25@HOME.example/"
    assert owner.delete("mailboxes/ada@example.org/targets/other@home.example/").status_code == 404
    assert owner.delete(place).json()["targets"] == []


@pytest.mark.parametrize(
    ("filters", "verbs"),
    [
        ("verb=connect_repository", {"connect_repository"}),
        ("mailbox=ada@example.org&verb=create_mailbox", {"create_mailbox"}),
        ("mailbox=nobody@example.org", set()),
        ("domain=nowhere.example", set()),
        ("organization=999999", set()),
    ],
)
def test_events_are_filtered(
    filters: str, verbs: set[str], api: Callable[..., Api], alice: Actor, world: World
) -> None:
    found = api(alice).get(f"events/?{filters}").json()["results"]
    assert {each["verb"] for each in found} == verbs


def test_runs_are_filtered(api: Callable[..., Api], alice: Actor, world: World) -> None:
    def count(query: str) -> int:
        return len(api(alice).get(f"runs/?{query}").json()["results"])

    assert count(f"target={world.target.pk}&state=stopped&mode=apply&domain=example.org") == 1
    assert count("state=failed") == count("mode=preview") == count("domain=bare.example.org") == 0


def test_members_come_and_go(api: Callable[..., Api], alice: Actor, organization: Organization) -> None:
    owner, address = api(alice), f"organizations/{organization.pk}/members/"
    made = owner.post(address, {"email": "New@People.example", "role": "viewer"})
    assert (made.status_code, made.json()["email"]) == (201, "new@people.example")
    changed = owner.put(f"{address}new@people.example/", {"role": "manager"})
    assert (changed.status_code, changed.json()["role"]) == (200, "manager")
    last = owner.delete(f"{address}alice@people.example/")
    assert last.json()["problems"][0]["problem"] == "alice@people.example is the last owner."
    assert owner.delete(f"{address}new@people.example/").status_code == 204


def test_times_of_a_run_page_are_told(api: Callable[..., Api], alice: Actor, world: World) -> None:
    told: dict[str, Any] = api(alice).get(f"runs/{world.run.pk}/").json()
    assert told["created_at"].endswith("Z")
    assert told["created_at"][:10] == timezone.now().date().isoformat()
    assert Event.objects.exists()
