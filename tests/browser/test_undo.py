"""Delete an address, see it proved gone, undo that from the history, see it back; and an undo refused."""

from __future__ import annotations

import subprocess

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.visitor import SLOW_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DOMAIN = "example.org"
ADDRESS = f"ada@{DOMAIN}"
PAGE = f"/d/{DOMAIN}/addresses/ada"


def entries(product: Product) -> set[str]:
    """What the relay's branch holds, asked of git itself."""
    words = ["git", f"--git-dir={product.repositories / 'relay.git'}", "ls-tree", "--name-only", "main"]
    return set(subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout.split())


def last_message(product: Product) -> str:
    words = ["git", f"--git-dir={product.repositories / 'relay.git'}", "log", "-1", "--format=%B", "main"]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout


def test_delete_undo_and_an_undo_that_is_refused(
    product: Product, administrator: StorageState, visit: Visit
) -> None:
    owner = visit(storage_state=administrator)
    page = owner.page
    a_second_address(owner)
    owner.open(PAGE)
    owner.press("Put it into the trash")
    see_it_proved_gone(owner, product)
    undo_it_from_the_history(owner, ADDRESS)
    expect(page.locator("#address-proof-line .proof > li.done")).to_have_count(4, timeout=SLOW_MS)
    expect(page.locator("#address-state")).to_contain_text("Works", timeout=SLOW_MS)
    assert "ada" in entries(product)
    assert "Rookery-Undoes: " in last_message(product)
    a_refusal_says_why(owner)


def a_second_address(owner: Visitor) -> None:
    """Or deleting the only one would wait for an agreement."""
    page = owner.open(f"/d/{DOMAIN}/addresses")
    if page.get_by_role("link", name="post@").count():
        return
    page = owner.open(f"/d/{DOMAIN}/new-alias")
    page.get_by_label("The address").fill("post")
    page.get_by_label("Others who get the mail").fill("post@desk.example")
    owner.press("Make the alias")
    owner.read_mail("post@desk.example", f"May mail for post@{DOMAIN} come to you?")
    owner.follow_link_in_mail("/confirm/")
    owner.page.locator("main form button[type=submit]").click()
    owner.open(f"/d/{DOMAIN}/addresses/post")
    expect(owner.page.locator("#address-state")).to_contain_text("Works", timeout=SLOW_MS)


def see_it_proved_gone(owner: Visitor, product: Product) -> None:
    owner.open(f"/d/{DOMAIN}/trash")
    line = owner.page.locator(".list > li", has_text=ADDRESS).filter(has_text="Gone outside since")
    expect(line).to_be_visible(timeout=SLOW_MS)  # the page follows by itself
    expect(line).to_contain_text("Proof: commit")
    assert "ada" not in entries(product)
    line.get_by_role("link", name="Gone").click()
    owner.says("relay.git")
    expect(owner.page.locator(".evidence div", has_text="Commit").first).to_be_visible()


def undo_it_from_the_history(owner: Visitor, address: str) -> None:
    local_part, _, domain = address.partition("@")
    page = owner.open(f"/d/{domain}/addresses/{local_part}/history")
    line = page.locator(".history > li", has_text="was put into the trash").first
    line.locator("summary").click()
    expect(line.locator(".diff ins")).to_have_text("+ yes")
    line.get_by_role("link", name="Undo…").click()
    owner.says(f"{address} was put into the trash.")
    expect(page.locator("main")).to_contain_text(f"{address} comes back from the trash as it was.")
    owner.press("Undo it")
    expect(page.locator("main")).to_contain_text(f"Undone: {address} came back from the trash.")


def note(page: Page, owner: Visitor, text: str) -> None:
    owner.open(PAGE)
    page.get_by_label("Note").fill(text)
    owner.press("Save the note")


def a_refusal_says_why(owner: Visitor) -> None:
    page = owner.page
    note(page, owner, "first")
    history = owner.open(f"{PAGE}/history").locator(".history > li", has_text="The note of")
    first = str(history.first.get_by_role("link", name="Undo…").get_attribute("href")).partition("#")[0]
    open_before = owner.context.new_page()
    open_before.goto(f"{owner.url}{first}")
    note(page, owner, "second")
    with open_before.expect_navigation():
        open_before.get_by_role("button", name="Undo it", exact=True).click()
    refused = "“Note” changed since: this made it “first”, now it is “second”."
    expect(open_before.locator("main")).to_contain_text(refused)
    expect(open_before.get_by_role("button", name="Undo it", exact=True)).to_have_count(0)
    open_before.close()
    owner.open(PAGE)
    expect(page.get_by_label("Note")).to_have_value("second")
