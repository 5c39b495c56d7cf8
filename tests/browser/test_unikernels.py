"""A unikernel's life in a browser: upload, create, its proof, a bad change, a good one, stop, delete."""

from __future__ import annotations

import hashlib

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser import rock
from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.visitor import SLOW_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_from_an_upload_to_its_end(product: Product, administrator: StorageState, visit: Visit) -> None:
    owner = visit(storage_state=administrator)
    owner.see_all_organizations()
    page = owner.page
    host = rock.connect_host(owner, product.data, "cliff")
    rock.add_network(owner, host, "service", "10.1.0.0/24")
    refused_image(owner, product)
    images_by_url(owner)
    file = rock.images_of(product) / "clock.hvt"
    rock.upload(owner, file, "relay of the cliff")
    arguments = "--ipv4={address:service}\n--seed={secret:seed}"
    unikernel = rock.make_unikernel(
        owner, host, "relay of the cliff", "relay", arguments, "seed=hunter2-hunter2"
    )
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    expect(page.locator("#proved-digest")).to_have_text(digest, timeout=SLOW_MS)
    expect(page.locator("#unikernel-state .proof")).to_contain_text("observed")
    owner.open(unikernel)
    expect(page.locator("main")).to_contain_text("10.1.0.2")
    assert "hunter2" not in page.content()
    watch_console(owner, unikernel)
    owner.open(unikernel)
    change(owner, "--ticks=1\n--exit=64")
    expect(page.locator("#unikernel-state")).to_contain_text("ended right after its start", timeout=SLOW_MS)
    expect(page.locator("#unikernel-progress")).to_contain_text("solo5_exit(64)")
    owner.open_until(f"{unikernel}/console", page.get_by_text("it will not be restarted"))
    expect(page.locator("#console-now")).to_contain_text("It exited with 64: wrong arguments")
    owner.open(unikernel)
    change(owner, "--verbose")
    expect(page.locator("#unikernel-state")).to_contain_text("runs as it was asked for", timeout=SLOW_MS)
    owner.open(unikernel)
    owner.press("Stop")
    expect(page.locator("#unikernel-state")).to_contain_text("is stopped", timeout=SLOW_MS)
    owner.open(unikernel)
    page.get_by_label("Type relay").fill("relay")
    owner.press("Delete it")
    owner.open_until(host, page.get_by_text("None yet. Upload an image"))


def refused_image(owner: Visitor, product: Product) -> None:
    """What is no image leaves nothing behind."""
    page = owner.open("/images/upload")
    page.get_by_label("File").set_input_files(product.log)
    page.get_by_label("Name").fill("no image")
    page.get_by_label("Whose image is it?").select_option(label="Analytical Society")
    with page.expect_response(lambda answer: answer.status == 400):
        page.get_by_role("button", name="Upload it").click()
    expect(page.get_by_role("alert")).to_contain_text("so it is no unikernel image")
    # The browser writes every answer of 400 into its console.
    owner.complaints.clear()


def watch_console(owner: Visitor, unikernel: str) -> None:
    """Its lines come by themselves, without the secret."""
    page = owner.open(f"{unikernel}/console")
    lines = page.locator("#console-lines > li")
    expect(lines.filter(has_text="Bindings version")).to_be_visible(timeout=SLOW_MS)
    last = lines.filter(has_text="tick ").count()
    expect(lines.filter(has_text=f"tick {last + 2}")).to_be_attached(timeout=SLOW_MS)
    assert "hunter2" not in page.content()


def images_by_url(owner: Visitor) -> None:
    """From a server of the list, over TLS; what goes wrong is said, and tried again."""
    page = owner.page
    rock.fetch(owner, "https://builds.sandbox.example/store.hvt")
    expect(page.locator("#fetch-now")).to_contain_text("It was read, hashed and kept", timeout=SLOW_MS)
    owner.press("See the image", role="link")
    expect(page.locator("main")).to_contain_text("storage, block")
    rock.fetch(owner, "https://builds.sandbox.example/nothing.hvt")
    expect(page.locator("#fetch-now")).to_contain_text("The server answered 404", timeout=SLOW_MS)
    owner.press("Try again")
    expect(page.locator("#fetch-now")).to_contain_text("Nothing of it was kept", timeout=SLOW_MS)


def change(owner: Visitor, arguments: str) -> None:
    owner.press("Change", role="link")
    owner.page.get_by_role("textbox", name="Arguments").fill(arguments)
    owner.press("Change it")
