"""Setting up a mail program: what is shown to whom, the test mail, autoconfig."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from panel.web.mail_program import SandboxServer, sandbox_server
from tenants import limits
from tenants.actor import Actor
from tenants.models import Condition, Domain, Mailbox, OutgoingMail, SyncTarget
from tests.web.people import check_page, mails_to, nothing_written, prove, signed_in, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/addresses/ada/mail-program"
AUTOCONFIG = "/mail/config-v1.1.xml"


@pytest.fixture
def ada(make_mailbox: Callable[..., Mailbox], make_relay: Callable[[], SyncTarget]) -> Mailbox:
    """An address that the mail server serves as it is here."""
    make_relay()
    mailbox = make_mailbox()
    prove(mailbox)
    return mailbox


def test_it_says_the_user_name_loudly(ada: Mailbox, alice: Actor) -> None:
    client = signed_in(alice.account)
    with nothing_written():
        page = client.get(PAGE)
    check_page(page)
    shown = text_of(page)
    assert "Mail for ada@example.org works." in shown
    assert "The user name is only ada, without @example.org" in shown
    assert "smtp.example.org" in shown
    assert "465" in shown
    assert "Send me a test" in shown
    assert "In the sandbox" not in shown


def test_who_sees_it_and_who_may_test(ada: Mailbox, bob: Actor, charlie: Actor, olga: Actor) -> None:
    viewer = signed_in(bob.account)
    assert "Send me a test" not in text_of(viewer.get(PAGE))
    assert viewer.post(PAGE).status_code == 403
    stranger = signed_in(charlie.account)
    assert stranger.get(PAGE).status_code == stranger.post(PAGE).status_code == 404
    assert signed_in(olga.account).get(PAGE).status_code == 200
    assert not OutgoingMail.objects.filter(recipient="ada@example.org").exists()


def test_a_test_mail_goes_to_the_address_itself(ada: Mailbox, alice: Actor) -> None:
    client = signed_in(alice.account)
    answer = client.post(PAGE, follow=True)
    assert "A test mail to ada@example.org is on its way." in text_of(answer)
    [body] = mails_to("ada@example.org")
    assert "this is the test mail that Alice asked for" in body


def test_test_mails_are_limited(ada: Mailbox, alice: Actor) -> None:
    client = signed_in(alice.account)
    for _ in range(limits.TEST_MAILS_PER_MAILBOX.count):
        assert client.post(PAGE).status_code == 302
    answer = client.post(PAGE)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert len(mails_to("ada@example.org")) == limits.TEST_MAILS_PER_MAILBOX.count


@pytest.mark.parametrize("why", ["not proved", "not restarted", "off", "unconfirmed"])
def test_no_test_mail_that_would_say_nothing(ada: Mailbox, alice: Actor, why: str) -> None:
    target = SyncTarget.objects.get()
    if why == "not proved":
        SyncTarget.objects.update(observed_generation=0)
    elif why == "not restarted":
        Condition.objects.create(
            target=target,
            type=Condition.Type.RELOAD_PENDING,
            status=True,
            reason="RestartByHand",
            message="",
            since=target.marked_at,
            seen_at=target.marked_at,
        )
    elif why == "off":
        Mailbox.objects.update(enabled=False)
    else:
        ada.targets.update(confirmed_at=None)
        Mailbox.objects.update(reached=False)
    client = signed_in(alice.account)
    assert "Send me a test" not in text_of(client.get(PAGE))
    answer = client.post(PAGE, follow=True)
    assert "Not done" in text_of(answer)
    assert mails_to("ada@example.org") == []


def test_an_alias_is_told_that_it_cannot_send(
    make_mailbox: Callable[..., Mailbox], domain: Domain, alice: Actor
) -> None:
    make_mailbox("team", "team@home.example", password_hash="")
    page = signed_in(alice.account).get("/d/example.org/addresses/team/mail-program")
    check_page(page)
    assert "Nobody can send with this address" in text_of(page)


def test_no_such_address(alice: Actor, domain: Domain) -> None:
    client = signed_in(alice.account)
    for path in ("/d/example.org/addresses/nobody/mail-program", "/d/example.org/addresses/%00/mail-program"):
        assert client.get(path).status_code == 404


# The sandbox's box --------------------------------------------------------------------------------


def test_in_the_sandbox_the_real_server_is_shown(
    ada: Mailbox, alice: Actor, settings: Any, tmp_path: Path
) -> None:
    settings.SANDBOX = True
    settings.DATA_DIR = tmp_path
    client = signed_in(alice.account)
    page = client.get(PAGE)
    check_page(page)
    assert "The sandbox does not run, or has no mail servers for example.org yet" in text_of(page)
    (tmp_path / "sandbox").mkdir()
    note = {
        "domains": {"example.org": {"submission": ["127.8.0.2", 4650], "incoming": ["127.8.0.3", 2525]}},
        "ca_file": "/data/ca.pem",
    }
    (tmp_path / "sandbox" / "addresses.json").write_text(json.dumps(note))
    page = client.get(PAGE)
    check_page(page)
    for part in ("127.8.0.2", "4650", "/data/ca.pem"):
        assert part in text_of(page)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        "null",
        "5",
        '{"domains": []}',
        '{"domains": {"example.org": {}}}',
        '{"domains": {"example.org": {"submission": [1]}}}',
        '{"domains": {"example.org": {"submission": ["h", "x"]}}}',
        "[" * 100_000,
    ],
)
def test_a_note_that_cannot_be_read_is_no_note(tmp_path: Path, note: str) -> None:
    path = tmp_path / "addresses.json"
    assert sandbox_server("example.org", path) is None
    path.write_text(note)
    assert sandbox_server("example.org", path) is None
    path.write_text('{"domains": {"example.org": {"submission": ["127.0.0.1", 4]}}}')
    assert sandbox_server("example.org", path) == SandboxServer("127.0.0.1", 4, "")


# Autoconfig ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [AUTOCONFIG, "/.well-known/autoconfig/mail/config-v1.1.xml"])
def test_autoconfig_names_the_outgoing_server(client: Client, domain: Domain, path: str) -> None:
    with nothing_written():
        answer = client.get(path, {"emailaddress": "ada@Example.org"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    root = ElementTree.fromstring(answer.content)  # noqa: S314 - our own answer
    assert root.tag == "clientConfig"
    assert root.attrib == {"version": "1.1"}
    [provider] = root
    assert provider.attrib == {"id": "example.org"}
    assert provider.findtext("domain") == "example.org"
    assert provider.find("incomingServer") is None
    server = provider.find("outgoingServer")
    assert server is not None
    assert server.attrib == {"type": "smtp"}
    assert {child.tag: child.text for child in server} == {
        "hostname": "smtp.example.org",
        "port": "465",
        "socketType": "SSL",
        "username": "%EMAILLOCALPART%",
        "authentication": "password-cleartext",
    }


def test_autoconfig_uses_the_domains_own_server_name(client: Client, domain: Domain) -> None:
    Domain.objects.update(submission_host="mail.example.org")
    answer = client.get(AUTOCONFIG, {"emailaddress": "x@example.org"})
    assert b"<hostname>mail.example.org</hostname>" in answer.content


def test_autoconfig_says_nothing_about_who_exists(client: Client, ada: Mailbox) -> None:
    known = client.get(AUTOCONFIG, {"emailaddress": "ada@example.org"})
    unknown = client.get(AUTOCONFIG, {"emailaddress": "nobody@example.org"})
    assert known.content == unknown.content


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("ada@nowhere.example", 404),
        ("", 400),
        ("ada", 400),
        ("@example.org", 400),
        ("ada@", 400),
        ("ada@exa\0mple.org", 400),
        ("ada@<script>", 400),
        ("ada@example.org\r\nX: y", 400),
        ("ada@" + "a" * 400 + ".org", 400),
        ('"><x y="', 400),
    ],
)
def test_autoconfig_for_hostile_addresses(client: Client, domain: Domain, address: str, status: int) -> None:
    answer = client.get(AUTOCONFIG, {"emailaddress": address})
    assert answer.status_code == status
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert len(answer.content) < 600


def test_autoconfig_by_the_name_of_the_host(client: Client, domain: Domain, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["autoconfig.example.org", "127.0.0.1"]
    answer = client.get(AUTOCONFIG, headers={"host": "autoconfig.example.org"})
    assert answer.status_code == 200
    assert client.get(AUTOCONFIG, headers={"host": "127.0.0.1:8080"}).status_code == 400
