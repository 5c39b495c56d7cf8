"""Importing a table of addresses, exporting them, and one thing done to many of the list."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenants.formats.tables import MAX_BYTES
from tenants.models import AddressImport, Domain, Mailbox, SyncTarget
from tests.conftest import HASH
from tests.web.panel.world import Outside
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db
URL = "/d/example.org/import"


def upload(client: Client, text: str | bytes, **extra: Any) -> Any:
    content = text.encode() if isinstance(text, str) else text
    return client.post(URL, {"file": SimpleUploadedFile("people.csv", content), **extra})


def test_a_table_is_shown_row_by_row_and_then_done(
    as_alice: Client, target: SyncTarget, outside: Outside, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox("bob", "bob@home.example", note="Baker")
    check_page(as_alice.get(URL))
    lines = f"address,targets,note,password_hash\nada,ada@home.example,=Analyst,{HASH}\n"
    lines += "bob,bob@home.example,Cook,\nCarl,c@home.example,<b>,\n"
    answer = upload(as_alice, lines, vouched="1")
    preview = AddressImport.objects.get()
    assert answer["Location"] == f"{URL}/{preview.pk}"
    page = as_alice.get(answer["Location"])
    check_page(page)
    text = text_of(page)
    assert "Nothing was changed yet: 1 new, 1 changed, 1 refused." in text
    assert "people.csv" in text
    assert "You vouch for those who get the mail" in text
    assert "“Carl” contains upper-case letters" in text
    assert "Note: Baker → Cook" in text
    assert HASH not in page.content.decode()
    assert Mailbox.objects.count() == 1
    refused = text_of(as_alice.get(f"{answer['Location']}?only=refused"))
    assert "Carl" in refused
    assert "Baker" not in refused
    table = as_alice.get(f"{answer['Location']}/problems.csv").content.decode()
    assert table.splitlines()[1].startswith("4,Carl,local_part,")
    done = as_alice.post(f"{answer['Location']}/apply", {"digest": preview.digest, "leave_out": "1"})
    assert done["Location"] == answer["Location"]
    page = as_alice.get(done["Location"])
    check_page(page)
    assert "Done: 1 new, 1 changed, 1 left out." in text_of(page)
    assert "A worker is writing it to the mail server, in one commit." in text_of(page)
    outside.reconcile(target)
    assert "in one commit and read back" in text_of(as_alice.get(done["Location"]))
    assert Mailbox.objects.get(local_part="ada").note == "=Analyst"


def test_what_changed_meanwhile_is_shown_first(
    as_alice: Client, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    page = upload(as_alice, "address,targets\nada,ada@home.example\n")["Location"]
    digest = AddressImport.objects.get().digest
    make_mailbox("ada", "other@home.example")
    as_alice.post(f"{page}/apply", {"digest": digest})
    text = text_of(as_alice.get(page))
    assert "Something changed since this preview." in text
    assert "Nothing was changed yet: 1 changed." in text
    assert AddressImport.objects.get().digest != digest


REFUSED = {
    "nothing": (b"", "There is no table."),
    "passphrases": (b"address,password\nada,hunter2-sesame", "takes none in clear"),
    "too large": (b"a" * (MAX_BYTES + 10), "bytes"),
    "not UTF-8": (b"address\nada\xff", "not UTF-8"),
    "markup": (b"address,<script>\nada,1", "is not known"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_no_table(as_alice: Client, domain: Domain, name: str) -> None:
    content, says = REFUSED[name]
    page = upload(as_alice, content)
    assert page.status_code == 400
    check_page(page)
    assert says in text_of(page)
    assert b"hunter2" not in page.content
    assert not AddressImport.objects.exists()


def test_pasted_lines_are_a_table_too(as_alice: Client, domain: Domain) -> None:
    answer = as_alice.post(URL, {"pasted": "address\ttargets\r\nada\tada@home.example"})
    assert "1 new" in text_of(as_alice.get(answer["Location"]))
    as_alice.post(f"{answer['Location']}/discard")
    assert as_alice.get(answer["Location"]).status_code == 404


def test_previews_are_paged(as_alice: Client, domain: Domain) -> None:
    lines = "".join(f"n{number},n{number}@home.example\n" for number in range(130))
    page = upload(as_alice, f"address,targets\n{lines}")["Location"]
    first, second = text_of(as_alice.get(page)), text_of(as_alice.get(f"{page}?page=2"))
    assert "1 to 100 of 130" in first
    assert "101 to 130 of 130" in second
    assert "130 mails are sent to ask" in first
    assert "100 each minute, the last after 1 min" in first


def test_nobody_else_sees_it(as_alice: Client, as_olga: Client, as_bob: Client, domain: Domain) -> None:
    page = upload(as_alice, "address,targets\nada,ada@home.example\n")["Location"]
    assert as_olga.get(page).status_code == 404
    assert as_bob.get(page).status_code == 403
    assert as_bob.get(URL).status_code == 403


def test_an_export_is_imported_as_unchanged(
    as_alice: Client, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox("ada", "ada@home.example", note="=1+1")
    make_mailbox("bob", "+bob@home.example", note="'=x", password_hash="")
    for kind in ("csv", "json"):
        answer = as_alice.get(f"/d/example.org/addresses.{kind}")
        content = answer.content
        assert answer["Content-Disposition"] == f'attachment; filename="addresses-example.org.{kind}"'
        assert HASH.encode() not in content
        page = text_of(as_alice.get(upload(as_alice, content)["Location"]))
        assert "Nothing was changed yet: 2 unchanged." in page
    assert b",'=1+1," in as_alice.get("/d/example.org/addresses.csv").content
    rows = json.loads(as_alice.get("/d/example.org/addresses.json").content)
    assert rows[1] == {
        "address": "bob@example.org",
        "kind": "alias",
        "targets": ["+bob@home.example"],
        "note": "'=x",
        "enabled": True,
    }


MANY = "/d/example.org/many"


def test_chosen_addresses_are_told_then_changed(
    as_alice: Client, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    rows = [make_mailbox(name, f"{name}@home.example") for name in ("ada", "bob", "carl")]
    chosen = {"action": "switch_off", "pk": [rows[0].pk, rows[2].pk], "only": "", "q": ""}
    page = as_alice.post(MANY, chosen)
    check_page(page)
    assert "Switch off 2 addresses?" in text_of(page)
    assert "<li><bdi>ada@example.org</bdi></li><li><bdi>carl@example.org</bdi></li>" in page.content.decode()
    assert Mailbox.objects.filter(enabled=True).count() == 3
    digest = page.context["done"].digest
    rows[1].refresh_from_db()
    done = as_alice.post(MANY, {**chosen, "digest": digest}, follow=True)
    assert "2 addresses were switched off." in text_of(done)
    assert list(Mailbox.objects.filter(enabled=True)) == [rows[1]]


def test_all_that_were_found(as_alice: Client, domain: Domain, make_mailbox: Callable[..., Mailbox]) -> None:
    for number in range(3):
        make_mailbox(f"n{number}", f"n{number}@home.example")
    make_mailbox("other", "other@home.example")
    chosen = {"action": "trash", "all": "1", "q": "n", "only": ""}
    chosen["q"] = "n1"
    page = as_alice.post(MANY, chosen)
    assert "Put 1 address into the trash?" in text_of(page)
    as_alice.post(MANY, {**chosen, "digest": page.context["done"].digest})
    assert str(Mailbox.objects.get(trashed_at__isnull=False)) == "n1@example.org"
    chosen = {"action": "restore", "all": "1", "q": "", "only": "trash"}
    page = as_alice.post(MANY, chosen)
    done = as_alice.post(MANY, {**chosen, "digest": page.context["done"].digest})
    assert done["Location"] == "/d/example.org/addresses?only=trash"
    assert not Mailbox.objects.filter(trashed_at__isnull=False).exists()


def test_a_note_is_asked_for_first(
    as_alice: Client, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    row = make_mailbox()
    chosen = {"action": "set_note", "pk": [row.pk]}
    check_page(as_alice.post(MANY, chosen))
    page = as_alice.post(MANY, {**chosen, "note": "moving"})
    as_alice.post(MANY, {**chosen, "note": "moving", "digest": page.context["done"].digest})
    row.refresh_from_db()
    assert row.note == "moving"


def test_choices_that_are_none(as_alice: Client, as_bob: Client, domain: Domain) -> None:
    for typed in ({}, {"action": "drop"}, {"action": "trash"}, {"action": "trash", "pk": ["x", "9" * 30]}):
        assert as_alice.post(MANY, typed)["Location"] == "/d/example.org/addresses"
    assert as_bob.post(MANY, {"action": "trash"}).status_code == 403


def test_a_long_export_is_streamed(
    as_alice: Client, domain: Domain, monkeypatch: pytest.MonkeyPatch, make_mailbox: Callable[..., Mailbox]
) -> None:
    from panel.web import exports

    for name in ("ada", "bob", "carl"):
        make_mailbox(name, f"{name}@home.example")
    whole = as_alice.get("/d/example.org/addresses.csv").content
    monkeypatch.setattr(exports, "LINES_AT_ONCE", 1)
    answer = as_alice.get("/d/example.org/addresses.csv")
    assert answer.streaming
    assert b"".join(answer) == whole
    head = as_alice.head("/d/example.org/addresses.csv")
    assert (head.content, head["Content-Disposition"]) == (b"", answer["Content-Disposition"])


def test_a_preview_asks_the_same_for_five_rows_as_for_fifty(
    as_alice: Client, domain: Domain, django_assert_max_num_queries: Any
) -> None:
    costs = []
    for count in (5, 50):
        lines = "".join(f"n{number},n{number}@home.example\n" for number in range(count))
        page = upload(as_alice, f"address,targets\n{lines}Bad,x@home.example\n")["Location"]
        for url in (page, f"{page}/problems.csv"):
            with django_assert_max_num_queries(30) as queries:
                assert as_alice.get(url).status_code == 200
            costs.append(len(queries))
    assert costs[:2] == costs[2:]


def test_hostile_parameters_find_the_first_page(as_alice: Client, domain: Domain) -> None:
    page = upload(as_alice, "address,targets\nada,ada@home.example\n")["Location"]
    for text in ("<script>", "%00", "-1", "9" * 30, "%ff"):
        answer = as_alice.get(f"{page}?only={text}&page={text}")
        assert "1 new" in text_of(answer)
        assert b"<script>\xff" not in answer.content


def test_a_file_of_another_mail_server_says_what_cannot_come_along(as_alice: Client, domain: Domain) -> None:
    form = text_of(as_alice.get(URL))
    assert "PostfixAdmin" in form
    assert "postfix-accounts.cf" in form
    answer = upload(as_alice, "ada@example.org|{SHA512-CRYPT}$6$x\nada@example.org ada@home.example\n")
    page = as_alice.get(answer["Location"])
    check_page(page)
    assert "Its passphrase is kept there as SHA512-CRYPT" in text_of(page)
    assert "Gets the mail: ada@home.example" in text_of(page)
