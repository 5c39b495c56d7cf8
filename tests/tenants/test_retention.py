"""How long the audit log is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tenants.actions import mailboxes, retention
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import Event, Mailbox

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def test_what_is_older_goes_some_at_once(
    alice: Actor,
    make_mailbox: Callable[..., Mailbox],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mailbox = make_mailbox()
    for note in ("one", "two", "three", "four"):
        mailboxes.change_note(actor=alice, mailbox=mailbox, note=note)
    for event in Event.objects.filter(verb="change_note").order_by("pk")[:3]:
        Event.objects.filter(pk=event.pk).update(at=event.at - timedelta(days=40))
    settings.EVENT_DAYS = 30
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    with pytest.raises(Forbidden):
        retention.forget_events(actor=alice)
    assert [retention.forget_events(actor=Actor.rookery()) for _ in range(3)] == [2, 1, 0]
    left = Event.objects.filter(verb="change_note")
    assert [each.after["note"] for each in left] == ["four"]
