"""`python -m tests.browser.pictures [FOLDER]`: the pictures of the README, of a panel that really runs.

They are made anew after the look has changed; nothing compares them, since times and passphrases differ.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.browser.places import DOMAIN, Visit, live_in
from tests.browser.product import PROJECT, running_product
from tests.browser.visitor import SLOW_MS, Visitor, new_visitor
from tests.chromium import started_chromium

LARGEST = 200_000  # bytes
WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        running_product(Path(data)) as product,
        started_chromium() as browser,
        _visitors(browser, product.url) as visit,
    ):
        first = visit()
        first.open(product.first_link)
        first.press("Sign me in")
        places = live_in(visit, first.context.storage_state(), product.repositories)
        owner = {"storage_state": places.signed_in["owner"]}
        ask(visit(viewport={**WIDE, "height": 1080}), folder / "request.png")
        wide = visit(viewport=WIDE, **owner)
        wide.open(f"/d/{DOMAIN}/addresses/grace")
        shoot(wide, folder / "address.png")
        run = next(path for name, path in places.pages["owner"].items() if name.startswith("run /"))
        dark = visit(viewport={**WIDE, "height": 1180}, color_scheme="dark", **owner)
        dark.open(run)
        shoot(dark, folder / "run-dark.png")
        phone = visit(viewport=PHONE, **owner)
        phone.open(f"/d/{DOMAIN}/addresses")
        shoot(phone, folder / "phone.png")


@contextmanager
def _visitors(browser: Browser, url: str) -> Iterator[Visit]:
    made: list[Visitor] = []

    def visit(**options: Any) -> Visitor:
        made.append(new_visitor(browser, url, **options))
        return made[-1]

    try:
        yield visit
    finally:
        for visitor in made:
            visitor.close()


def ask(stranger: Visitor, path: Path) -> None:
    """The public page, filled in and not sent."""
    page = stranger.open(f"/ask/{DOMAIN}")
    page.get_by_label("The address you want").fill("lise")
    page.get_by_label("Where your mail should go").fill("lise@lab.example")
    page.locator("[data-phrase-words] span").nth(5).wait_for()
    page.locator("#id_target_live .badge").wait_for(timeout=SLOW_MS)
    page.get_by_label("Where your mail should go").blur()
    shoot(stranger, path)


def shoot(visitor: Visitor, path: Path) -> None:
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.screenshot(path=str(path))
    size = path.stat().st_size
    print(f"{path.name}: {size:,} bytes")  # noqa: T201 - a program for people
    if size > LARGEST:
        raise SystemExit(f"{path} is larger than {LARGEST:,} bytes.")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "docs" / "pictures")
