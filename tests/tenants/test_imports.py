"""Importing addresses: a preview of every row, then exactly that."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants import outbox
from tenants.actions import domains, imports, mailboxes, names, organizations, quotas
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid, TooMany
from tenants.models import (
    AddressImport,
    Domain,
    Event,
    ImportRow,
    Mailbox,
    Organization,
    OutgoingMail,
    TargetAddress,
)
from tests.conftest import HASH, make_address
from tests.exchanges import SHARED_HOST, dns_says, served

pytestmark = pytest.mark.django_db
Verdict = ImportRow.Verdict


def preview(actor: Actor, domain: Domain, text: str, **extra: Any) -> AddressImport:
    return imports.preview_import(actor=actor, domain=domain, content=text.encode(), name="a.csv", **extra)


def verdicts(row: AddressImport) -> dict[str, str]:
    return dict(row.rows.order_by("place").values_list("shown", "verdict"))


def apply(actor: Actor, row: AddressImport, **extra: Any) -> AddressImport:
    return imports.apply_import(actor=actor, preview=row, digest=row.digest, **extra)


def problems(row: AddressImport, shown: str) -> list[str]:
    return [each["problem"] for each in row.rows.get(shown=shown).problems]


def test_every_row_is_told_before_anything_happens(alice: Actor, domain: Domain) -> None:
    make_address(alice, domain, "ada", note="Analyst")
    make_address(alice, domain, "bob", "bob@home.example")
    old = make_address(alice, domain, "old", "old@home.example")
    mailboxes.trash_mailbox(actor=alice, mailbox=old)
    text = "\n".join(
        (
            "address,targets,note,enabled,password_hash",
            "ada,ada@home.example,Analyst,yes,",
            "bob@example.org,rob@home.example,,no,",
            f'carl,"carl@home.example, c2@home.example",Cook,,{HASH}',
            "dora,dora@home.example,,,",
            "old,old@home.example,,,",
            "Eve,eve@home.example,,,",
            "fred,fred@example.org,,,xyz",
        )
    )
    before = (Mailbox.objects.count(), Event.objects.count(), OutgoingMail.objects.count())
    row = preview(alice, domain, text)
    assert verdicts(row) == {
        "ada": Verdict.UNCHANGED,
        "bob@example.org": Verdict.CHANGE,
        "carl": Verdict.CREATE,
        "dora": Verdict.CREATE,
        "old": Verdict.REFUSED,
        "Eve": Verdict.REFUSED,
        "fred": Verdict.REFUSED,
    }
    assert before == (Mailbox.objects.count(), Event.objects.count(), OutgoingMail.objects.count())
    assert row.counts == {"create": 2, "change": 1, "unchanged": 1, "refused": 3}
    assert row.questions == 4
    assert row.rows.get(shown="bob@example.org").changes == {
        "targets": [["bob@home.example"], ["rob@home.example"]],
        "enabled": [True, False],
    }
    assert [each["field"] for each in row.rows.get(shown="fred").problems] == ["targets[0]", "password_hash"]
    assert "in the trash" in problems(row, "old")[0]
    assert HASH not in json.dumps(list(row.rows.values("asked", "changes", "problems", "unreadable")))


def test_applied_is_what_was_shown(alice: Actor, domain: Domain) -> None:
    make_address(alice, domain, "bob", "bob@home.example", note="Baker")
    text = (
        "address;targets;note;enabled;hash\n"
        f"ada;ada@home.example other@home.example;Analyst;off;{HASH}\n"
        "bob;rob@home.example;;no;\n"
    )
    row = apply(alice, preview(alice, domain, text))
    assert row.applied_at is not None
    ada, bob = Mailbox.objects.order_by("local_part")
    assert (ada.kind, ada.enabled, ada.note) == (Mailbox.Kind.MAILBOX, False, "Analyst")
    assert (bob.kind, bob.enabled, bob.note) == (Mailbox.Kind.MAILBOX, False, "Baker")
    assert set(ada.targets.values_list("address", "confirmed_at")) == {
        ("ada@home.example", None),
        ("other@home.example", None),
    }
    assert list(bob.targets.values_list("address", flat=True)) == ["rob@home.example"]
    verbs = list(Event.objects.filter(domain=domain).order_by("pk").values_list("verb", flat=True))[-5:]
    assert verbs == ["create_mailbox", "remove_target", "add_target", "switch_mailbox", "import_addresses"]
    organization = Organization.objects.get(pk=domain.organization_id)
    assert organization.mailbox_count == 2
    assert not row.rows.exists()


def test_ten_thousand_marks_are_one(alice: Actor, domain: Domain) -> None:
    from tenants.actions import repositories
    from tenants.models import SyncTarget

    repositories.connect_repository(actor=alice, domain=domain, host="git.example.org", path="relay.git")
    target = SyncTarget.objects.get(repository__domain=domain)
    make_address(alice, domain, "ada")
    target.refresh_from_db()
    before = target.generation
    text = "address,targets\nada,other@home.example\n" + "".join(
        f"n{number},n{number}@home.example\n" for number in range(50)
    )
    row = apply(alice, preview(alice, domain, text))
    target.refresh_from_db()
    assert target.generation == before + 1 == row.generation
    assert set(Mailbox.objects.values_list("generation", flat=True)) == {before + 1}
    made = Event.objects.filter(verb="create_mailbox", mailbox__local_part__startswith="n")
    assert set(made.values_list("generation", "sync_target")) == {(before + 1, target.pk)}


def test_refused_rows_stop_it_unless_they_are_left_out(alice: Actor, domain: Domain) -> None:
    row = preview(alice, domain, "address,targets\nada,ada@home.example\nBob,bob@home.example\n")
    with pytest.raises(Conflict, match="1 rows are refused"):
        apply(alice, row)
    assert not Mailbox.objects.exists()
    row = apply(alice, row, leave_out_refused=True)
    assert [str(each) for each in Mailbox.objects.all()] == ["ada@example.org"]
    assert verdicts(row) == {"Bob": Verdict.REFUSED}


def test_what_changed_since_is_shown_again(alice: Actor, domain: Domain) -> None:
    row = preview(alice, domain, "address,targets\nada,ada@home.example\nbob,bob@home.example\n")
    seen = row.digest
    make_address(alice, domain, "ada", "other@home.example")
    with pytest.raises(Conflict, match="made again"):
        apply(alice, row)
    assert not Mailbox.objects.filter(local_part="bob").exists()
    row.refresh_from_db()
    assert row.digest != seen
    assert verdicts(row) == {"ada": Verdict.CHANGE, "bob": Verdict.CREATE}
    with pytest.raises(Conflict, match="since you read it"):
        imports.apply_import(actor=alice, preview=row, digest=seen)
    apply(alice, row)
    assert Mailbox.objects.count() == 2
    with pytest.raises(Conflict, match="done already"):
        apply(alice, row)


def test_quota_is_told_before_and_holds_after(
    alice: Actor, domain: Domain, organization: Organization
) -> None:
    quotas.change_quotas(actor=Actor.rookery(), organization=organization, domain_quota=3, mailbox_quota=2)
    row = preview(alice, domain, "address,targets\n" + "".join(f"n{i},n@home.example\n" for i in range(3)))
    assert "0 of 2 addresses and this needs 3 more" in imports.obstacle_to(domain, row.counts)
    assert row.counts["create"] == 3
    with pytest.raises(Invalid, match="0 of 2 addresses"):
        apply(alice, row)
    organization.refresh_from_db()
    assert (organization.mailbox_quota, organization.mailbox_count) == (2, 0)
    assert not Mailbox.objects.exists()


def test_people_are_asked_once_and_not_all_in_one_minute(
    alice: Actor, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenants.actions import questions

    monkeypatch.setattr(questions, "MAILS_A_MINUTE", 2)
    lines = "".join(f"n{i},person{i % 5}@home.example\n" for i in range(10))
    row = preview(alice, domain, f"address,targets\n{lines}")
    assert row.questions == 5
    apply(alice, row)
    mails = list(OutgoingMail.objects.filter(subject__startswith="May mail").order_by("pk"))
    assert [mail.recipient for mail in mails] == [f"person{i}@home.example" for i in range(5)]
    assert mails[0].subject == "May mail for n0@example.org and 1 more come to you?"
    now = timezone.now()
    minutes = [round((mail.next_try_at - now) / timedelta(minutes=1)) for mail in mails]
    assert minutes == [0, 0, 1, 1, 2]


def test_an_owner_may_vouch_and_a_manager_may_not(
    alice: Actor, domain: Domain, organization: Organization
) -> None:
    from tests.conftest import account

    manager = Actor(account=account("mallory"))
    assert manager.account is not None
    organizations.add_member(
        actor=Actor.rookery(), organization=organization, email=manager.account.email, role="manager"
    )
    text = "address,targets\nada,ada@home.example\n"
    with pytest.raises(Forbidden, match="vouch"):
        preview(manager, domain, text, vouched=True)
    apply(manager, preview(manager, domain, text))
    apply(
        alice,
        preview(alice, domain, "address,targets\nada,a2@home.example\nbob,b@home.example\n", vouched=True),
    )
    sources = dict(TargetAddress.objects.values_list("address", "source"))
    assert sources == {"a2@home.example": "owner", "b@home.example": "owner"}
    assert not TargetAddress.objects.filter(confirmed_at=None).exists()
    event = Event.objects.get(verb="import_addresses", after__vouched=True)
    assert "vouched for those who get the mail" in event.sentence


def test_previews_belong_to_their_person(alice: Actor, olga: Actor, charlie: Actor, domain: Domain) -> None:
    row = preview(alice, domain, "address,targets\nada,ada@home.example\n")
    assert imports.find_import(alice, domain, row.pk) == row
    for other in (olga, charlie):
        with pytest.raises(Absent):
            imports.find_import(other, domain, row.pk)
        with pytest.raises(Absent):
            imports.apply_import(actor=other, preview=row, digest=row.digest)
    assert not Mailbox.objects.exists()


def test_previews_go(alice: Actor, domain: Domain) -> None:
    rows = [preview(alice, domain, f"address,targets\nn{i},n@home.example\n") for i in range(5)]
    assert list(AddressImport.objects.order_by("pk")) == rows[2:]
    AddressImport.objects.filter(pk=rows[2].pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Absent):
        imports.find_import(alice, domain, rows[2].pk)
    imports.forget_imports(actor=Actor.rookery())
    assert list(AddressImport.objects.order_by("pk")) == rows[3:]
    imports.discard_import(actor=alice, preview=rows[3])
    assert list(AddressImport.objects.all()) == rows[4:]


def test_circles_inside_of_one_file_are_found(
    alice: Actor, domain: Domain, organization: Organization
) -> None:
    other = domains.create_domain(actor=alice, organization=organization, name="klein.example")
    make_address(alice, other, "x", "b@example.org")
    make_address(alice, other, "y", "a@example.org")
    row = preview(alice, domain, "address,targets\na,x@klein.example\nb,y@klein.example\nc,c@home.example\n")
    assert verdicts(row) == {"a": Verdict.CREATE, "b": Verdict.REFUSED, "c": Verdict.CREATE}
    assert "circle" in problems(row, "b")[0]


def test_nobody_takes_a_sign_in_of_somebody_above(alice: Actor, olga: Actor, domain: Domain) -> None:
    from tests.conftest import account

    person = account("operator", is_staff=True)
    person.email = "root@example.org"
    person.save(update_fields=["email"])
    row = preview(alice, domain, "address,targets\nroot,me@home.example\nada,me@home.example\n")
    assert verdicts(row) == {"root": Verdict.REFUSED, "ada": Verdict.CREATE}
    assert "Ask an operator" in problems(row, "root")[0]


BAD: dict[str, dict[str, Any]] = {
    "upper case": {"local_part": "Ada"},
    "slash": {"local_part": "a/b"},
    "long": {"local_part": "a" * 65},
    "own domain": {"targets": ["x@example.org"]},
    "no host": {"targets": ["x@y"]},
    "one mail server": {"targets": ["x@north.shared.example", "x@south.shared.example"]},
    "never again": {"local_part": "gone"},
    "twice": {"targets": ["x@a.example", "x@a.example"]},
    "too many": {"targets": [f"x{i}@a.example" for i in range(21)]},
    "note": {"note": "a\u202eb"},
    "long note": {"note": "n" * 201},
    "short hash": {"password_hash": "ab"},
    "zero hash": {"password_hash": "0" * 128},
    "common hash": {"password_hash": hashlib.blake2b(b"password").hexdigest()},
    "taken": {"local_part": "taken"},
    "trashed": {"local_part": "trashed"},
}


@pytest.mark.parametrize("case", BAD)
def test_an_import_refuses_what_a_form_refuses(alice: Actor, domain: Domain, case: str) -> None:
    """The same words at both doors: there is one validator."""
    make_address(alice, domain, "taken", "other@a.example")
    trashed = make_address(alice, domain, "trashed")
    mailboxes.trash_mailbox(actor=alice, mailbox=trashed)
    names.hold_name(actor=alice, domain=domain, local_part="gone", reason="left in anger")
    for host in ("north.shared.example", "south.shared.example"):
        dns_says(host, served(SHARED_HOST))
    given: dict[str, Any] = {"local_part": "ada", "targets": ["x@a.example"], **BAD[case]}
    with pytest.raises(Invalid) as refused:
        mailboxes.create_mailbox(actor=alice, domain=domain, **given)
    content = json.dumps([{"address": given.pop("local_part"), **given}])
    row = preview(alice, domain, content)
    if case == "taken":  # an import changes what is there
        assert row.counts["change"] == 1
        return
    [line] = row.rows.all()
    assert [(p["problem"], p["fix"]) for p in line.problems] == [
        (p.problem, p.fix) for p in refused.value.problems
    ]


def test_hints_leave_when_it_is_done_and_not_before(
    alice: Actor, domain: Domain, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(outbox, "send_hint", lambda task, row_id, queue: sent.append(task))
    with django_capture_on_commit_callbacks(execute=True):
        row = preview(alice, domain, "address,targets\nada,ada@home.example\n")
    assert sent == []
    with django_capture_on_commit_callbacks(execute=True):
        apply(alice, row)
    assert sent == ["look_up", "deliver_mail"]


def test_an_organization_asks_a_bounded_number_of_people_a_day(
    alice: Actor, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from tenants import limits
    from tenants.models import Allowance

    monkeypatch.setattr(
        limits, "QUESTIONS_PER_ORGANIZATION", replace(limits.QUESTIONS_PER_ORGANIZATION, count=5)
    )

    def table(first: int) -> str:
        return "address,targets\n" + "".join(f"n{i},p{i}@home.example\n" for i in range(first, first + 3))

    apply(alice, preview(alice, domain, table(0)))
    row = preview(alice, domain, table(3))
    with pytest.raises(TooMany, match="Very many people"):
        apply(alice, row)
    assert Mailbox.objects.count() == 3
    assert Allowance.objects.get(key__startswith="questions-organization").used == 3
    Allowance.objects.update(since=timezone.now() - timedelta(hours=25))
    row.refresh_from_db()
    apply(alice, row)
    assert Mailbox.objects.count() == 6
    assert Allowance.objects.get(key__startswith="questions-organization").used == 3


def test_files_of_another_mail_server_are_previewed_with_what_cannot_come_along(
    alice: Actor, domain: Domain
) -> None:
    text = "ada@example.org|{SHA512-CRYPT}$6$secret\nsales@example.org ada@home.example\n"
    text += "@example.org ada@home.example\n"
    row = preview(alice, domain, text)
    assert row.unit == "line"
    assert list(verdicts(row).values()) == [Verdict.CREATE, Verdict.CREATE, Verdict.REFUSED]
    ada = row.rows.get(place=1)
    assert "as SHA512-CRYPT" in ada.remarks[0]
    assert "secret" not in json.dumps(list(row.rows.values("asked", "changes", "problems", "remarks")))
    assert ada.sealed_hash is None
    row = imports.renew_import(actor=alice, preview=row)
    assert row.rows.get(place=1).remarks == ada.remarks
    apply(alice, row, leave_out_refused=True)
    assert set(Mailbox.objects.values_list("local_part", "kind")) == {("ada", "alias"), ("sales", "alias")}
    apply(alice, preview(alice, domain, f"address,password_hash\nada,{HASH}\n"))
    assert Mailbox.objects.get(local_part="ada").kind == Mailbox.Kind.MAILBOX
