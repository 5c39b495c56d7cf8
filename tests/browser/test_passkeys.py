"""A passkey in a real browser: added, then the way in alone, over the panel's own name."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.product import Product, run_inside
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PERSON = "pia@harbour.example"
MAKE = f"""
from tenants.actions.accounts import account_for, first_link
print(first_link(account_for({PERSON!r})))
"""
# What Chromium's own protocol calls a phone that knows its person by a finger.
PHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_a_phone(visitor: Visitor) -> None:
    protocol = visitor.context.new_cdp_session(visitor.page)
    protocol.send("WebAuthn.enable")
    protocol.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE})


def test_a_passkey_is_added_and_signs_in_alone(product: Product, visit: Visit) -> None:
    pia = visit()
    assert pia.url.startswith("http://localhost:")
    with_a_phone(pia)
    link = run_inside(product, MAKE).strip().splitlines()[-1]
    pia.open(link[link.index("/sign-in/") :])
    pia.press("Sign me in")
    pia.open("/account/second-factors")
    pia.press("Add a passkey")
    pia.page.get_by_label("What you call it").fill("My phone")
    pia.press("Make the passkey")
    pia.says("recovery codes")
    pia.open("/account/second-factors")
    expect(pia.page.get_by_role("main")).to_contain_text("My phone")
    pia.open("/account")
    pia.page.get_by_role("main").get_by_role("button", name="Sign out").click()
    pia.says("Sign in")
    pia.press("Sign in with a passkey")
    pia.press("Use my passkey")
    expect(pia.page).to_have_url(f"{pia.url}/my")
    page = pia.open("/account/sessions")
    expect(page.get_by_role("main")).to_contain_text("Chrom")
