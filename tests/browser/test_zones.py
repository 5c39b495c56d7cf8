"""An owner keeps the DNS of a new domain here: begun, proved, written, served, and asked by others."""

from __future__ import annotations

import json
import time

import dns.message
import dns.query
import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.visitor import SLOW_MS, Visitor
from tests.browser.zone_places import write

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
DOMAIN = "harbour.example"


def asked(product: Product, name: str, kind: str) -> list[str]:
    """What the sandbox's primary answers, as dig would show it."""
    told = json.loads((product.data / "sandbox" / "addresses.json").read_text())["primary"]
    address, port = told["address"]
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
    write(owner, DOMAIN, "A", "mail", "192.0.2.25")
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
    _make_a_key(owner)
    assert owner.complaints == []


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
