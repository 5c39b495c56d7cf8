"""The sandbox's albatross host, connected and used as people do it."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.product import Product
from tests.browser.visitor import SLOW_MS, Visitor


def images_of(product: Product) -> Path:
    """The folder of images to try with."""
    return product.data / "sandbox" / "albatross" / "images"


def connect_host(owner: Visitor, data: Path, name: str = "sandbox") -> str:
    """By SSH; the key is compared with the one that the sandbox tells. Returns the path of its page."""
    page = owner.open("/hosts/new")
    owner.press("By SSH", role="link")
    whose = page.get_by_label("Whose host is it?")
    whose.select_option(label="Analytical Society")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Path").fill(name)
    owner.press("Connect it")
    expect(page.locator("#key-is")).to_be_visible(timeout=SLOW_MS)
    told = json.loads((data / "sandbox" / "addresses.json").read_text())["albatross"]
    expect(page.locator("main")).to_contain_text("The sandbox says: its key is")
    assert told["host_key"].startswith("ssh-ed25519 ")
    owner.press("I compared it: pin this key")
    owner.says("runs exactly what was asked for", slowly=True)
    return page.url.removeprefix(owner.url)


def host_with_rules(operator: Visitor) -> str:
    """The path of the host in whose firewall Rookery keeps rules; empty where there is none."""
    links = operator.open("/hosts").locator('main a[href^="/hosts/"]:not([href$="/new"])')
    for path in [str(links.nth(index).get_attribute("href")) for index in range(links.count())]:
        page = operator.open(f"{path}/firewall")
        if not page.get_by_role("button", name="Keep rules on").count():
            return path
    return ""


def add_network(owner: Visitor, host: str, bridge: str, subnet: str) -> None:
    page = owner.open(host)
    page.get_by_text("Add a network").click()
    page.get_by_label("Bridge").fill(bridge)
    page.get_by_label("Subnet").fill(subnet)
    owner.press("Add the network")


def forward_a_port(operator: Visitor, host: str) -> None:
    page = operator.open(f"{host}/firewall")
    if page.get_by_role("button", name="Keep rules on sandbox").count():
        operator.press("Keep rules on sandbox")
    page.get_by_text("Add a rule").click()
    page.locator("[name=destination]").fill("192.0.2.1")
    page.locator("[name=protocol]").select_option("tcp")
    page.locator("[name=port]").fill("25")
    page.locator("[name=to_address]").fill("10.0.0.9")
    operator.press("Add the rule")
    operator.says("has exactly these rules", slowly=True)


def upload(owner: Visitor, file: Path, name: str) -> str:
    """Returns the path of the image's page."""
    page = owner.open("/images/upload")
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Whose image is it?").select_option(label="Analytical Society")
    owner.press("Upload it")
    owner.says(name)
    return page.url.removeprefix(owner.url)


def fetch(owner: Visitor, url: str) -> str:
    """From the sandbox's build server. Returns the path of the page that shows how it went."""
    page = owner.open("/images/fetch")
    page.get_by_label("Address of the file").fill(url)
    page.get_by_label("Whose image is it?").select_option(label="Analytical Society")
    owner.press("Fetch it")
    return page.url.removeprefix(owner.url)


def watch(owner: Visitor, url: str) -> str:
    """A job of the sandbox's build server. Returns the path of its page, once a build is proposed."""
    page = owner.open("/images/feeds")
    page.get_by_label("Address of the job").fill(url)
    page.get_by_label("Whose images will they be?").select_option(label="Analytical Society")
    owner.press("Watch it")
    path = page.get_by_role("link", name=url.rpartition("/")[2], exact=True).get_attribute("href") or ""
    owner.open(path)
    expect(page.get_by_role("button", name="Ignore this build")).to_be_visible(timeout=SLOW_MS)
    return path


def make_unikernel(
    owner: Visitor, host: str, image: str, name: str, arguments: str, secrets: str = ""
) -> str:
    """Returns the path of its page, once the host was read back."""
    page = owner.open(host)
    owner.press("New unikernel", role="link")
    owner.press(image, role="link")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("textbox", name="Arguments").fill(arguments)
    page.get_by_role("textbox", name="Secrets").fill(secrets)
    owner.press("Make and start it")
    expect(page.locator("#unikernel-state")).to_contain_text("runs as it was asked for", timeout=SLOW_MS)
    return page.url.removeprefix(owner.url)
