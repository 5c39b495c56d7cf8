"""Aliases as people live with them: a holder makes one by the owner's rules, is reminded, and extends it."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.test_decisions import ask_with_a_hash
from tests.browser.visitor import SLOW_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DOMAIN = "example.org"


def entry_outside(product: Product, name: str) -> Any:
    """What the relay would read, by the real git; None while there is no such file."""
    shown = subprocess.run(
        ["git", f"--git-dir={product.repositories / 'relay.git'}", "show", f"main:{name}"],
        capture_output=True,
        check=False,
        timeout=30,
    )
    return json.loads(shown.stdout) if shown.returncode == 0 else None


def give_mailbox(owner: Visitor, stranger: Visitor, local_part: str, target: str) -> None:
    ask_with_a_hash(stranger, local_part, target, f"{local_part}-lantern-otter-quartz-slope")
    owner.open(f"/d/{DOMAIN}/requests").get_by_role("link", name=f"{local_part}@{DOMAIN}").click()
    owner.press(f"Approve {local_part}@{DOMAIN}")


def make_address(owner: Visitor, person: Visitor, local_part: str, target: str) -> None:
    """Without a request: the number of requests from one network is limited, and a day's tests share it."""
    page = owner.open(f"/d/{DOMAIN}/new-address")
    page.get_by_label("The address").fill(local_part)
    page.get_by_label("Who gets the mail").fill(target)
    page.locator("[data-phrase-words] span").nth(5).wait_for()
    owner.press("Make the address")
    person.read_mail(target, f"May mail for {local_part}@{DOMAIN} come to you?")
    person.follow_link_in_mail("/confirm/")
    person.page.get_by_role("main").get_by_role("button").first.click()


def allow(owner: Visitor, pattern: str) -> None:
    page = owner.open(f"/d/{DOMAIN}/settings/aliases")
    page.get_by_label("People may make aliases").check()
    page.get_by_label("What the name looks like").fill(pattern)
    page.get_by_label("Aliases per person").fill("5")
    page.get_by_label("Longest lifetime in days").fill("60")
    owner.press("Save")
    expect(page.locator("#notices")).to_contain_text("is saved")


def test_a_holder_makes_an_alias_is_reminded_and_extends_it(
    administrator: StorageState, visit: Visit, product: Product
) -> None:
    owner, hanna = visit(storage_state=administrator), visit()
    give_mailbox(owner, hanna, "hanna", "hanna@goeppert.example")
    allow(owner, "{own}-*")
    hanna.sign_in("hanna@goeppert.example")
    page = hanna.open(f"/d/{DOMAIN}/addresses/hanna")
    hanna.press("New alias", role="link")
    expect(page.get_by_label(f"hanna@{DOMAIN}")).to_be_checked()
    expect(page.get_by_label("The address")).to_have_value("hanna-")
    page.get_by_label("The address").fill("boss")
    hanna.press("Make the alias")
    expect(page.locator(".errorlist").first).to_contain_text("such as “hanna-shop”")
    hanna.complaints.clear()  # a refused form answers 400, which the console tells
    page.get_by_label("The address").fill("hanna-shell")
    page.get_by_label("Last day").fill(f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}")
    hanna.press("Make the alias")
    hanna.says(f"hanna-shell@{DOMAIN}")
    expect(page.locator("#reaches ~ *").first).not_to_be_empty()
    expect(page.locator("#address-state .badge")).to_have_text("Works", timeout=SLOW_MS)
    assert entry_outside(product, "hanna-shell") == {
        "targets": ["hanna@goeppert.example"],
        "password": "0" * 128,
    }

    assert "If you do nothing, it ends" in hanna.read_mail(
        "hanna@goeppert.example", f"hanna-shell@{DOMAIN} lasts until"
    )
    hanna.follow_link_in_mail(f"/d/{DOMAIN}/addresses/hanna-shell/expiry")
    before = page.locator(".sentence").first.inner_text()
    hanna.press("Extend")
    expect(page.locator("#notices")).to_contain_text("lasts until")
    assert page.locator(".sentence").first.inner_text() != before

    owner.open(f"/d/{DOMAIN}/addresses?only=alias&q=hanna")
    expect(owner.page.get_by_role("row", name=f"hanna-shell@{DOMAIN}")).to_contain_text("hanna")
    expect(owner.page.get_by_role("heading", name="Every other name: a catch-all")).to_be_visible()


def test_a_name_that_is_never_given_again(
    administrator: StorageState, visit: Visit, product: Product
) -> None:
    owner, person = visit(storage_state=administrator), visit()
    make_address(owner, person, "lost", "lost@found.example")
    page = owner.open(f"/d/{DOMAIN}/addresses/lost")
    expect(page.locator("#address-state .badge")).to_have_text("Works", timeout=SLOW_MS)
    page.get_by_text("Never give this name again").click()
    page.get_by_label(f"Nobody is given lost@{DOMAIN} any more").check()
    page.get_by_label("Why").fill("Everybody's spam comes here.")
    owner.press("Put it into the trash")
    page = owner.open(f"/d/{DOMAIN}/settings/names")
    expect(page.locator("main")).to_contain_text(f"lost@{DOMAIN}: not given again")
    page = owner.open(f"/d/{DOMAIN}/addresses/lost")
    owner.press("Restore it")
    expect(page.locator("#notices")).to_contain_text("is not given again")
    page = owner.open(f"/d/{DOMAIN}/settings/names")
    with page.expect_navigation():
        page.get_by_role("listitem").filter(has_text=f"lost@{DOMAIN}").get_by_role("button").click()
    owner.open(f"/d/{DOMAIN}/addresses/lost")
    owner.press("Restore it")
    expect(owner.page.locator("#address-state .badge")).to_have_text("Works", timeout=SLOW_MS)


def make_mailboxes(owner: Visitor, count: int, begins: str) -> None:
    """Through the same form as everybody, without waiting for its pages."""
    page = owner.open(f"/d/{DOMAIN}/new-address")
    token = page.locator("main input[name=csrfmiddlewaretoken]").first.get_attribute("value")
    for number in range(count):
        made = owner.context.request.post(
            page.url,
            headers={"Referer": page.url},
            max_redirects=0,
            form={
                "csrfmiddlewaretoken": str(token),
                "local_part": f"{begins}{number:02}",
                "targets": f"{begins}{number:02}@home.example",
                "password_hash": "2f" * 64,
                "note": "",
            },
        )
        assert made.status == 302, made.text()


@pytest.mark.parametrize("javascript", [True, False])
def test_choosing_mailboxes_with_javascript_and_without(
    administrator: StorageState, visit: Visit, javascript: bool
) -> None:
    owner = visit(storage_state=administrator, java_script_enabled=javascript)
    name = "mixed" if javascript else "plainly"
    make_mailboxes(owner, 21, f"x-{name}")  # more than one sees at once
    page = owner.open(f"/d/{DOMAIN}/new-alias")
    page.get_by_label("The address").fill(name)
    page.get_by_label(f"ada@{DOMAIN}").check()
    hidden = page.get_by_label(f"x-{name}20@{DOMAIN}")
    expect(hidden).to_have_count(0)
    page.get_by_role("searchbox", name="Find a mailbox").fill(f"x-{name}2")
    if not javascript:
        owner.press("Find")
    hidden.check()
    expect(page.get_by_label(f"ada@{DOMAIN}")).to_be_checked()
    expect(page.get_by_label("The address")).to_have_value(name)
    owner.press("Make the alias")
    owner.says(f"{name}@{DOMAIN}")
    reaches = page.locator("section", has=page.get_by_role("heading", name="Whom it reaches"))
    expect(reaches).to_contain_text(f"By ada@{DOMAIN}")
    expect(reaches).to_contain_text(f"By x-{name}20@{DOMAIN}")
    expect(reaches).to_contain_text("Nobody has confirmed yet")
