"""Passphrases that are used more than once: found by workers only, told as a fact, in one organization."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection

from tenants.actions import domains, mailboxes
from tenants.actor import Actor
from tenants.models import AddressWarning, Domain, Mailbox, Organization
from tenants.secrets import Opener
from tests.conftest import HASH, make_address
from workers.errands import likeness

pytestmark = pytest.mark.django_db

OTHER = hashlib.blake2b(b"another-passphrase-of-many-words").hexdigest()


def warned() -> set[str]:
    likeness.compare(Opener())
    rows = AddressWarning.objects.filter(kind="reused-passphrase").select_related("mailbox__domain")
    return {str(row.mailbox) for row in rows}


def test_equal_ones_are_found_and_a_change_ends_it(
    alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    rows = [make_mailbox(name) for name in ("ada", "bea", "cleo")]
    make_mailbox("solo", password_hash=OTHER)
    make_mailbox("alias", password_hash="")
    assert warned() == {"ada@example.org", "bea@example.org", "cleo@example.org"}
    assert not likeness.waiting().exists()
    fresh = hashlib.blake2b(b"fresh").hexdigest()
    mailboxes.set_passphrase(actor=alice, mailbox=rows[0], password_hash=fresh)
    assert warned() == {"bea@example.org", "cleo@example.org"}
    mailboxes.trash_mailbox(actor=alice, mailbox=rows[1])
    assert warned() == set()
    mailboxes.restore_mailbox(actor=alice, mailbox=rows[1])
    assert warned() == {"bea@example.org", "cleo@example.org"}


def test_two_organizations_never_meet(
    charlie: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    theirs = domains.create_domain(
        actor=charlie, organization=Organization.objects.get(name="Difference Works"), name="other.example"
    )
    ours, foreign = make_mailbox("ada"), make_address(charlie, theirs, "ada")
    assert warned() == set()
    ours.refresh_from_db()
    foreign.refresh_from_db()
    assert ours.likeness
    assert foreign.likeness
    assert ours.likeness != foreign.likeness


def test_what_is_stored_says_nothing_about_the_hash(make_mailbox: Callable[..., Mailbox]) -> None:
    ada = make_mailbox("ada")
    warned()
    ada.refresh_from_db()
    organization = ada.domain.organization_id
    plain = {
        hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        for text in (HASH, f"{organization}\0{HASH}")
    }
    assert ada.likeness not in plain
    assert ada.likeness not in HASH
    assert ada.likeness == likeness.likeness_by(settings.WORKERS_MARKS)(organization, HASH)
    assert ada.likeness != likeness.likeness_by("another key")(organization, HASH)


def test_what_changes_meanwhile_is_compared_again(make_mailbox: Callable[..., Mailbox]) -> None:
    from django.utils import timezone

    from tenants.actions.likeness import note_likeness

    ada = make_mailbox("ada")
    stale = Mailbox.objects.select_related("domain").get(pk=ada.pk)
    Mailbox.objects.filter(pk=ada.pk).update(changed_at=timezone.now())
    note_likeness(actor=Actor.rookery(), mailbox=stale, likeness="0" * 32)
    assert likeness.waiting().count() == 1
    assert Mailbox.objects.get(pk=ada.pk).likeness == ""


def test_one_that_cannot_be_opened_hinders_no_other(make_mailbox: Callable[..., Mailbox]) -> None:
    broken = make_mailbox("ada")
    make_mailbox("bea")
    Mailbox.objects.filter(pk=broken.pk).update(sealed_hash=b"garbled")
    assert warned() == set()
    assert not likeness.waiting().exists()


def test_finding_nothing_to_do_costs_nothing(make_mailbox: Callable[..., Mailbox]) -> None:
    """However many addresses there are: an index holds only those that wait."""
    make_mailbox()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert "mailbox_not_likened" in likeness.waiting().order_by("changed_at").explain()


def test_the_work_is_bounded_and_goes_on(make_mailbox: Callable[..., Mailbox]) -> None:
    for n in range(5):
        make_mailbox(f"a{n}")
    assert [likeness.compare(Opener(), most=2) for _ in range(4)] == [2, 2, 1, 0]
    assert AddressWarning.objects.count() == 5
