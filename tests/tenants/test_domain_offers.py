"""Handing a domain over: what moves, what ends, what keeps it, and who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants import access
from tenants.actions import domain_offers as offers
from tenants.actions import domain_roles, domains, mailboxes, repositories, suspension, webhooks
from tenants.actions.accounts import create_token
from tenants.actions.service_tokens import create_service_token
from tenants.actions.token_rows import Wish
from tenants.actor import Actor
from tenants.belongings import belongings_of
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.history import events_of
from tenants.models import (
    Account,
    ApiToken,
    Domain,
    DomainOffer,
    DomainRole,
    Event,
    Mailbox,
    Organization,
    OutgoingMail,
    Run,
    SyncTarget,
    Webhook,
    Zone,
)
from tenants.models.sync import LONG_AGO
from tests.as_if import stopped_run
from tests.conftest import account, join
from tests.contract.host_world import own_images
from tests.hosting import build_rock, waiting_reader, waiting_use
from tests.stacking import build_stack
from tests.tenants.requesting import body_of_newest_mail
from tests.tenants.test_at_once import at_once, refusals
from tests.tenants.zoning import begin, connect
from tests.world import HOST_KEY


@pytest.fixture
def works(charlie: Actor) -> Organization:
    """Where the domain is going; charlie owns it."""
    return Organization.objects.get(name="Difference Works")


def counts(organization: Organization) -> tuple[int, int]:
    organization.refresh_from_db()
    return organization.domain_count, organization.mailbox_count


@pytest.fixture
def relay(alice: Actor, domain: Domain) -> SyncTarget:
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    return repository.sync_target


@pytest.mark.django_db
def test_everything_of_it_moves_and_nothing_outside_changes(
    alice: Actor,
    charlie: Actor,
    domain: Domain,
    organization: Organization,
    works: Organization,
    relay: SyncTarget,
    make_mailbox: Callable[..., Mailbox],
) -> None:
    hanna = Actor(account=account("hanna"))
    mailbox, trashed = make_mailbox(holder=hanna.account), make_mailbox("old", "old@home.example")
    mailboxes.trash_mailbox(actor=alice, mailbox=trashed)
    zone = begin(alice, domain)
    stopped_run(relay)
    before = list(SyncTarget.objects.order_by("pk").values_list("pk", "generation", "marked_at"))
    given = offers.offer_domain(actor=alice, domain=domain)
    assert belongings_of(domain).moves[0].startswith("1 address with all")
    taken = offers.accept_offer(actor=charlie, code=given.code, organization=works)
    assert taken == domain
    assert (counts(organization), counts(works)) == ((0, 0), (1, 1))
    assert access.get(charlie, Mailbox, pk=mailbox.pk)
    assert access.get(charlie, Zone, pk=zone.pk)
    assert access.get(hanna, Mailbox, pk=mailbox.pk)
    assert list(SyncTarget.objects.order_by("pk").values_list("pk", "generation", "marked_at")) == before
    for model in (Domain, Mailbox, Zone, SyncTarget, Run):
        assert not access.visible_to(alice, model).exists()
    assert set(SyncTarget.objects.values_list("organization", flat=True)) == {works.pk}
    assert set(Run.objects.values_list("organization", flat=True)) == {works.pk}
    with pytest.raises(Absent):
        mailboxes.switch_mailbox(actor=alice, mailbox=Mailbox.objects.get(pk=mailbox.pk), enabled=False)
    mailboxes.restore_mailbox(actor=charlie, mailbox=Mailbox.objects.get(pk=trashed.pk))
    assert counts(works) == (1, 2)
    assert not DomainOffer.objects.exists()
    assert OutgoingMail.objects.filter(recipient=alice.account.email if alice.account else "").exists()


@pytest.mark.django_db
@pytest.mark.one_database
def test_what_its_giver_gave_ends(
    alice: Actor, charlie: Actor, domain: Domain, organization: Organization, works: Organization
) -> None:
    peter = account("peter")
    domain_roles.give_domain_role(actor=alice, domain=domain, email=peter.email, role="observer")
    create_token(actor=alice, name="mine", domain=domain)
    wish = Wish(name="backup", domain=domain)
    create_service_token(actor=alice, organization=organization, role="viewer", wish=wish)
    hook = {"actor": alice, "organization": organization, "url": "https://hooks.example.org/"}
    webhooks.add_webhook(**hook, name="Here", domain=domain)
    webhooks.add_webhook(**hook, name="All")
    found = belongings_of(domain)
    assert len(found.ends) == 4
    given = offers.offer_domain(actor=alice, domain=domain)
    offers.accept_offer(actor=charlie, code=given.code, organization=works)
    assert not DomainRole.objects.exists()
    assert not ApiToken.objects.exists()
    assert not Account.objects.filter(is_service=True).exists()
    assert list(Webhook.objects.values_list("name", flat=True)) == ["All"]
    organization.refresh_from_db()
    assert organization.webhook_count == 1
    event = Event.objects.get(verb="hand_over_domain")
    assert event.after["roles"] == ["peter@people.example: observer"]
    assert event.after["webhooks"] == ["Here"]
    assert len(event.after["tokens"]) == 2


@pytest.mark.django_db
def test_each_organization_has_its_own_history(
    alice: Actor,
    charlie: Actor,
    domain: Domain,
    works: Organization,
    make_mailbox: Callable[..., Mailbox],
) -> None:
    mailbox = make_mailbox()
    given = offers.offer_domain(actor=alice, domain=domain)
    offers.accept_offer(actor=charlie, code=given.code, organization=works)
    eye = Actor(account=account("eye"))
    domain_roles.give_domain_role(
        actor=charlie, domain=Domain.objects.get(), email="eye@people.example", role="observer"
    )
    seen = set(access.visible_to(charlie, Event).values_list("verb", flat=True))
    assert {"take_over_domain", "give_domain_role"} <= seen
    assert not seen & {"create_mailbox", "hand_over_domain", "offer_domain"}
    assert set(access.visible_to(eye, Event).values_list("verb", flat=True)) == {
        "take_over_domain",
        "give_domain_role",
    }
    assert not events_of(charlie, mailbox.pk).exists()
    old = Event.objects.get(verb="create_domain")
    assert not access.may(eye, access.Verb.VIEW, old)
    theirs = set(access.visible_to(alice, Event).values_list("verb", flat=True))
    assert {"hand_over_domain", "offer_domain", "create_mailbox"} <= theirs
    assert "take_over_domain" not in theirs


@pytest.mark.django_db
@pytest.mark.one_database
def test_what_is_the_givers_own_keeps_it(
    alice: Actor,
    charlie: Actor,
    olga: Actor,
    domain: Domain,
    organization: Organization,
    works: Organization,
    relay: SyncTarget,
    settings: Any,
    tmp_path: Path,
) -> None:
    own_images(settings, tmp_path)
    given = offers.offer_domain(actor=alice, domain=domain)
    rock = build_rock(organization, HOST_KEY)
    repository = connect(alice, domain)
    zone = begin(alice, domain, repository)
    begin(
        alice, domains.create_domain(actor=alice, organization=organization, name="next.example"), repository
    )
    build_stack(domain, rock.share, rock.network, "192.0.2.91", "running")
    assert relay.repository is not None
    waiting_reader(relay.repository, rock.unikernel)
    waiting_use(zone, rock.unikernel)
    found = belongings_of(domain).hindrances
    assert [each.field for each in found] == ["stack", "reader", "zone", "certificate"]
    assert all(each.fix.endswith(".") for each in found)
    assert "next.example" in found[2].problem
    with pytest.raises(Conflict) as refusal:
        offers.accept_offer(actor=charlie, code=given.code, organization=works)
    # Hosts and other domains of the giver are not for the other.
    assert refusal.value.problems == ()
    assert not any(word in str(refusal.value) for word in ("next.example", "rock", str(rock.unikernel)))
    for act in (
        partial(offers.hand_over_domain, actor=olga, domain=domain, organization=works),
        partial(offers.offer_domain, actor=alice, domain=domain),
    ):
        with pytest.raises(Conflict) as refusal:
            act()
        assert refusal.value.problems == found
    Zone.objects.filter(pk=zone.pk).update(standing="let_go")
    assert [each.field for each in belongings_of(Domain.objects.get(pk=domain.pk)).hindrances] == [
        "stack",
        "reader",
    ]


@pytest.mark.django_db
@pytest.mark.one_database
def test_a_zone_that_was_let_go_among_others_is_forgotten(
    alice: Actor, olga: Actor, domain: Domain, organization: Organization, works: Organization
) -> None:
    repository = connect(alice, domain)
    zone = begin(alice, domain, repository)
    other = domains.create_domain(actor=alice, organization=organization, name="next.example")
    kept = begin(alice, other, repository)
    Zone.objects.filter(pk=zone.pk).update(standing="let_go")
    domain = Domain.objects.get(pk=domain.pk)
    offers.hand_over_domain(actor=olga, domain=domain, organization=works)
    assert list(Zone.objects.all()) == [kept]
    assert SyncTarget.objects.get(pk=kept.target_id).organization == organization


@pytest.mark.django_db
@pytest.mark.one_database
def test_only_whom_it_is_for_and_only_in_time(
    alice: Actor, bob: Actor, charlie: Actor, olga: Actor, domain: Domain, works: Organization
) -> None:
    with pytest.raises(Forbidden):
        offers.offer_domain(actor=bob, domain=domain)
    with pytest.raises(Absent):
        offers.offer_domain(actor=charlie, domain=domain)
    with pytest.raises(Invalid) as refusal:
        offers.offer_domain(actor=alice, domain=domain, email="no", days=91)
    assert [each.field for each in refusal.value.problems] == ["email", "days"]
    given = offers.offer_domain(actor=alice, domain=domain, email="Dora@home.example", days=2)
    assert given.code in body_of_newest_mail("Dora@home.example")
    assert given.code not in repr(given)
    accept = partial(offers.accept_offer, organization=works)
    with pytest.raises(Absent):
        accept(actor=charlie, code=given.code)
    dora = account("dora")
    Account.objects.filter(pk=dora.pk).update(email="dora@home.example")
    dora.refresh_from_db()
    with pytest.raises(Absent):  # the other organization is not hers
        accept(actor=Actor(account=dora), code=given.code)
    join(works, dora, "manager")
    with pytest.raises(Forbidden):
        accept(actor=Actor(account=dora), code=given.code)
    with pytest.raises(Conflict, match="already"):
        offers.offer_domain(actor=alice, domain=domain)
    works.memberships.filter(account=dora).update(role="owner")
    suspension.suspend_organization(actor=olga, organization=domain.organization, reason="Unpaid.")
    with pytest.raises(Absent):
        accept(actor=Actor(account=dora), code=given.code)
    suspension.lift_suspension(actor=olga, organization=domain.organization)
    DomainOffer.objects.update(expires_at=timezone.now())
    with pytest.raises(Absent):
        accept(actor=Actor(account=dora), code=given.code)
    again = offers.offer_domain(actor=alice, domain=domain)
    offers.take_back_offer(actor=alice, domain=domain)
    with pytest.raises(Absent):
        accept(actor=charlie, code=again.code)
    with pytest.raises(Absent):
        offers.take_back_offer(actor=alice, domain=domain)
    with pytest.raises(Forbidden):
        offers.hand_over_domain(actor=alice, domain=domain, organization=domain.organization)


@pytest.mark.django_db
@pytest.mark.one_database
def test_the_quota_of_the_other_decides_and_nothing_is_half_done(
    alice: Actor,
    charlie: Actor,
    domain: Domain,
    organization: Organization,
    works: Organization,
    relay: SyncTarget,
    make_mailbox: Callable[..., Mailbox],
) -> None:
    make_mailbox()
    given = offers.offer_domain(actor=alice, domain=domain)
    accept = partial(offers.accept_offer, actor=charlie, code=given.code)
    Organization.objects.filter(pk=works.pk).update(mailbox_quota=0)
    with pytest.raises(Invalid, match="has 0 of 0 addresses"):
        accept(organization=works)
    assert (counts(organization), counts(works)) == ((1, 1), (0, 0))
    Organization.objects.filter(pk=works.pk).update(mailbox_quota=1)
    SyncTarget.objects.filter(pk=relay.pk).update(lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(Conflict, match="just now"):
        accept(organization=works)
    assert (counts(organization), counts(works)) == ((1, 1), (0, 0))
    SyncTarget.objects.filter(pk=relay.pk).update(lease_until=LONG_AGO)
    accept(organization=works)
    assert (counts(organization), counts(works)) == ((0, 0), (1, 1))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_gets_it(
    alice: Actor, charlie: Actor, domain: Domain, works: Organization
) -> None:
    third = Organization.objects.create(name="Third")
    assert charlie.account is not None
    join(third, charlie.account, "owner")
    given = offers.offer_domain(actor=alice, domain=domain)
    results = at_once(
        *(
            partial(offers.accept_offer, actor=charlie, code=given.code, organization=each)
            for each in (works, third)
        )
    )
    assert refusals(results) == ["Absent"]
    assert counts(works)[0] + counts(third)[0] == 1
    assert Domain.objects.get().organization in (works, third)
