"""Who sets up an authenticator app, and who is between the two steps of signing in."""

from __future__ import annotations

import base64
import time

from playwright.sync_api import StorageState

from tenants.formats import one_time_codes
from tests.browser.visitor import Visitor


def begin_an_app(person: Visitor) -> bytes:
    """Left on the page that waits for the first code; returns the app's seed."""
    page = person.open("/account/second-factors")
    person.press("Set up an app")
    return base64.b32decode(page.locator("#app-key").inner_text().replace(" ", ""))


def between_two_steps(person: Visitor, email: str) -> StorageState:
    """Somebody with an authenticator app after the first step; returns their cookies."""
    person.sign_in(email)
    seed = begin_an_app(person)
    now = one_time_codes.step_at(time.time())
    person.page.get_by_label("The code that the app shows").fill(one_time_codes.code_at(seed, now))
    person.press("Take it into use")
    person.says("recovery codes")
    person.context.clear_cookies()
    person.sign_in(email)
    person.says("One more step")
    return person.context.storage_state()
