"""The whole story: from the one-time link of the first administrator to a mail that arrives."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.visitor import SLOW_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DOMAIN = "lovelace.example"
ADDRESS = f"mary@{DOMAIN}"
TARGET = "mary@harbour.example"
PASSPHRASE = "tidal-Ember-moss 7 quarry"


def test_from_the_printed_link_to_a_mail_that_arrives(
    product: Product, administrator: StorageState, visit: Visit
) -> None:
    owner, stranger = visit(storage_state=administrator), visit()
    connect(owner, product)
    follow = ask(stranger)
    confirm(stranger)
    approve(owner)
    stranger.page.goto(follow)
    expect(stranger.page.locator("#parcel-now")).to_have_text(f"Yes: {ADDRESS} is yours, and it works.")
    server = look_how_to_set_up(stranger)
    send_with_a_mail_program(*server)
    assert "With a mail program." in stranger.read_mail(TARGET, "Written by hand")
    a_test_mail_arrives(stranger)
    assert_never_sent(PASSPHRASE, owner, stranger)


def connect(owner: Visitor, product: Product) -> None:
    """Organization, domain and repository; the key of the git host is compared before anything is sent."""
    page = owner.open("/o/new")
    page.get_by_label("Name").fill("Lovelace & Daughters")
    owner.press("Make the organization")
    owner.press("Add the first domain", role="link")
    page.get_by_label("Domain", exact=True).fill(DOMAIN)
    owner.press("Add the domain")
    owner.press("Connect its repository", role="link")
    page.get_by_label("Path").fill("lovelace.git")
    owner.press("Connect it")
    expect(page.locator("#key-is")).to_have_text(fingerprint_of_git_host(product), timeout=SLOW_MS)
    follow_the_first_run(owner)
    owner.open(f"/d/{DOMAIN}/settings")
    page.get_by_label("I decide each request").check()
    owner.press("Save")
    expect(page.locator("#public-url")).to_have_text(f"{product.url}/ask/{DOMAIN}")
    owner.see_all_organizations()


def fingerprint_of_git_host(product: Product) -> str:
    """Computed here from the host's own key, as OpenSSH writes it."""
    told = json.loads((product.data / "sandbox" / "addresses.json").read_text())
    blob = base64.b64decode(told["git_host_key"].split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def follow_the_first_run(owner: Visitor) -> None:
    """Two windows: in one the key is pinned, in the other the run goes on before one's eyes."""
    page = owner.page
    page.get_by_role("link", name="lovelace.git of").last.click()
    expect(page.locator("#run-stop")).to_contain_text("Compare")
    run = owner.context.new_page()
    run.goto(page.url)
    assert run.evaluate("window.loadedOnce = true")
    owner.press("Compare and pin the key", role="link")
    owner.press("I compared it: pin this key")
    steps = run.locator("#run-steps .timeline > li")
    expect(steps).to_have_count(6)
    expect(run.locator("#run-summary")).to_contain_text("Done", timeout=SLOW_MS)
    expect(run.locator("#run-stop > *")).to_have_count(0)
    expect(run.locator("#run-steps .timeline > li.todo")).to_have_count(0)
    assert run.evaluate("window.loadedOnce"), "the page was loaded again"
    run.close()
    owner.says("lovelace.git", slowly=True)
    expect(page.locator("#repository-head")).to_contain_text("Works", timeout=SLOW_MS)


def ask(stranger: Visitor) -> str:
    """Returns the address of the page that shows the request's way."""
    page = stranger.open(f"/ask/{DOMAIN}")
    page.get_by_label("The address you want").fill("mary")
    page.get_by_label("Where your mail should go").fill(TARGET)
    page.get_by_role("button", name="Type my own").click()
    page.get_by_role("textbox", name="Your passphrase").fill(PASSPHRASE)
    page.get_by_label("A word to those who decide").fill("I compute with you on Tuesdays.")
    stranger.press("Ask for this address")
    stranger.says(ADDRESS)
    expect(page.locator("#parcel [aria-current=step]")).to_contain_text("Confirm it by mail")
    return page.url


def confirm(stranger: Visitor) -> None:
    """The mail is read in the sandbox; its link shows a button, and the button confirms."""
    stranger.read_mail(TARGET, f"Do you want {ADDRESS}?")
    stranger.follow_link_in_mail("/asked/confirm/")
    stranger.says(f"Do you want {ADDRESS}?")
    stranger.press("Confirm that I asked")
    stranger.says("Thank you, that is confirmed")


def approve(owner: Visitor) -> None:
    """The badge leads to the request; after a yes the proof grows without a reload, and leads to its run."""
    page = owner.open("/")
    badge = page.get_by_role("navigation", name="Rookery").get_by_role("link", name="Requests")
    expect(badge.locator(".count")).to_be_visible()
    badge.click()
    page.get_by_role("link", name=ADDRESS).click()
    expect(page.get_by_text("I compute with you on Tuesdays.")).to_be_visible()
    owner.press(f"Approve {ADDRESS}")
    owner.says(ADDRESS)
    proof = page.locator("#address-proof-line")
    expect(proof.locator(".proof > li.done")).to_have_count(4, timeout=SLOW_MS)
    expect(page.locator("#address-state")).to_contain_text("Works", timeout=SLOW_MS)
    commit = proof.locator("li", has_text="pushed").get_by_role("link")
    short = commit.inner_text()
    assert re.fullmatch(r"[0-9a-f]{7}", short)
    commit.click()
    owner.says("lovelace.git")
    expect(page.locator(".evidence div", has_text="Commit").locator("code")).to_contain_text(short)
    expect(page.locator("#run-steps")).to_contain_text("its tree is the desired one")


def look_how_to_set_up(stranger: Visitor) -> tuple[str, int, Path]:
    """Who asked signs in with the target, by a link; returns host, port and the authority's file."""
    page = stranger.page
    stranger.press("Set up your mail program", role="link")
    page.get_by_label("Your e-mail address").first.fill(TARGET)
    stranger.press("Send me a link")
    stranger.read_mail(TARGET, "Your link to sign in")
    stranger.follow_link_in_mail("/sign-in/")
    stranger.press("Sign me in")
    stranger.says(f"Set up your mail program for {ADDRESS}")
    expect(page.locator("#smtp-host")).to_have_text(f"smtp.{DOMAIN}")
    expect(page.locator("#smtp-port")).to_have_text("465")
    expect(page.locator("#smtp-user")).to_have_text("mary")
    authority = Path(page.locator("#sandbox-ca").inner_text())
    return (
        page.locator("#sandbox-host").inner_text(),
        int(page.locator("#sandbox-port").inner_text()),
        authority,
    )


def send_with_a_mail_program(host: str, port: int, authority: Path) -> None:
    """Implicit TLS with a verified certificate; the user name is the local part alone."""
    letter = EmailMessage()
    letter["From"] = letter["To"] = ADDRESS
    letter["Subject"] = "Written by hand"
    letter.set_content("With a mail program.")
    trusted = ssl.create_default_context(cafile=str(authority))
    with smtplib.SMTP_SSL(host, port, timeout=20, context=trusted) as program:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            program.login("mary", "not the passphrase")
        program.login("mary", PASSPHRASE)
        program.send_message(letter)


def a_test_mail_arrives(stranger: Visitor) -> None:
    stranger.open(f"/d/{DOMAIN}/addresses/mary/mail-program")
    stranger.press("Send me a test")
    stranger.read_mail(TARGET, ADDRESS)


def assert_never_sent(passphrase: str, *visitors: Visitor) -> None:
    """Neither as typed nor in an encoding of forms or addresses; its hash was sent, so bodies were seen."""
    sent = b"\n".join(each for visitor in visitors for each in visitor.sent)
    hashed = hashlib.blake2b(passphrase.encode()).hexdigest()
    assert hashed.encode() in sent
    encoded = base64.b64encode(passphrase.encode()).decode()
    for clear in (passphrase, quote(passphrase), quote_plus(passphrase), encoded, *passphrase.split(" ")):
        assert len(clear) < 5 or clear.encode() not in sent
