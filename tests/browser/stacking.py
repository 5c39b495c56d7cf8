"""A mail stack in the sandbox, made as people do it: one button, one plan, one confirmation."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

MINUTES_MS = 120_000
"""Eight unikernels, one after the other, and two certificates."""


def make_stack(owner: Visitor, domain: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Add the domain and confirm the plan of its stack; `meanwhile` is done before that, while the sandbox's
    registrar delegates the domain. Left on the page of the stack."""
    page = owner.open("/domains/new")
    organization = page.get_by_label("Organization")
    if organization.is_visible():
        organization.select_option(label="Analytical Society")
    page.get_by_label("Domain", exact=True).fill(domain)
    owner.press("Add the domain")
    owner.open(f"/d/{domain}/stack")
    owner.press("Use the sandbox's")
    plan = page.url
    meanwhile()
    owner.open_until(f"/d/{domain}/dns", page.get_by_text("is served as you asked"))
    page.goto(plan)
    page.get_by_label("From Let's Encrypt: real ones").check()
    page.get_by_label("Open port 25 although").check()
    owner.press("Show the plan")
    expect(page.locator("main")).to_contain_text("Start the submission server")
    owner.press("Make exactly this")
    owner.says(f"The mail stack of {domain}")


def have_stack(owner: Visitor, domain: str) -> None:
    """Make it, unless another test of the same product did."""
    answer = owner.page.goto(f"{owner.url}/d/{domain}/stack")
    if answer is None or not answer.ok:
        owner.complaints.clear()  # the console tells of what is not found
        make_stack(owner, domain)


def wait_until_all_is_proved(owner: Visitor, domain: str) -> None:
    """The page of the stack follows by itself."""
    if not owner.page.url.endswith(f"/d/{domain}/stack"):
        owner.open(f"/d/{domain}/stack")
    expect(owner.page.locator("#stack-head")).to_contain_text("All of it was proved.", timeout=MINUTES_MS)
