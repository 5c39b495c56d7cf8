"""Importing a table and doing one thing to many addresses, for programs."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tenants.actor import Actor
from tenants.models import Domain, Event, Mailbox, TargetAddress
from tests.api.client import Api
from tests.conftest import HASH, make_address

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]
URL = "domains/example.org/mailboxes/import/"
MANY = "domains/example.org/mailboxes/many/"
ROWS = [
    {"address": "ada", "targets": ["ada@home.example"], "password_hash": HASH, "note": "Analyst"},
    {"address": "bob@example.org", "targets": "bob@home.example", "enabled": False},
]


@pytest.fixture
def alice_api(api: Callable[..., Api], alice: Actor) -> Api:
    return api(alice)


def csv(api: Api, text: str, query: str = "") -> Any:
    return api.client.post(
        f"/api/v1/{URL}{query}", text.encode(), content_type="text/csv", headers=api.headers
    )


def test_a_dry_run_shows_what_is_done_then(alice_api: Api, domain: Domain) -> None:
    shown = alice_api.post(f"{URL}?dry_run=true", {"addresses": ROWS})
    assert shown.status_code == 200
    assert shown["Rookery-Dry-Run"] == "true"
    assert not Mailbox.objects.exists()
    told = shown.json()
    assert told["counts"] == {"create": 2, "change": 0, "unchanged": 0, "refused": 0}
    assert told["mails"] == 2
    assert told["rows"][0]["changes"]["targets"] == [None, ["ada@home.example"]]
    assert HASH not in shown.content.decode()
    done = alice_api.post(URL, {"addresses": ROWS, "preview": told["preview"]})
    assert done.json() == {**told, "generation": 0}
    assert list(Mailbox.objects.values_list("local_part", "enabled")) == [("ada", True), ("bob", False)]
    again = alice_api.post(URL, {"addresses": ROWS, "preview": told["preview"]})
    assert again.status_code == 409
    assert not Event.objects.filter(verb="set_passphrase").exists()


def test_csv_is_a_body_too(alice_api: Api, domain: Domain) -> None:
    text = "address,targets\nada,ada@home.example\nBob,bob@home.example\n"
    refused = csv(alice_api, text)
    assert refused.status_code == 400
    [problem] = refused.json()["problems"]
    assert problem["field"] == "addresses[1].local_part"
    assert problem["problem"].startswith("Line 3: ")
    assert not Mailbox.objects.exists()
    done = csv(alice_api, text, "?leave_out_refused=true&vouched=true")
    assert done.json()["counts"]["create"] == 1
    assert [row["verdict"] for row in done.json()["rows"]] == ["create", "refused"]
    assert TargetAddress.objects.get().source == TargetAddress.Source.OWNER


def test_what_is_no_table(alice_api: Api, domain: Domain) -> None:
    for answer in (
        csv(alice_api, ""),
        csv(alice_api, "address,password\nada,hunter2"),
        csv(alice_api, "address\nada\n", "?preview=x"),
        alice_api.post(URL, {"addresses": [{"password": "hunter2-sesame"}]}),
        alice_api.post(f"{URL}?vouched=true", {"addresses": ROWS}),
    ):
        assert answer.status_code == 400
        assert b"hunter2" not in answer.content
    assert not Mailbox.objects.exists()


def test_more_than_other_bodies_hold(alice_api: Api, domain: Domain) -> None:
    rows = [{"address": f"n{i}", "targets": ["n@home.example"], "note": "n" * 9000} for i in range(150)]
    answer = alice_api.post(f"{URL}?dry_run=true", {"addresses": rows})
    assert answer.status_code == 200
    assert answer.json()["counts"]["refused"] == 150
    assert len(answer.content) < 100_000


def test_one_thing_for_many(alice_api: Api, alice: Actor, domain: Domain) -> None:
    for name in ("ada", "bob"):
        make_address(alice, domain, name, f"{name}@home.example")
    wish = {"action": "switch_off", "addresses": ["ada", "bob@example.org"]}
    shown = alice_api.post(f"{MANY}?dry_run=true", wish).json()
    assert [(each["address"], each["verdict"]) for each in shown["results"]] == [
        ("ada@example.org", "changed"),
        ("bob@example.org", "changed"),
    ]
    assert Mailbox.objects.filter(enabled=True).count() == 2
    assert alice_api.post(MANY, {**wish, "preview": shown["preview"]}).json() == shown
    assert not Mailbox.objects.filter(enabled=True).exists()
    missing = alice_api.post(MANY, {"action": "trash", "addresses": ["ada", "nobody"]})
    assert missing.json()["problems"][0]["field"] == "addresses[1]"
    alice_api.post(MANY, {"action": "trash", "addresses": ["ada"]})
    refused = alice_api.post(MANY, {"action": "switch_on", "addresses": ["ada", "bob"]})
    assert [each["field"] for each in refused.json()["problems"]] == ["addresses[ada@example.org]"]
    done = alice_api.post(
        MANY, {"action": "switch_on", "addresses": ["ada", "bob"], "leave_out_refused": True}
    )
    assert [each["verdict"] for each in done.json()["results"]] == ["refused", "changed"]


def test_the_command(domain: Domain, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("address,targets\nada,ada@home.example\nBob,b@home.example\n")
    out, problems = StringIO(), StringIO()
    call_command("import_addresses", "example.org", str(table), stdout=out, stderr=problems)
    assert "It would be: 1 create, 0 change, 0 unchanged, 1 refused." in out.getvalue()
    assert "line 3: Bob: “Bob” contains upper-case letters" in problems.getvalue()
    assert not Mailbox.objects.exists()
    with pytest.raises(CommandError, match="upper-case"):
        call_command("import_addresses", "example.org", str(table), "--apply")
    call_command(
        "import_addresses",
        "example.org",
        str(table),
        "--apply",
        "--leave-out-refused",
        "--vouched",
        stdout=out,
    )
    assert str(Mailbox.objects.get()) == "ada@example.org"
    for words in (("nowhere.example", str(table)), ("example.org", str(tmp_path / "none"))):
        with pytest.raises(CommandError):
            call_command("import_addresses", *words)


def test_files_of_other_mail_servers_are_bodies_too(alice_api: Api, domain: Domain) -> None:
    text = "ada@example.org|{CRYPT}x\nada@example.org ada@home.example\n@else.example x@home.example\n"
    shown = csv(alice_api, text, "?dry_run=true").json()
    assert shown["counts"] == {"create": 1, "change": 0, "unchanged": 0, "refused": 1}
    assert [row["address"] for row in shown["rows"]] == ["ada@example.org", "@else.example"]
    assert "as CRYPT" in shown["rows"][0]["remarks"][0]
    assert csv(alice_api, text, "?leave_out_refused=true").status_code == 200
    assert str(TargetAddress.objects.get()) == "ada@home.example"
