"""One thing done to many addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants.actions import bulk, domains, mailboxes
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import Domain, Event, Mailbox, Organization
from tests.conftest import make_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(make_mailbox: Callable[..., Mailbox]) -> list[Mailbox]:
    return [make_mailbox(name, f"{name}@home.example") for name in ("ada", "bob", "carl")]


def change(actor: Actor, domain: Domain, deed: str, **extra: object) -> bulk.Done:
    chosen = extra.pop("chosen", Mailbox.objects.all())
    return bulk.change_mailboxes(actor=actor, domain=domain, chosen=chosen, deed=deed, **extra)  # type: ignore[arg-type]


def test_each_has_its_result(alice: Actor, domain: Domain, many: list[Mailbox]) -> None:
    mailboxes.switch_mailbox(actor=alice, mailbox=many[0], enabled=False)
    before = Event.objects.count()
    done = change(alice, domain, "switch_off")
    assert [(each.address, each.verdict) for each in done.results] == [
        ("ada@example.org", "unchanged"),
        ("bob@example.org", "changed"),
        ("carl@example.org", "changed"),
    ]
    assert not Mailbox.objects.filter(enabled=True).exists()
    verbs = list(Event.objects.order_by("pk").values_list("verb", flat=True))[before:]
    assert verbs == ["switch_mailbox", "switch_mailbox", "change_mailboxes"]


def test_a_rehearsal_keeps_nothing_and_binds(alice: Actor, domain: Domain, many: list[Mailbox]) -> None:
    looked = change(alice, domain, "trash", rehearse=True)
    assert looked.count("changed") == 3
    assert not Mailbox.objects.exclude(trashed_at=None).exists()
    mailboxes.trash_mailbox(actor=alice, mailbox=many[1])
    with pytest.raises(Conflict, match="since you looked"):
        change(alice, domain, "trash", digest=looked.digest)
    assert Mailbox.objects.filter(trashed_at=None).count() == 2
    looked = change(alice, domain, "trash", rehearse=True)
    done = change(alice, domain, "trash", digest=looked.digest)
    assert (done.count("changed"), done.count("unchanged")) == (2, 1)
    organization = Organization.objects.get(pk=domain.organization_id)
    assert organization.mailbox_count == 0
    done = change(alice, domain, "restore")
    assert done.count("changed") == 3
    organization.refresh_from_db()
    assert organization.mailbox_count == 3


def test_a_refused_one_stops_all_or_is_left_out(alice: Actor, domain: Domain, many: list[Mailbox]) -> None:
    mailboxes.trash_mailbox(actor=alice, mailbox=many[1])
    with pytest.raises(Invalid) as refused:
        change(alice, domain, "switch_off")
    assert [problem.field for problem in refused.value.problems] == ["addresses[bob@example.org]"]
    assert Mailbox.objects.filter(enabled=True).count() == 3
    done = change(alice, domain, "switch_off", leave_out_refused=True)
    assert [each.verdict for each in done.results] == ["changed", "refused", "changed"]
    assert not Event.objects.filter(verb="switch_mailbox", mailbox=many[1]).exists()


def test_notes(alice: Actor, domain: Domain, many: list[Mailbox]) -> None:
    change(alice, domain, "set_note", note=" moving ")
    assert set(Mailbox.objects.values_list("note", flat=True)) == {"moving"}
    with pytest.raises(Invalid, match="direction"):
        change(alice, domain, "set_note", note="a\u202eb")
    with pytest.raises(Conflict, match="nothing to do"):
        change(alice, domain, "set_note", note="moving")


def test_only_ones_own(
    alice: Actor, bob: Actor, charlie: Actor, olga: Actor, domain: Domain, many: list[Mailbox]
) -> None:
    organization = Organization.objects.create(name="Third")
    elsewhere = domains.create_domain(actor=olga, organization=organization, name="third.example")
    theirs = make_address(olga, elsewhere, "zed", "zed@home.example")
    done = change(alice, domain, "switch_off")
    assert "zed@third.example" not in [each.address for each in done.results]
    theirs.refresh_from_db()
    assert theirs.enabled
    with pytest.raises(Invalid, match="No address"):
        change(alice, domain, "switch_off", chosen=Mailbox.objects.filter(pk=theirs.pk))
    with pytest.raises(Forbidden):
        change(bob, domain, "switch_off")
    with pytest.raises(Absent):
        change(charlie, domain, "switch_off")
    with pytest.raises(Invalid, match="no choice"):
        change(alice, domain, "drop")
