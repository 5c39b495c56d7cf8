"""What people do with their own account: every refusal names its field, and the holder is told by mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tenants.actions import accounts
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import Account, ApiToken, Event, Organization, OutgoingMail
from tenants.secrets import Opener, Purpose

pytestmark = pytest.mark.django_db
PASSWORD = "quartz slope vivid ferry"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def mails() -> list[tuple[str, str, str]]:
    opener = Opener()
    return [
        (row.recipient, row.subject, opener.open(Purpose.MAIL_BODY, bytes(row.sealed_body or b"")))
        for row in OutgoingMail.objects.order_by("pk")
    ]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\0b", "a\u202eb", "line\nbreak"])
def test_a_token_needs_a_name_of_a_sane_length(alice: Actor, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.create_token(actor=alice, name=name)
    assert [problem.field for problem in refused.value.problems] == ["name"]
    assert refused.value.problems[0].fix
    assert not ApiToken.objects.exists()
    assert mails() == []


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lives_for_a_possible_time(alice: Actor, days: int) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.create_token(actor=alice, name="", days=days)
    assert [problem.field for problem in refused.value.problems] == ["name", "days"]


def test_tokens_are_bounded(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MAX_TOKENS", 2)
    for number in range(2):
        accounts.create_token(actor=alice, name=f"t{number}")
    with pytest.raises(Conflict, match="Revoke one"):
        accounts.create_token(actor=alice, name="one more")


def test_a_new_token_is_told_by_mail_without_the_key(alice: Actor, organization: Organization) -> None:
    row, key = accounts.create_token(
        actor=replace(alice, ip="192.0.2.9"), name="backup", organization=organization, read_only=True
    )
    [(recipient, subject, body)] = mails()
    assert (recipient, subject) == ("alice@people.example", "A key for a program was made")
    assert "“backup”" in body
    assert "may read in Analytical Society" in body
    assert "from 192.0.2.9" in body
    event = Event.objects.get(verb="create_token")
    for text in (body, str(event.after), repr(row), event.sentence):
        assert key not in text
        assert key[8:] not in text
    accounts.revoke_token(actor=alice, token_id=row.pk)
    event = Event.objects.get(verb="revoke_token")
    assert (event.before["hint"], event.organization) == (key[:8], organization)


def test_a_panel_password_is_told_by_mail_without_it(alice: Actor) -> None:
    accounts.set_panel_password(actor=alice, password=PASSWORD)
    accounts.set_panel_password(actor=alice, password=PASSWORD + " again")
    told = mails()
    assert [subject for _, subject, _ in told] == [
        "Your panel password was set",
        "Your panel password was changed",
    ]
    for recipient, _, body in told:
        assert recipient == "alice@people.example"
        assert PASSWORD not in body
        assert "/account" in body
    events = Event.objects.filter(verb="set_panel_password").order_by("pk")
    assert [event.before["password"] for event in events] == ["none", "set"]


def test_a_password_that_could_not_be_typed_again_is_refused(alice: Actor) -> None:
    with pytest.raises(Invalid, match="at most 1000") as refused:
        accounts.set_panel_password(actor=alice, password="long words " * 100)
    assert refused.value.problems[0].field == "password"
    assert mails() == []


@pytest.mark.parametrize(
    "act",
    [
        lambda actor: accounts.set_panel_password(actor=actor, password=PASSWORD),
        lambda actor: accounts.create_token(actor=actor, name="another"),
        lambda actor: accounts.revoke_token(actor=actor, token_id=1),
    ],
)
def test_a_program_cannot_change_how_its_person_signs_in(alice: Actor, act: Callable[[Actor], Any]) -> None:
    with pytest.raises(Forbidden):
        act(replace(alice, token="backup"))
    with pytest.raises(Absent):
        act(Actor())


def test_only_the_servers_command_line_makes_operators(olga: Actor) -> None:
    with pytest.raises(Forbidden, match="command line"):
        accounts.create_operator(actor=olga, email="new@people.example")
    assert not Account.objects.filter(email="new@people.example").exists()
