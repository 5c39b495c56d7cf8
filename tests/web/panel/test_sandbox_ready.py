"""The sandbox's button: everything that a mail stack needs first, once and by people's own actions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from panel import sandbox_ready
from tenants.actions.blueprints import Choices, preview_stack
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Domain, Event, Host, HostShare, Image, Repository, Zone
from tests.contract.host_world import own_images
from tests.hosting import HOST_KEY
from tests.web.people import text_of
from workers.sandbox.stack.images import ROLE_IMAGES

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def sandbox(settings: Any, tmp_path: Path) -> None:
    """Its note; nothing of it runs."""
    own_images(settings, tmp_path)
    settings.SANDBOX, settings.SANDBOX_CONTROL = True, tmp_path / "sandbox" / "control.sock"
    folder = tmp_path / "sandbox"
    folder.mkdir()
    for name, (_, _, image) in ROLE_IMAGES.items():
        (folder / name).write_bytes(image)
    way = {
        "host": "127.0.10.1",
        "port": 2222,
        "username": "rookery",
        "socket_folder": "/s",
        "name": "sandbox",
    }
    primary = {"address": ["127.0.10.4", 53], "path": "zone.git", "branch": "main", "root_key": ""}
    told = {
        "git": ["127.0.10.1", 2222],
        "git_host_key": HOST_KEY,
        "primary": primary,
        "albatross": {
            "host_key": HOST_KEY,
            "ways": {"ssh": way},
            "images": [str(folder / name) for name in ROLE_IMAGES],
        },
        "stacks": {"public": ["127.0.10.241"]},
    }
    (folder / "addresses.json").write_text(json.dumps(told))


def test_it_is_ready_for_the_plan_and_twice_is_once(olga: Actor, domain: Domain, sandbox: None) -> None:
    sandbox_ready.make_ready(actor=olga, domain=domain)
    share = HostShare.objects.get(organization=domain.organization)
    images = {row.name: row for row in Image.objects.all()}
    assert len(images) == 2 * len(ROLES)
    chosen = {name: images[role.image.removesuffix(".hvt")] for name, role in ROLES.items()}
    network, public = share.networks.get(), share.public_addresses.get()
    plan = preview_stack(actor=olga, domain=domain, choices=Choices(share, network, public, chosen, {}))
    assert [each.problem for each in plan.lacking] == [
        "It was not proved yet that the domain is yours, so nothing of its zone is published."
    ]
    before = Event.objects.count()
    sandbox_ready.make_ready(actor=olga, domain=domain)
    assert Event.objects.count() == before
    other = Domain.objects.create(organization=domain.organization, name="second.example")
    share.public_addresses.update(address="127.0.10.240")
    sandbox_ready.make_ready(actor=olga, domain=other)
    assert Host.objects.count() == 1
    assert Zone.objects.count() == 2
    assert Repository.objects.count() == 3


def test_who_may_not_keep_rules_of_a_host_leaves_nothing_behind(
    alice: Actor, domain: Domain, sandbox: None
) -> None:
    with pytest.raises(Forbidden):
        sandbox_ready.make_ready(actor=alice, domain=domain)
    assert not Host.objects.exists()


def test_the_button_is_there_and_says_when_no_sandbox_runs(
    as_olga: Client, olga: Actor, domain: Domain, sandbox: None, settings: Any
) -> None:
    page = "/d/example.org/stack/new"
    assert "Use the sandbox's" in text_of(as_olga.get(page))
    settings.SANDBOX_CONTROL.with_name("addresses.json").unlink()
    with pytest.raises(Conflict, match="does not run"):
        sandbox_ready.make_ready(actor=olga, domain=domain)
    settings.SANDBOX = False
    assert "Use the sandbox's" not in text_of(as_olga.get(page))
    assert as_olga.post("/d/example.org/stack/sandbox").status_code == 404
