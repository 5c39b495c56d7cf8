"""Images that others may run: all of them, or chosen ones; tenants do not meet by it."""

from __future__ import annotations

from typing import Any

import pytest

from tenants import access
from tenants.actions import image_sharing, organizations, unikernels
from tenants.actions.host_adoption import image_of
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden, Invalid
from tenants.models import Event, HostShare, Image, Organization
from tests.contract.host_world import own_images
from tests.hosting import Machine, add_host, share_of, upload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def images_here(settings: Any, tmp_path: Any) -> None:
    own_images(settings, tmp_path)


def home_of(actor: Actor) -> Organization:
    return access.visible_to(actor, Organization).get()


def share(actor: Actor, image: Image, *others: Organization, shared: bool = False) -> Image:
    chosen = [each.pk for each in others]
    return image_sharing.share_image(actor=actor, image=image, shared=shared, organizations=chosen)


@pytest.fixture
def works(charlie: Actor) -> HostShare:
    """The part of a host that charlie's organization has."""
    return share_of(add_host(Actor.rookery(), home_of(charlie)), home_of(charlie))


def test_only_chosen_organizations_see_and_run_it(
    alice: Actor, olga: Actor, charlie: Actor, organization: Organization, works: HostShare
) -> None:
    row = upload(alice, organization)
    third = organizations.create_organization(actor=Actor.rookery(), name="Third")
    share(olga, row, third)
    assert not access.visible_to(charlie, Image).exists()
    assert image_of(works, row.sha256) is None
    share(olga, row, home_of(charlie))
    assert access.visible_to(charlie, Image).get() == row
    assert access.may(charlie, access.Verb.VIEW, row)
    assert image_of(works, row.sha256) == row
    for verb in (access.Verb.CHANGE, access.Verb.DELETE):
        assert not access.may(charlie, verb, row)
    assert not access.visible_to(Actor(), Image).exists()
    elsewhere = Actor(account=charlie.account, organization_id=third.pk)
    assert not access.visible_to(elsewhere, Image).exists(), "a token of another organization"
    with pytest.raises(Forbidden):
        share(charlie, row, home_of(charlie), third)
    event = Event.objects.filter(verb="share_image").last()
    assert event is not None
    assert event.organization == organization
    assert "Difference Works" not in event.sentence


def test_an_owner_chooses_only_among_organizations_that_the_owner_sees(
    alice: Actor, olga: Actor, charlie: Actor, organization: Organization
) -> None:
    row = upload(alice, organization)
    said = set()
    for pk in (home_of(charlie).pk, 999_999):
        with pytest.raises(Invalid) as refused:
            image_sharing.share_image(actor=alice, image=row, shared=False, organizations=[pk])
        said.add(str(refused.value))
    assert len(said) == 1, "nobody learns which organizations there are"
    share(olga, row, home_of(charlie))
    share(alice, row, home_of(charlie), shared=True)  # one that an operator chose may stay
    share(alice, row)
    assert not access.visible_to(charlie, Image).exists()
    image_sharing.share_image(actor=alice, image=row, shared=True)
    assert access.visible_to(charlie, Image).get() == row


def test_what_runs_goes_on_and_nothing_begins_anew(
    alice: Actor, charlie: Actor, organization: Organization, works: HostShare
) -> None:
    row, machine = upload(alice, organization), Machine(charlie, works.host, works)
    with pytest.raises(Absent):
        machine.unikernel(image=row)
    image_sharing.share_image(actor=alice, image=row, shared=True)
    web, old = machine.unikernel("web", image=row), machine.unikernel("old", image=row, running=False)
    image_sharing.share_image(actor=alice, image=row, shared=False)
    unikernels.change_unikernel(actor=charlie, unikernel=web, image=row, memory=48)
    web.refresh_from_db()
    assert (web.running, web.memory) == (True, 48)
    unikernels.start_unikernel(actor=charlie, unikernel=web)
    with pytest.raises(Invalid, match="not shared"):
        unikernels.start_unikernel(actor=charlie, unikernel=old)
    with pytest.raises(Absent):
        machine.unikernel("new", image=row)
    own = upload(charlie, works.organization, name="own")
    unikernels.change_unikernel(actor=charlie, unikernel=web, image=own)
    with pytest.raises(Absent):
        unikernels.change_unikernel(actor=charlie, unikernel=web, image=row)


def test_a_member_of_both_carries_nothing_across(
    alice: Actor, charlie: Actor, olga: Actor, organization: Organization, works: HostShare
) -> None:
    """Who sees an image in one organization cannot start it in another that may not run it; operators too."""
    from tests.conftest import join

    assert alice.account is not None
    join(works.organization, alice.account, "owner")
    row = upload(alice, organization)
    for actor in (alice, olga):
        with pytest.raises(Invalid, match="not shared") as refused:
            unikernels.create_unikernel(actor=actor, share=works, name="web", image=row)
        assert [each.field for each in refused.value.problems] == ["image"]
    share(alice, row, works.organization)
    unikernels.create_unikernel(actor=alice, share=works, name="web", image=row)
