"""An owner keeps the DNS of a new domain here: begun, proved, written, served, and asked by others."""

from __future__ import annotations

import json
import time
from typing import Any

import dns.message
import dns.query
import pytest
from playwright.sync_api import Locator, StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.visitor import SLOW_MS, Visitor
from tests.browser.zone_places import write

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
DOMAIN = "harbour.example"


def told(product: Product) -> Any:
    """What the sandbox says of itself."""
    return json.loads((product.data / "sandbox" / "addresses.json").read_text())


def asked(product: Product, name: str, kind: str) -> list[str]:
    """What the sandbox's primary answers, as dig would show it."""
    address, port = told(product)["primary"]["address"]
    answer = dns.query.udp(dns.message.make_query(name, kind), address, port=port, timeout=5)
    return sorted(str(each) for found in answer.answer for each in found)


def begin(owner: Visitor) -> None:
    page = owner.open("/domains/new")
    organization = page.get_by_label("Organization")
    if organization.is_visible():
        organization.select_option(label="Analytical Society")
    page.get_by_label("Domain", exact=True).fill(DOMAIN)
    owner.press("Add the domain")
    page = owner.open(f"/d/{DOMAIN}/dns")
    connect = page.get_by_role("link", name="Connect a zone repository")
    if connect.count():
        owner.press("Connect a zone repository", role="link")
        owner.press("Connect it")
        owner.open_until(f"/d/{DOMAIN}/dns", page.get_by_text("Connected", exact=True))
    owner.press(f"Begin the zone of {DOMAIN}", role="link")
    owner.press("Begin it")


def test_a_domain_s_mail_is_found_within_seconds(
    product: Product, administrator: StorageState, visit: Visit
) -> None:
    owner = visit(storage_state=administrator)
    page = owner.page
    begin(owner)
    expect(page.get_by_text(f"_rookery.{DOMAIN}")).to_be_visible()
    # The sandbox's registrar delegates it; Rookery finds that by itself, and publishes.
    expect(page.locator("#zone-state")).to_contain_text("is served as you asked", timeout=2 * SLOW_MS)
    assert asked(product, DOMAIN, "NS") == [f"ns1.{DOMAIN}."]
    page.goto(f"{owner.url}/d/{DOMAIN}/dns/record?type=MX")
    page.locator("textarea").fill("10 mail")
    page.get_by_role("button", name="Keep it for the review").click()
    expect(page.locator(".errorlist")).to_contain_text(f"mail.{DOMAIN} has none in this zone")
    owner.complaints.clear()  # the console tells of the refusal, by right
    door = str(told(product)["door"][0])
    write(owner, DOMAIN, "A", "mail", door)
    write(owner, DOMAIN, "MX", "@", "10 mail")
    expect(page.get_by_text("2 changes, serial")).to_be_visible()
    owner.press("Review", role="link")
    expect(page.locator(".diff")).to_contain_text(f"+ {DOMAIN}. 3600 IN MX 10 mail.{DOMAIN}.")
    started = time.monotonic()
    owner.press("Apply")
    expect(page.locator("#zone-proof-line")).to_contain_text("serial 2", timeout=SLOW_MS)
    assert time.monotonic() - started < SLOW_MS / 1000
    assert asked(product, DOMAIN, "MX") == [f"10 mail.{DOMAIN}."]
    # The proof leads to the run: its commit, its diff, its evidence.
    page.locator("#zone-proof-line a").first.click()
    expect(page.locator("main")).to_contain_text(f"Serial of {DOMAIN}")
    # And it can be undone, as an ordinary change.
    owner.open(f"/d/{DOMAIN}/activity")
    line = page.locator(".history > li", has_text=f"{DOMAIN} MX was set").first
    line.get_by_role("link", name="Undo…").click()
    owner.press("Undo it")
    owner.open_until(f"/d/{DOMAIN}/dns", page.locator("#zone-proof-line", has_text="serial 3"))
    assert asked(product, DOMAIN, "MX") == []
    _follow_the_proposals(owner, door)
    _make_a_key(owner)
    assert owner.complaints == []


def _follow_the_proposals(owner: Visitor, door: str) -> None:
    """With the records that Rookery proposes nothing is wrong; with a wrong one, its line says so and how to
    mend it, and what is right folds away."""
    page = owner.open(f"/d/{DOMAIN}/dns/mail")
    owner.press("Keep what is ticked for the review")
    owner.press("Apply")
    expect(page.locator("#zone-proof-line")).to_contain_text("serial 4", timeout=SLOW_MS)
    section = _checked(owner)
    expect(section).to_contain_text(f"Mail of {DOMAIN} works, as far as Rookery can see.")
    expect(section.locator(".badge.ok")).not_to_have_count(0)
    expect(section.locator(".badge:is(.todo, .fail, .wait)")).to_have_count(0)
    page.goto(f"{owner.url}/d/{DOMAIN}/dns/record?type=TXT&owner={DOMAIN}")
    page.locator("textarea").fill("v=spf1 ip4:192.0.2.1 -all")
    owner.press("Keep it for the review")
    owner.press("Review", role="link")
    owner.press("Apply")
    expect(page.locator("#zone-proof-line")).to_contain_text("serial 5", timeout=SLOW_MS)
    section = _checked(owner)
    wrong = section.locator("li", has=page.locator(".badge:is(.todo, .fail, .wait)"))
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text(f"does not allow {door}, from where its mail leaves")
    expect(wrong).to_contain_text(f"Add ip4:{door} before its end. Who can: you, in Rookery.")
    expect(section.locator("summary")).to_contain_text("more lines are right")


def _checked(owner: Visitor) -> Locator:
    """What the checks say after one more look, for which the page waits by itself."""
    page = owner.open(f"/d/{DOMAIN}/checks")
    owner.press("Check all again")
    section = page.locator("#mail-section")
    expect(section).not_to_contain_text("Being looked at now.", timeout=2 * SLOW_MS)
    return section


def _make_a_key(owner: Visitor) -> None:
    """Its secret is shown once, and the primary learns it."""
    page = owner.open(f"/d/{DOMAIN}/dns/keys")
    page.get_by_label("Who uses it").fill("letsencrypt")
    owner.press("Make the key")
    secret = page.locator("#key-secret").inner_text()
    assert len(secret) == 44
    owner.open_until(
        f"/d/{DOMAIN}/dns/keys",
        page.locator("li", has_text=f"letsencrypt._update.{DOMAIN}").filter(has_text="Known to the primary"),
    )
    assert secret not in page.content()
