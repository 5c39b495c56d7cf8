"""Somebody who only holds an address: they are let in, live with it, take their data along, and go."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.product import Product, run_inside
from tests.browser.visitor import SLOW_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DOMAIN = "example.org"
ADDRESS = f"nina@{DOMAIN}"
PERSON = "nina@harbour.example"
PASSPHRASE = "tidal-Ember-moss 7 quarry"

# As if the time had passed for which a sign-in is fresh.
GROW_OLD = f"""
from panel.sessions import SessionStore
from tenants.models import Account, Session
who = str(Account.objects.get(email={PERSON!r}).pk)
for row in Session.objects.all():
    data = SessionStore().decode(row.session_data)
    if data.get("_auth_user_id") == who:
        data["signed_in_at"] -= 24 * 3600
        row.session_data = SessionStore().encode(data)
        row.save()
"""


def test_the_life_of_somebody_who_holds_an_address(
    product: Product, administrator: StorageState, visit: Visit, tmp_path: Path
) -> None:
    owner, nina = visit(storage_state=administrator), visit(accept_downloads=True)
    let_in(owner, nina)
    nina.says(f"Mail for {ADDRESS} works.")
    choose_a_passphrase(nina, product)
    share_its_mail(nina)
    switch_off_and_on(nina)
    take_the_data_along(nina, tmp_path)
    delete_the_address(nina)
    delete_the_account(nina)
    # What became of it is on the owner's page, with who did it.
    page = owner.open(f"/d/{DOMAIN}/addresses/nina")
    expect(page.locator("main")).to_contain_text("It is in the trash.")
    expect(page.locator("main")).to_contain_text(f"{ADDRESS} was put into the trash.")
    sent = b"\n".join([*owner.sent, *nina.sent]).decode("utf-8", "replace")
    assert PASSPHRASE not in sent
    assert PASSPHRASE.replace(" ", "+") not in sent


def let_in(owner: Visitor, nina: Visitor) -> None:
    """The team makes the address and says who holds it; she agrees to get its mail, and signs in."""
    owner.see_all_organizations()
    page = owner.open(f"/d/{DOMAIN}/new-address")
    page.get_by_label("The address").fill("nina")
    page.get_by_label("Who gets the mail").fill(PERSON)
    page.locator("[data-phrase-words] span").nth(5).wait_for()
    owner.press("Make the address")
    page.get_by_label("Another person’s e-mail").fill(PERSON)
    owner.press("Let in")
    expect(page.locator("main")).to_contain_text(f"We wrote to {PERSON}")
    nina.read_mail(PERSON, "May mail for")
    nina.follow_link_in_mail("/confirm/")
    nina.page.get_by_role("main").get_by_role("button").first.click()
    nina.read_mail(PERSON, f"You hold {ADDRESS} now")
    nina.follow_link_in_mail("/sign-in/")
    nina.press("Sign me in")
    expect(nina.page).to_have_url(f"{nina.url}/my")
    works = nina.page.get_by_role("heading", name=f"Mail for {ADDRESS} works.")
    nina.open_until("/my", works)


def choose_a_passphrase(nina: Visitor, product: Product) -> None:
    """Long after she signed in: one step more, in another window, and nothing is typed again."""
    run_inside(product, GROW_OLD)
    page = nina.open(f"/d/{DOMAIN}/addresses/nina")
    type_a_passphrase(page)
    nina.press("Set this passphrase")
    nina.says("Sign in again to go on")
    nina.complaints.clear()  # it answers 403, which the console tells
    nina.press("Send me a link")
    mail = Visitor(nina.url, nina.context)
    mail.read_mail(PERSON, "Your link to sign in")
    mail.follow_link_in_mail("/sign-in/")
    mail.press("Sign me in")
    expect(mail.page).to_have_url(f"{nina.url}/d/{DOMAIN}/addresses/nina")
    mail.page.close()
    nina.press("I have signed in: go on")
    expect(page.locator("main")).to_contain_text("The new passphrase is accepted.")
    expect(page.locator("main")).to_contain_text(f"{ADDRESS} got a new passphrase.")
    expect(page.locator("#address-live")).to_contain_text(f"Mail for {ADDRESS} works.", timeout=SLOW_MS)


def type_a_passphrase(page: Page) -> None:
    page.get_by_text("Change the passphrase").click()
    page.get_by_role("button", name="Type my own").click()
    page.get_by_role("textbox", name="The new passphrase").fill(PASSPHRASE)


def share_its_mail(nina: Visitor) -> None:
    nina.page.get_by_label("Also send it to").fill("office@harbour.example")
    nina.press("Add")
    main = nina.page.locator("main")
    expect(main).to_contain_text("We wrote to office@harbour.example")
    expect(main).to_contain_text("Not confirmed")


def switch_off_and_on(nina: Visitor) -> None:
    nina.press("Switch off")
    expect(nina.page.locator("main")).to_contain_text(f"{ADDRESS} was switched off.")
    expect(nina.page.locator("#address-live")).to_contain_text("Off", timeout=SLOW_MS)
    nina.press("Undo")
    expect(nina.page.get_by_role("button", name="Switch off")).to_be_visible()


def take_the_data_along(nina: Visitor, folder: Path) -> None:
    page = nina.open("/account")
    with page.expect_download() as started:
        page.get_by_role("link", name="Take it along").click()
    file = folder / "export.json"
    started.value.save_as(file)
    assert re.fullmatch(r"rookery-\d{4}-\d\d-\d\d\.json", started.value.suggested_filename)
    told = json.loads(file.read_text())
    assert [each["address"] for each in told["addresses"]] == [ADDRESS]
    assert {each["address"] for each in told["addresses"][0]["targets"]} == {PERSON, "office@harbour.example"}


def delete_the_address(nina: Visitor) -> None:
    page = nina.open(f"/d/{DOMAIN}/addresses/nina")
    nina.press("Delete this address", role="link")
    page.get_by_label("Type the address to go on").fill(ADDRESS)
    nina.press("Delete this address")
    nina.says("You hold no address yet.")
    expect(page.locator("main")).to_contain_text(f"{ADDRESS} was deleted.")


def delete_the_account(nina: Visitor) -> None:
    page = nina.open("/account")
    nina.press("Delete your account", role="link")
    page.get_by_label("Type how you sign in to go on").fill(PERSON)
    nina.press("Delete my account")
    expect(page).to_have_url(f"{nina.url}/sign-in")
    expect(page.locator("body")).to_contain_text("Your account was deleted.")
