"""Exports of a whole organization: asked for, made by a worker, fetched once."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.actions import exports
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden
from tenants.formats import organization_file
from tenants.formats.organization_file import is_sealed, read_file
from tenants.keys import WorkersKeys
from tenants.models import Domain, Event, Export, OutgoingMail
from tenants.secrets import Opener, Purpose
from tests.conftest import HASH, make_address
from workers.errands import exporter

pytestmark = pytest.mark.django_db


def test_without_secrets_it_comes_in_the_clear_and_nobody_is_mailed(alice: Actor, domain: Domain) -> None:
    make_address(alice, domain, "ada")
    asked = exports.ask_for_organization_export(actor=alice, organization=domain.organization)
    assert (asked.key, asked.row.has_secrets) == ("", False)
    with pytest.raises(Conflict, match="Try again in a moment"):
        exports.fetch_export(actor=alice, export=asked.row)
    # Its own key opens nothing of workers: it is not needed.
    assert exporter.make(asked.row.pk, Opener(WorkersKeys(b64encode(bytes(31) + b"x").decode())))
    assert not exporter.make(asked.row.pk, Opener())
    content = exports.fetch_export(actor=alice, export=asked.row)
    file = read_file(content)
    assert [each.local_part for each in file.domains[0].addresses] == ["ada"]
    assert HASH not in content.decode()
    assert not OutgoingMail.objects.filter(subject__contains="export of").exists()
    with pytest.raises(Conflict, match="not there any more"):
        exports.fetch_export(actor=alice, export=asked.row)
    verbs = ["ask_for_organization_export", "record_export", "fetch_export"]
    told = Event.objects.filter(verb__in=verbs).order_by("pk")
    assert [each.verb for each in told] == verbs
    assert all("without secrets" in each.sentence for each in (told[0], told[2]))
    assert {each.organization_id for each in told} == {domain.organization_id}


def test_with_secrets_it_is_sealed_and_owners_are_mailed(alice: Actor, domain: Domain) -> None:
    make_address(alice, domain, "ada")
    asked = exports.ask_for_organization_export(actor=alice, organization=domain.organization, secrets=True)
    exporter.make(asked.row.pk, Opener())
    assert HASH.encode() not in bytes(Export.objects.get().archive or b"")
    content = exports.fetch_export(actor=alice, export=asked.row)
    assert is_sealed(content)
    assert read_file(content, asked.key).domains[0].addresses[0].password_hash == HASH
    [mail] = OutgoingMail.objects.filter(subject__contains="export of Analytical Society")
    body = Opener().open(Purpose.MAIL_BODY, bytes(mail.sealed_body))
    assert f"/o/{domain.organization_id}/export" in body
    for event in Event.objects.all():
        assert asked.key not in json.dumps([event.sentence, event.subject, event.before, event.after])
    assert asked.key not in body
    assert asked.key not in repr(asked)


def test_one_is_open_at_a_time_beside_those_of_domains(alice: Actor, domain: Domain) -> None:
    organization = domain.organization
    of_domain = exports.ask_for_export(actor=alice, domain=domain)
    first = exports.ask_for_organization_export(actor=alice, organization=organization)
    second = exports.ask_for_organization_export(actor=alice, organization=organization, secrets=True)
    states = dict(Export.objects.values_list("pk", "state"))
    assert states == {of_domain.row.pk: "waiting", first.row.pk: "replaced", second.row.pk: "waiting"}
    exporter.make(second.row.pk, Opener())
    Export.objects.filter(pk=second.row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Conflict):
        exports.fetch_export(actor=alice, export=second.row)
    assert exports.expire_exports(actor=Actor.rookery()) == 1
    assert not Export.objects.exclude(archive=None).exists()


def test_owners_of_all_of_it_alone(alice: Actor, bob: Actor, charlie: Actor, domain: Domain) -> None:
    organization = domain.organization
    asked = exports.ask_for_organization_export(actor=alice, organization=organization)
    exporter.make(asked.row.pk, Opener())
    narrowed = Actor(account=alice.account, token="t", domain_id=domain.pk)
    for person in (bob, charlie, narrowed):
        with pytest.raises((Absent, Forbidden)):
            exports.ask_for_organization_export(actor=person, organization=organization)
        with pytest.raises((Absent, Forbidden)):
            exports.fetch_export(actor=person, export=asked.row)


def test_what_nobody_could_read_in_is_told(
    alice: Actor, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organization_file, "MAX_ROWS", 0)
    make_address(alice, domain, "ada")
    asked = exports.ask_for_organization_export(actor=alice, organization=domain.organization)
    exporter.make(asked.row.pk, Opener())
    row = Export.objects.get()
    assert (row.state, row.archive) == ("failed", None)
    assert "by their way out" in row.problem
    monkeypatch.undo()
    asked = exports.ask_for_organization_export(actor=alice, organization=domain.organization, secrets=True)
    exporter.make(asked.row.pk, Opener(WorkersKeys(b64encode(bytes(31) + b"x").decode())))
    assert "sealed with another key" in Export.objects.latest("pk").problem


def test_an_export_of_a_domain_ends_when_others_get_it(
    alice: Actor, olga: Actor, charlie: Actor, domain: Domain
) -> None:
    from tenants.actions.domain_offers import hand_over_domain

    asked = exports.ask_for_export(actor=alice, domain=domain)
    exporter.make(asked.row.pk, Opener())
    assert charlie.account is not None
    theirs = charlie.account.memberships.get().organization
    hand_over_domain(actor=olga, domain=domain, organization=theirs)
    assert not Export.objects.exists()
