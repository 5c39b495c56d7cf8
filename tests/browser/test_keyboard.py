"""The keyboard alone: everything can be reached, one sees where one is, and the main job can be done."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.places import Places
from tests.browser.product import Product
from tests.browser.visitor import SLOW_MS, Visitor, new_visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

DOMAIN = "example.org"
MOST_TABS = 300
# Of a group of radio buttons only one is a stop; arrows choose among them.
_STOPS = """(within) => {
  const stops = document.querySelector(within).querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex='0']");
  window.stops = [...stops].filter((each) => each.checkVisibility({visibilityProperty: true})
    && !each.disabled && each.type !== "hidden" && each.tabIndex >= 0
    && !(each.type === "radio" && !each.checked));
  window.missing = new Set(window.stops);
  window.unseen = [];
  return window.stops.length;
}"""
_STEP = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return false;
  window.missing.delete(here);
  const shown = [here, here.parentElement].some((each) => getComputedStyle(each).outlineStyle !== "none");
  const box = here.getBoundingClientRect();
  if (!shown || !box.width || box.bottom < 0 || box.top > innerHeight) window.unseen.push(here.outerHTML);
  return true;
}"""


@pytest.mark.parametrize("role", ["nobody", "halfway", "operator"])
def test_everything_can_be_reached_and_seen(
    role: str, places: Places, product: Product, chromium: Browser
) -> None:
    visitor = new_visitor(chromium, product.url, storage_state=places.signed_in.get(role))
    problems = []
    frame_seen = False  # it is the same on each page: the skip link leads past it
    for name, path in places.pages[role].items():
        if name == "api:docs":
            continue  # hundreds of links, nothing else
        page = visitor.open(path)
        if frame_seen:
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        stops = page.evaluate(_STOPS, "main" if frame_seen else "body")
        frame_seen = True
        assert stops < MOST_TABS, name
        for _ in range(2 * stops + 3):  # a date field takes a stop for each of its parts
            page.keyboard.press("Tab")
            # Past the end; where a field had the focus from the start, the way goes on from the top.
            if not page.evaluate(_STEP) and not page.evaluate("missing.size"):
                break
        problems += [
            f"{name}: not reached: {each}" for each in page.evaluate("[...missing].map((e) => e.outerHTML)")
        ]
        problems += [f"{name}: no focus to be seen: {each}" for each in page.evaluate("unseen")]
    visitor.close()
    assert not problems, "\n".join(problems)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of that name has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        here = page.locator(":focus")
        if here.count() and name in (here.inner_text() or "", here.get_attribute("aria-label")):
            return
        label = here.evaluate(
            "each => [...(each.labels ?? [])].map((label) => label.innerText.trim()).join()"
        )
        if label and label.startswith(name):
            return
    raise AssertionError(f"No Tab led to {name}.")


def press(visitor: Visitor, key: str) -> None:
    """Press a key that leads to another page."""
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press(key)


def test_the_main_job_by_keyboard(administrator: StorageState, visit: Visit) -> None:
    stranger, owner = visit(), visit(storage_state=administrator)
    page = stranger.open(f"/ask/{DOMAIN}")
    tab_to(page, "The address you want")
    page.keyboard.type("kaya")
    tab_to(page, "Where your mail should go")
    page.keyboard.type("kaya@solar.example")
    tab_to(page, "Type my own")
    page.keyboard.press("Space")
    page.keyboard.type("ice-prism-lantern-orbit 1690")
    tab_to(page, "Ask for this address")
    press(stranger, "Enter")
    stranger.read_mail("kaya@solar.example", f"Do you want kaya@{DOMAIN}?")
    stranger.follow_link_in_mail("/asked/confirm/")
    tab_to(page, "Confirm that I asked")
    press(stranger, "Enter")
    stranger.says("Thank you, that is confirmed")

    decided = owner.open("/")
    decided.keyboard.press("/")
    decided.keyboard.type("kaya")
    expect(decided.locator("#jump-results a")).to_have_count(1)
    decided.keyboard.press("ArrowDown")
    press(owner, "Enter")
    owner.says(f"kaya@solar.example asks for kaya@{DOMAIN}")
    tab_to(decided, f"Approve kaya@{DOMAIN}")
    press(owner, "Enter")
    owner.says(f"kaya@{DOMAIN}")
    expect(decided.locator("#address-state .proof > li.done")).to_have_count(4, timeout=SLOW_MS)

    owner.open(f"/d/{DOMAIN}/addresses?q=kaya")
    decided.keyboard.press("j")
    expect(decided.locator("[data-row][data-at]")).to_contain_text(f"kaya@{DOMAIN}")
    press(owner, "e")
    owner.says(f"kaya@{DOMAIN}")
    decided.keyboard.press("?")
    expect(decided.get_by_role("dialog", name="Keys")).to_be_visible()
    decided.keyboard.press("Escape")
    expect(decided.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_skip_link_and_menus(administrator: StorageState, visit: Visit) -> None:
    owner = visit(storage_state=administrator)
    page = owner.open("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    summary = page.locator("details.menu > summary").last
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(summary).to_be_focused()
