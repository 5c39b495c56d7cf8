"""Every page, for everybody who can see it: accessible, whole, calm, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal
from zlib import crc32

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Browser, Page

from tests.browser.places import Places
from tests.browser.product import Product
from tests.browser.visitor import new_visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

AXE = (Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js").read_text()
ROLES = (
    "nobody",
    "halfway",
    "holder",
    "owner",
    "operator",
)  # a member sees what an owner does, with fewer buttons
TWINS = ("owner", "operator")
Scheme = Literal["light", "dark"]
# Each scheme and each width once: colours do not depend on the width, nor widths on the scheme.
MODES: list[tuple[Scheme, int]] = [("dark", 390), ("light", 1280)]
# Parts of pages, files and answers for programs: they are not looked at alone.
NO_PAGES = {"asked-fragment", "address-row", "run-fragment", "address-fragment"}
NO_PAGES |= {"autoconfig", "autoconfig-well-known", "activity-download", "account-export"}
NO_PAGES |= {"unikernel-console-fragment", "unikernel-console-text"}
NO_PAGES |= {"addresses-csv", "addresses-json", "addresses-import-problems"}
NO_PAGES |= {"host-firewall-helper", "zone-download"}

# Where everything stands once the page has been read, to be compared with a moment later. Scripts wait for
# the style sheets; a page without any is read before it has its style.
_REMEMBER = """
  const remember = () => {
    const all = [...document.querySelectorAll("body *")];
    window.stood = all.map((each) => [each, each.getBoundingClientRect()]);
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (document.scripts.length) remember();
    else addEventListener("load", remember);
  });
"""
_MOVED = """() => window.stood.flatMap(([each, before]) => {
  const now = each.getBoundingClientRect();
  const moved = Math.abs(now.x - before.x) + Math.abs(now.y - before.y) >= 1;
  if (!moved || !before.width || !now.width) return [];
  return [`${each.outerHTML.slice(0, 80)} from ${before.x}, ${before.y} to ${now.x}, ${now.y}`];
}).slice(0, 5)"""
_RUN_AXE = """async () => {
  const found = await axe.run(document, {
    resultTypes: ["violations"], rules: {"target-size": {enabled: true}},
  });
  return found.violations.flatMap((rule) => rule.nodes.map(
    (node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}"""
_TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > room + 1)
    .map((each) => `${each.tagName}.${each.className} ends at ${each.getBoundingClientRect().right}`)
    .slice(0, 5);
}"""


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_wrong_with_any_page(
    role: str, places: Places, product: Product, chromium: Browser
) -> None:
    size = {"width": 1280, "height": 800}
    visitor = new_visitor(chromium, product.url, storage_state=places.signed_in.get(role), viewport=size)
    visitor.context.add_init_script(AXE)
    visitor.context.add_init_script(_REMEMBER)
    problems = []
    for name, path in places.pages[role].items():
        turn = crc32(name.encode())
        # Owners and operators see nearly the same pages: each is looked at with one of them, in one mode.
        is_seen_twice = role in TWINS and all(name in places.pages[each] for each in TWINS)
        if is_seen_twice and TWINS[turn % 2] != role:
            continue
        visitor.open(path)
        modes = [MODES[turn // 2 % len(MODES)]]
        problems += [f"{name}: {problem}" for problem in problems_of(visitor.page, modes)]
    visitor.close()
    problems += visitor.complaints
    assert not problems, "\n".join(problems)


def problems_of(page: Page, modes: Sequence[tuple[Scheme, int]] = MODES) -> Iterator[str]:
    """Of a page that was just opened, light and wide; it is left like that."""
    page.wait_for_timeout(100)
    for moved in page.evaluate(_MOVED):
        yield f"it moved by itself: {moved}"
    for scheme, width in modes:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        for problem in [*page.evaluate(_RUN_AXE), *page.evaluate(_TOO_WIDE)]:
            yield f"{scheme}, {width} px wide: {problem}"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


def test_no_page_was_forgotten(places: Places) -> None:
    seen = {name.split(" ")[0] for pages in places.pages.values() for name in pages}
    assert set(pages_of(get_resolver().url_patterns)) - NO_PAGES == seen - {"api:docs"}


def pages_of(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    """Names of the routes that show something to people."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from pages_of(pattern.url_patterns)
        elif "GET" in getattr(pattern.callback, "page_methods", ()):
            yield str(pattern.name)
