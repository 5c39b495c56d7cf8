"""From a domain without anything to mail that a mail program sends and that arrives: one page, one
confirmation, eight unikernels."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.places import STACKED
from tests.browser.stacking import make_stack, wait_until_all_is_proved
from tests.browser.visitor import SLOW_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DOMAIN = STACKED
PASSPHRASE = "tidal-Ember-moss 7 quarry"
READER = "reader@friends.example"


class MailProgram(smtplib.SMTP_SSL):
    """It connects to an address, and expects the certificate of the server's name, as with real names."""

    def __init__(self, name: str, address: str, port: int, authority: Path) -> None:
        self._address = address
        trusted = ssl.create_default_context(cafile=str(authority))
        super().__init__(name, port, "program.example", timeout=20, context=trusted)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((self._address, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


def test_from_nothing_to_mail_that_arrives(administrator: StorageState, visit: Visit) -> None:
    owner, reader = visit(storage_state=administrator), visit()
    owner.see_all_organizations()
    make_stack(owner, DOMAIN, lambda: make_addresses(owner, reader))
    wait_until_all_is_proved(owner, DOMAIN)
    page = owner.page
    assert page.locator("#stack-now .list h3 a").count() == 8
    page.get_by_role("link", name="Start the relay").click()
    expect(page.locator("#unikernel-state")).to_contain_text("runs as it was asked for", timeout=SLOW_MS)

    owner.open(f"/d/{DOMAIN}/addresses/ada/mail-program")
    name, host, port, authority = (
        page.locator(f"#{each}").inner_text()
        for each in ("smtp-host", "sandbox-host", "sandbox-port", "sandbox-ca")
    )
    with MailProgram(name, host, int(port), Path(authority)) as program:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            program.login("ada", "not the passphrase")
        program.login("ada", PASSPHRASE)
        program.send_message(letter())
    # By submission server, signer and relay, to the target of the other address.
    assert "With a mail program." in reader.read_mail(READER, "By way of eight unikernels")
    page.goto(f"{owner.url}/")
    card = page.locator("li.card", has=page.get_by_role("link", name=DOMAIN, exact=True))
    expect(card).to_contain_text("Uptime")
    assert owner.complaints == []


def make_addresses(owner: Visitor, reader: Visitor) -> None:
    """One with a passphrase, to send from, and one whose mail goes to somebody else."""
    page = owner.open(f"/d/{DOMAIN}/new-address")
    page.get_by_label("The address").fill("ada")
    page.get_by_label("Who gets the mail").fill("ada@home.example")
    page.get_by_role("button", name="Type my own").click()
    page.get_by_role("textbox", name="Its passphrase").fill(PASSPHRASE)
    owner.press("Make the address")
    page = owner.open(f"/d/{DOMAIN}/new-address?kind=alias")
    page.get_by_label("The address").fill("reader")
    page.get_by_label("Who gets the mail").fill(READER)
    owner.press("Make the address")
    # Nobody is among the users before somebody agreed to get the mail.
    for target, address in (("ada@home.example", "ada"), (READER, "reader")):
        reader.read_mail(target, f"May mail for {address}@{DOMAIN} come to you?")
        reader.follow_link_in_mail("/confirm/")
        reader.press("Yes, send it to me")


def letter() -> EmailMessage:
    written = EmailMessage()
    written["From"], written["To"] = f"ada@{DOMAIN}", f"reader@{DOMAIN}"
    written["Subject"] = "By way of eight unikernels"
    written.set_content("With a mail program.")
    return written
