"""Ten thousand addresses by one upload, and away again: what browser tests do with tables."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import FilePayload, expect

from tests.browser.visitor import Visitor

MANY = 10_000
# Ten thousand rows are checked, sealed, kept and written to git.
LONG_MS = 240_000


def upload(visitor: Visitor, domain: str, lines: str, *, vouched: bool) -> None:
    page = visitor.open(f"/d/{domain}/import")
    table: FilePayload = {"name": "people.csv", "mimeType": "text/csv", "buffer": lines.encode()}
    page.get_by_label("A CSV or JSON file").set_input_files([table])
    if vouched:
        page.get_by_label("I vouch for those who get the mail").check()
    page.get_by_role("button", name="Show what it would do").click(no_wait_after=True)
    page.wait_for_url(re.compile(r"/import/\d+$"), timeout=LONG_MS)


def import_ten_thousand(operator: Visitor, domain: str, downloads: Path) -> None:
    """Previewed, imported, proved as one commit, found, and exported again."""
    page = operator.page
    lines = "".join(f"crowd{i},crowd{i}@people.example,Number {i}\n" for i in range(MANY))
    upload(operator, domain, f"address,targets,note\n{lines}Nobody,n@people.example,\n", vouched=True)
    operator.says("Nothing was changed yet: 10,000 new, 1 refused.")
    expect(page.get_by_text("1 to 100 of 10,001")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Refused")).click()
    expect(page.get_by_text("contains upper-case letters")).to_be_visible()
    page.get_by_role("button", name="Import 10,000, leave out 1").click(no_wait_after=True)
    expect(operator.heading()).to_contain_text("Done: 10,000 new, 1 left out.", timeout=LONG_MS)
    done = page.url.removeprefix(operator.url)
    operator.open_until(done, page.get_by_text("in one commit and read back"))
    operator.press("See the run", role="link")
    operator.says("Write 10000 changes")
    operator.open(f"/d/{domain}/addresses?q=crowd9999")
    expect(page.get_by_role("link", name=f"crowd9999@{domain}")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_text("Import, export").click()
        page.get_by_role("link", name="Export as CSV").click()
    exported = downloads / "exported.csv"
    started.value.save_as(exported)
    assert exported.read_text().count("\n") > MANY


def put_them_away(operator: Visitor, domain: str) -> None:
    """All that were found go into the trash in one go; so many removals need somebody's agreement."""
    page = operator.open(f"/d/{domain}/addresses?q=crowd")
    page.get_by_label("Choose all on this page").check()
    expect(page.get_by_text("100 chosen")).to_be_visible()
    page.get_by_label("All 1,000+ that were found").check()
    page.get_by_role("button", name="Into the trash").click(no_wait_after=True)
    expect(operator.heading()).to_contain_text("Put 10,000 addresses into the trash?", timeout=LONG_MS)
    page.get_by_role("button", name="Put into the trash").click(no_wait_after=True)
    expect(page.get_by_text("10,000 addresses were put into the trash.")).to_be_visible(timeout=LONG_MS)
