"""Images that are no good, in the first run of a stack and in its upgrades, on the sandbox's host: each ends
in what the page says, who serves goes on, and another run repairs it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tenants import image_files
from tenants.actions import images, stacks, unikernels, upgrades
from tenants.actions.blueprints import preview_stack
from tenants.actions.upgrade_blueprints import preview_upgrade
from tenants.formats.roles.catalogue import ROLES
from tenants.left_alone import left_alone
from tenants.models import Image, Stack, Upgrade
from tests.contract.test_stack import Outside, Site, outside_in, site
from tests.hosting import upload
from workers.albatross import Name
from workers.controller import Ending
from workers.sandbox.albatross.programs import Launch, Live, Lives
from workers.sandbox.albatross.samples import sample
from workers.sandbox.stack.images import ROLE_IMAGES
from workers.sandbox.stack.realm import Realm, real_port

__all__ = ["site"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(200), pytest.mark.one_database]
SILENT, WRONG = (sample(name, (("service", "network"),)) for name in (b"says nothing", b"another protocol"))
HERE = ("primary", "relay", "signer", "spamfilter")
SERVICES = {role: f"10.0.0.{100 + at}" for at, role in enumerate(ROLES) if role not in HERE}


def ssh_instead(realm: Realm) -> Lives:
    """In the place of `WRONG`: a server at port 25 that is none of mail."""

    def live(launch: Launch) -> Live | None:
        if launch.digest != hashlib.sha256(WRONG).digest():
            return None
        own = next(each for each in launch.arguments if each.startswith(b"--ipv4="))
        address = realm.here(own.removeprefix(b"--ipv4=").decode().partition("/")[0])

        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            await writer.drain()
            writer.close()

        async def run(_: Callable[[bytes], None]) -> int:
            async with await asyncio.start_server(greet, address, real_port(25)):
                await asyncio.Event().wait()
            return 0

        return run

    return live


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    with outside_in(tmp_path, ssh_instead) as made:
        yield made


def image(site: Site, contents: bytes, name: str, era: str = "p23") -> Image:
    return upload(site.owner, site.domain.organization, contents, name=name, era=era)


def second(site: Site, role: str) -> Image:
    return image(site, ROLE_IMAGES[ROLES[role].image.replace(".hvt", "-2.hvt")][2], f"{role}-2")


def begin(site: Site, stack: Stack, **chosen: Image) -> Upgrade:
    stack.refresh_from_db()
    plan = preview_upgrade(actor=site.owner, stack=stack, images=chosen)
    assert not plan.lacking, plan.lacking
    return upgrades.upgrade_stack(actor=site.owner, stack=stack, images=chosen, plan=plan.digest)


def phase(site: Site, stack: Stack, name: str) -> tuple[str, str]:
    row = stack.phases.get(name=name)
    return row.state, row.reason


def there(site: Site) -> set[str]:
    return {each.removeprefix("acme:example-org-") for each in site.outside.running()}


def test_each_bad_image_is_told_and_what_serves_goes_on(site: Site) -> None:
    # The first run: one that takes other arguments than its generation says, and one that never serves.
    choices = replace(site.choices, services=SERVICES)
    chosen = {role: choices.images[role] for role in HERE}
    of_p23 = chosen["signer"]
    images.change_image(actor=site.owner, image=of_p23, era="p24")
    chosen |= {"signer": of_p23, "spamfilter": image(site, SILENT, "silent")}
    choices = replace(choices, images=chosen)
    plan = preview_stack(actor=site.owner, domain=site.domain, choices=choices)
    assert not plan.lacking, plan.lacking
    stack = stacks.make_stack(actor=site.owner, domain=site.domain, choices=choices, plan=plan.digest)
    assert site.go(stack, late=70) is Ending.STOPPED, site.told(stack)
    state, reason = phase(site, stack, "signer")
    assert (state, "unknown option '--seed'" in reason) == ("failed", True), site.told(stack)
    state, reason = phase(site, stack, "spamfilter")
    assert (state, reason[:26]) == ("failed", "It was not proved within 2"), site.told(stack)
    assert phase(site, stack, "relay")[0] == "proved"

    # Another run with good ones repairs it; the file of one is lost before its start.
    good = {role: second(site, role) for role in ("signer", "spamfilter")}
    upgrade = begin(site, stack, **good)
    lost = image_files.read(good["signer"])
    image_files.remove(good["signer"])
    for _ in range(6):
        site.round()
    waits = upgrade.phases.get(name="signer").reason
    assert "cannot be used: its file cannot be read. Nothing was ended." in waits, site.told(stack)
    assert "spamfilter-2" in there(site), "one lost image keeps back nobody else"
    image(site, lost, "signer-2")
    assert site.go(stack, late=15) is Ending.AGREED, site.told(stack)
    upgrade.refresh_from_db()
    assert upgrade.state == "done", site.told(stack)
    assert {row.state for row in stack.phases.all()} == {"proved"}, site.told(stack)
    serving = there(site)
    assert serving == {"primary-1", "relay-1", "signer-2", "spamfilter-2"}

    # Upgrades to bad ones go back, whatever is bad about them; the release that serves does so all the time.
    for role, bad, said in (
        ("signer", of_p23, "unknown option '--seed'"),
        ("spamfilter", image(site, WRONG, "odd"), "“SSH-2.0-OpenSSH_9.2” instead of 220"),
    ):
        upgrade, told = begin(site, stack, **{role: bad}), set[str]()
        while site.go(stack, 0.1, late=25) is not Ending.AGREED:
            assert serving <= there(site)
            told.add(upgrade.phases.get(name=role).reason)
        upgrade.refresh_from_db()
        assert upgrade.state == "returned", site.told(stack)
        assert any(said in each for each in told | {upgrade.reason}), told
        assert there(site) == serving
    _destroyed_by_somebody(site, stack)


def _destroyed_by_somebody(site: Site, stack: Stack) -> None:
    """Where Rookery only reports it is told at the stack, and starts again when somebody says so."""
    stack.refresh_from_db()
    row = stacks.unikernel_of(stack, "spamfilter")
    assert row is not None
    site.outside.client.destroy(Name(("acme",), row.name))
    for _ in range(2):
        site.round()
    found = left_alone(stack.share.sync_target)
    assert found == {row.name: f"{row.name} is not running any more: it ended, or somebody destroyed it."}
    unikernels.start_unikernel(actor=site.owner, unikernel=row)
    site.round()
    assert "spamfilter-2" in there(site)
    assert left_alone(stack.share.sync_target) == {}
