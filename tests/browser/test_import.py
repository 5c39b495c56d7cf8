"""One thing done to many addresses of the list, chosen by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.importing import upload
from tests.browser.visitor import SLOW_MS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DOMAIN = "example.org"


def test_rows_are_chosen_by_keys(administrator: StorageState, visit: Visit) -> None:
    operator = visit(storage_state=administrator)
    upload(operator, DOMAIN, "address,targets\nkeys1,k1@home.example\nkeys2,k2@home.example\n", vouched=False)
    operator.press("Import 2")
    page = operator.open(f"/d/{DOMAIN}/addresses?q=keys")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 chosen")).to_be_visible(timeout=SLOW_MS)
    operator.press("Switch off")
    operator.says("Switch off 2 addresses?")
    operator.press("Switch off")
    expect(page.get_by_text("2 addresses were switched off.")).to_be_visible()
    expect(page.locator("tbody .badge", has_text="Off")).to_have_count(2)
