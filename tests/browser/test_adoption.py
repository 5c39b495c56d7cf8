"""Who ran ptt without Rookery takes their repository over, decides about edits, and lives in it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from playwright.sync_api import Locator, StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.importing import MANY, import_ten_thousand, put_them_away
from tests.browser.product import Product
from tests.browser.test_undo import undo_it_from_the_history
from tests.browser.visitor import SLOW_MS, Visitor
from workers.sandbox.handmade import DOMAIN, ENTRIES, PATH

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

REPOSITORY = f"/d/{DOMAIN}/settings/repository"
FINDINGS = f"{REPOSITORY}/findings"


def git(repository: Path, *words: str, stdin: bytes = b"") -> bytes:
    command = ["git", f"--git-dir={repository}", *words]
    return subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=30).stdout


def edit(repository: Path, name: str, *targets: str) -> None:
    """One commit by somebody who knows no Rookery."""
    content = json.dumps({"targets": targets, "password": "0" * 128})
    stream = f"commit refs/heads/main\ncommitter Max <max@school.example> {int(time.time())} +0000\n"
    stream += "data 7\nby hand\nfrom refs/heads/main^0\n"
    stream += f"M 100644 inline {name}\ndata {len(content)}\n{content}\n"
    git(repository, "fast-import", "--quiet", stdin=stream.encode())


def targets_in(repository: Path, name: str) -> list[str]:
    found: list[str] = json.loads(git(repository, "cat-file", "blob", f"main:{name}"))["targets"]
    return found


def connect(owner: Visitor) -> None:
    """As the sandbox's page of mails says."""
    page = owner.open("/sandbox/mail")
    expect(page.get_by_role("heading", name="A repository made without Rookery")).to_be_visible()
    expect(page.locator("main")).to_contain_text("SHA256:")
    page = owner.open("/domains/new")
    organization = page.get_by_label("Organization")
    if organization.is_visible():
        organization.select_option(label="Analytical Society")
    page.get_by_label("Domain", exact=True).fill(DOMAIN)
    owner.press("Add the domain")
    page = owner.open(f"{REPOSITORY}/new")
    page.get_by_label("Path").fill(PATH)
    owner.press("Connect it")


def line_of(owner: Visitor, unit: str) -> Locator:
    return owner.page.locator("main li", has=owner.page.get_by_text(unit, exact=True))


def says(owner: Visitor, unit: str, words: str) -> None:
    """The line about one entry, perhaps after workers have looked."""
    owner.open_until(FINDINGS, line_of(owner, unit).filter(has_text=words))


def decide(owner: Visitor, unit: str, words: str) -> None:
    button = line_of(owner, unit).get_by_role("button", name=words)
    with owner.page.expect_navigation():
        button.click()


def look_now(owner: Visitor) -> None:
    owner.open(REPOSITORY)
    owner.press("Look now")


def test_a_repository_made_by_hand_is_taken_over(
    product: Product, administrator: StorageState, visit: Visit, tmp_path: Path
) -> None:
    owner = visit(storage_state=administrator)
    page, repository = owner.page, product.repositories / PATH
    tip = git(repository, "rev-parse", "main")
    connect(owner)

    for unit, words in (
        ("dinosaure", "ptt uses it."),
        ("half", "ptt skips it: The file is no JSON"),
        ("anna", f"in a circle: anna@{DOMAIN} → otto@{DOMAIN} → anna@{DOMAIN}"),
        ("lost", "nomx.example has no MX record"),
        ("mixed", "use the same mail server"),
    ):
        says(owner, unit, words)
    owner.says(f"{len(ENTRIES)} entries outside are not Rookery's.")
    assert git(repository, "rev-parse", "main") == tip

    decide(owner, "hannes", "Take over what is outside")
    hannes = f"/d/{DOMAIN}/addresses/hannes"
    expect(page.locator("main")).to_contain_text("A worker does that for 1 entry now")
    owner.open_until(FINDINGS, page.get_by_role("button", name="Take over all 8 that can be"))
    owner.press("Take over all 8 that can be")
    owner.open_until(FINDINGS, page.locator("h1", has_text=f"{len(ENTRIES) - 9} entries"))
    owner.open(hannes)
    expect(page.locator("#address-state")).to_contain_text(f"Mail for hannes@{DOMAIN} works", timeout=SLOW_MS)
    assert git(repository, "rev-parse", "main") == tip, "not a byte was changed"

    edit(repository, "hannes", "thief@evil.example")
    edit(repository, "contact", "desk@home.example")
    look_now(owner)
    says(owner, "hannes", "hannes was changed outside.")
    compared = line_of(owner, "hannes").locator("dl.compare")
    expect(compared.locator("div").first).to_contain_text("thief@evil.example")
    expect(compared.locator("div").last).to_contain_text("hannes@home.example")
    assert targets_in(repository, "hannes") == ["thief@evil.example"], "it is reported, not touched"
    decide(owner, "hannes", "Write what Rookery has")
    says(owner, "contact", "contact was changed outside.")
    decide(owner, "contact", "Take over what is outside")
    owner.open_until(FINDINGS, page.locator("h1", has_text=f"{len(ENTRIES) - 9} entries"))
    assert targets_in(repository, "hannes") == ["hannes@home.example"]
    assert targets_in(repository, "contact") == ["desk@home.example"]

    owner.open(f"/d/{DOMAIN}/addresses/contact")
    expect(page.locator("main")).to_contain_text("desk@home.example")
    owner.open(f"/runs?domain={DOMAIN}")
    page.get_by_role("link", name=f"Write 1 change to {PATH} of {DOMAIN}").first.click()
    commit = git(repository, "rev-parse", "main").decode().strip()
    expect(page.locator("main")).to_contain_text(commit)
    owner.open(f"/d/{DOMAIN}/checks")
    expect(page.locator("main")).to_contain_text("north.shared.example and south.shared.example use the same")

    delete_and_undo(owner, repository)

    page = owner.open("/o/1")
    page.get_by_label("Addresses").fill("20000")
    owner.press("Set the quotas")
    commits = int(git(repository, "rev-list", "--count", "main"))
    import_ten_thousand(owner, DOMAIN, tmp_path)
    assert int(git(repository, "rev-list", "--count", "main")) == commits + 1
    assert len(git(repository, "ls-tree", "--name-only", "main").split()) > MANY
    put_them_away(owner, DOMAIN)


def delete_and_undo(owner: Visitor, repository: Path) -> None:
    """Gone outside, proved; then that is undone from its history, and the same entry is back."""
    entry = json.loads(git(repository, "cat-file", "blob", "main:contact"))
    owner.open(f"/d/{DOMAIN}/addresses/contact")
    owner.press("Put it into the trash")
    owner.open(f"/d/{DOMAIN}/trash")
    gone = owner.page.locator(".list > li", has_text=f"contact@{DOMAIN}").filter(
        has_text="Gone outside since"
    )
    expect(gone).to_be_visible(timeout=SLOW_MS)
    assert b"contact" not in git(repository, "ls-tree", "--name-only", "main").split()
    undo_it_from_the_history(owner, f"contact@{DOMAIN}")
    expect(owner.page.locator("#address-state")).to_contain_text("Works", timeout=SLOW_MS)
    assert json.loads(git(repository, "cat-file", "blob", "main:contact")) == entry
