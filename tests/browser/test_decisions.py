"""A no with its reason, two people who decide at once, and the way without JavaScript."""

from __future__ import annotations

import hashlib
import re

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import SLOW_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DOMAIN = "example.org"
REASON = "We keep short names for the committee. Ask for hedy.lamarr."


def ask_with_a_hash(stranger: Visitor, local_part: str, target: str, passphrase: str) -> str:
    """Ask and confirm, as somebody who makes the fingerprint alone; returns the page that follows it."""
    page = stranger.open(f"/ask/{DOMAIN}")
    page.get_by_label("The address you want").fill(local_part)
    page.get_by_label("Where your mail should go").fill(target)
    paste = page.get_by_role("button", name="Paste a hash")
    if paste.is_visible():
        paste.click()
    page.get_by_label("Fingerprint of your passphrase").fill(hashlib.blake2b(passphrase.encode()).hexdigest())
    stranger.press("Ask for this address")
    following = page.url
    stranger.read_mail(target, f"Do you want {local_part}@{DOMAIN}?")
    stranger.follow_link_in_mail("/asked/confirm/")
    stranger.press("Confirm that I asked")
    stranger.says("Thank you, that is confirmed")
    page.goto(following)
    return following


def test_a_refusal_has_a_reason_and_arrives_while_one_waits(
    administrator: StorageState, visit: Visit
) -> None:
    owner, stranger = visit(storage_state=administrator), visit()
    ask_with_a_hash(stranger, "hedy", "hedy@film.example", "frequency-hopping-torpedo-1942")
    expect(stranger.page.locator("#parcel-now")).to_contain_text("waits for the decision")
    page = owner.open(f"/d/{DOMAIN}/requests")
    page.get_by_role("link", name=f"hedy@{DOMAIN}").click()
    page.get_by_text("Refuse it, with a reason").click()
    owner.press("Refuse and send the reason")
    expect(page.locator("#refuse .errorlist")).to_contain_text("reason")
    owner.complaints.clear()  # a refused form answers 400, which the console tells
    page.get_by_label("Reason").fill(REASON)
    owner.press("Refuse and send the reason")
    owner.says(f"hedy@{DOMAIN} was refused")
    expect(page.locator("main")).to_contain_text(REASON)
    # The stranger pressed nothing.
    expect(stranger.page.locator("#parcel-now")).to_contain_text("was refused", timeout=SLOW_MS)
    expect(stranger.page.locator("#parcel")).to_contain_text(REASON)
    expect(stranger.page.get_by_role("link", name="Ask for another address")).to_be_visible()
    assert REASON in stranger.read_mail("hedy@film.example", "was not approved")


def test_who_decides_second_is_told_how_it_stands(administrator: StorageState, visit: Visit) -> None:
    first, second, stranger = visit(storage_state=administrator), visit(storage_state=administrator), visit()
    ask_with_a_hash(stranger, "annie", "annie@harvard.example", "one-catalogue-of-stellar-spectra")
    for owner in (first, second):
        owner.open(f"/d/{DOMAIN}/requests").get_by_role("link", name=f"annie@{DOMAIN}").click()
        owner.page.get_by_text("Refuse it, with a reason").click()
        owner.page.get_by_label("Reason").fill("Too late.")
    first.press(f"Approve annie@{DOMAIN}")
    first.says(f"annie@{DOMAIN}")
    second.press("Refuse and send the reason")
    expect(second.page.get_by_role("main").get_by_role("status")).to_contain_text("Nothing was changed")
    second.says(f"annie@{DOMAIN} was approved")
    second.complaints.clear()  # the answer is 409


def test_all_of_it_works_without_javascript(administrator: StorageState, visit: Visit) -> None:
    stranger = visit(java_script_enabled=False)
    owner = visit(java_script_enabled=False, storage_state=administrator)
    page = stranger.open(f"/ask/{DOMAIN}")
    expect(page.get_by_text("JavaScript is off")).to_be_visible()
    expect(page.locator(".js-only >> visible=true")).to_have_count(0)
    page.get_by_label("The address you want").fill("Chien.Shiung")
    page.get_by_label("Where your mail should go").fill("wu@columbia.example")
    page.get_by_label("Fingerprint of your passphrase").fill("not a hash")
    stranger.press("Ask for this address")
    problem = page.locator("#phrase-error")
    expect(problem).to_contain_text("Make it again with the command shown")
    expect(page.get_by_label("The address you want")).to_have_value("Chien.Shiung")
    stranger.complaints.clear()  # the answer was 400
    following = ask_with_a_hash(stranger, "wu", "wu@columbia.example", "parity-is-not-conserved-1957")
    expect(page.get_by_text("load it again to see the current step")).to_be_visible()

    decided = owner.open(f"/d/{DOMAIN}/requests")
    decided.get_by_role("link", name=f"wu@{DOMAIN}").click()
    owner.press(f"Approve wu@{DOMAIN}")
    owner.says(f"wu@{DOMAIN}")
    works = page.locator("#parcel-now", has_text="and it works")
    stranger.open_until(following.removeprefix(stranger.url), works)

    owner.open(f"/d/{DOMAIN}/addresses?q=wu")
    switch = decided.get_by_role("switch", name=f"wu@{DOMAIN} is on")
    expect(switch).to_have_attribute("aria-checked", "true")
    with decided.expect_navigation():
        switch.click()
    expect(decided.locator("#notices")).to_contain_text(f"wu@{DOMAIN} was switched off")
    owner.press("Undo")
    expect(decided.locator("#notices")).to_contain_text("was switched on")
    found = owner.open(f"/search?q=wu@{DOMAIN}")
    expect(found.get_by_role("heading", level=1)).to_contain_text(re.compile("found for"))
