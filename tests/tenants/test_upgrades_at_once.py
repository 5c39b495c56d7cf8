"""Two administrators upgrade a mail stack at the same moment, and one while it is halted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tenants.actions import stacks, upgrades
from tenants.actions.upgrade_blueprints import preview_upgrade
from tenants.actor import Actor
from tenants.models import Domain, Release, Stack, Unikernel, Upgrade
from tests.contract.host_world import own_images
from tests.hosting import NETWORKED, upload
from tests.stacking import Site, build_site, serving
from tests.tenants.test_at_once import at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> Site:
    own_images(settings, tmp_path)
    return build_site(alice, domain)


def test_one_begins_and_the_other_is_told_so_or_it_goes_back_with_the_stack(site: Site) -> None:
    stack = serving(site.make(open_relay=True))
    contents = NETWORKED + b"\0" * 16
    newer = upload(site.machine.actor, site.domain.organization, contents, name="newer", era="p23")
    images = {"verifier": newer}
    plan = preview_upgrade(actor=site.owner, stack=stack, images=images).digest
    stale = [Stack.objects.get(pk=stack.pk), Stack.objects.get(pk=stack.pk)]
    results = at_once(
        lambda: upgrades.upgrade_stack(actor=site.owner, stack=stale[0], images=images, plan=plan),
        lambda: upgrades.upgrade_stack(actor=site.owner, stack=stale[1], images=images, plan=plan),
    )
    assert refusals(results) == ["Conflict"]
    (told,) = (each for each in results if isinstance(each, Exception))
    assert "Only one is done at a time" in str(told)
    assert (Upgrade.objects.count(), Release.objects.count()) == (1, 2)
    assert Unikernel.objects.filter(name__contains="-verifier-").count() == 2

    again = [Stack.objects.get(pk=stack.pk), Stack.objects.get(pk=stack.pk)]
    results = at_once(
        lambda: upgrades.roll_back(actor=site.owner, stack=again[0]),
        lambda: stacks.cancel_stack(actor=site.owner, stack=again[1]),
    )
    assert refusals(results) == []
    assert (Upgrade.objects.get().state, Stack.objects.get().wanted) == ("returning", "cancelled")
