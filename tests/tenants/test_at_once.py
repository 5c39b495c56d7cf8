"""Two people at the same moment, in real transactions of their own: one wins, the other is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connections, transaction
from django.utils import timezone

from tenants.actions import (
    domains,
    hosts,
    images,
    mailboxes,
    networks,
    organizations,
    requests,
    sync,
    targets,
    trash,
    undo,
)
from tenants.actions.exchanges import want_lookups
from tenants.actor import Actor
from tenants.errors import ActionError
from tenants.models import (
    AddressRequest,
    Domain,
    Event,
    Image,
    Mailbox,
    Membership,
    Organization,
    Repository,
    Run,
    SyncTarget,
)
from tests.conftest import HASH
from tests.exchanges import dns_says, served
from tests.hosting import NETWORKED, Machine, add_host, share_of, upload
from workers.errands.scout import domains_to_review, review_dependents

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run all at the same moment, each on a connection of its own; what each returned or was refused by."""
    start = threading.Barrier(len(acts), timeout=10)
    results: list[object] = [None] * len(acts)

    def run(index: int) -> None:
        try:
            start.wait()
            results[index] = acts[index]()
        except Exception as error:  # told by the test
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    broken = [each for each in results if isinstance(each, Exception) and not isinstance(each, ActionError)]
    assert broken == []
    return results


def refusals(results: list[object]) -> list[str]:
    return [type(result).__name__ for result in results if isinstance(result, ActionError)]


def fresh(row: Mailbox) -> Mailbox:
    return Mailbox.objects.get(pk=row.pk)


def test_of_two_targets_at_once_the_second_waits(alice: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    mailbox = make_mailbox()
    mailbox.targets.all().delete()
    stale = [fresh(mailbox), fresh(mailbox)]
    results = at_once(
        lambda: targets.add_target(actor=alice, mailbox=stale[0], address="a@x.example"),
        lambda: targets.add_target(actor=alice, mailbox=stale[1], address="b@y.example"),
    )
    assert refusals(results) == []
    assert sorted(mailbox.targets.values_list("exchange", flat=True)) == ["", "checking"]


def test_a_target_saved_while_its_domain_is_looked_up_does_not_wait_for_ever(
    alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    dns_says("home.example", served("mx.home.example"))
    for number in range(4):
        host = f"work{number}.example"
        mailbox = fresh(make_mailbox(f"ada{number}", target="ada@home.example"))
        want_lookups([host], None)
        results = at_once(
            partial(targets.add_target, actor=alice, mailbox=mailbox, address=f"ada@{host}"),
            partial(dns_says, host, served(f"mx.{host}")),
        )
        assert refusals(results) == []
        for row in domains_to_review():
            review_dependents(row.pk)
        assert mailbox.targets.get(host=host).exchange == ""


def test_two_owners_step_down_at_once_and_one_stays(alice: Actor, organization: Organization) -> None:
    organizations.add_member(actor=alice, organization=organization, email="zoe@people.example", role="owner")
    rows = list(Membership.objects.filter(organization=organization, role="owner").select_related("account"))
    results = at_once(
        *(
            lambda row=row: organizations.add_member(  # type: ignore[misc]
                actor=Actor(account=row.account),
                organization=Organization.objects.get(pk=organization.pk),
                email=row.account.email,
                role="viewer",
            )
            for row in rows
        )
    )
    assert refusals(results) == ["Invalid"]
    assert Membership.objects.filter(organization=organization, role="owner").count() == 1


def test_one_address_is_made_once(alice: Actor, domain: Domain, organization: Organization) -> None:
    acts = [
        lambda: mailboxes.create_mailbox(
            actor=alice, domain=Domain.objects.get(pk=domain.pk), local_part="ada", targets=["a@home.example"]
        )
        for _ in range(3)
    ]
    assert len(refusals(at_once(*acts))) == 2
    organization.refresh_from_db()
    assert (Mailbox.objects.count(), organization.mailbox_count) == (1, 1)
    assert Event.objects.filter(verb="create_mailbox").count() == 1


def test_a_quota_is_never_exceeded(alice: Actor, domain: Domain, organization: Organization) -> None:
    Organization.objects.filter(pk=organization.pk).update(mailbox_quota=2)
    acts = [
        lambda name=name: mailboxes.create_mailbox(  # type: ignore[misc]
            actor=alice, domain=domain, local_part=name, targets=["a@home.example"]
        )
        for name in "abcd"
    ]
    assert refusals(at_once(*acts)) == ["Invalid", "Invalid"]
    organization.refresh_from_db()
    assert (Mailbox.objects.count(), organization.mailbox_count) == (2, 2)


def test_a_domain_and_one_below_it_go_to_one_organization(
    alice: Actor, charlie: Actor, organization: Organization
) -> None:
    theirs = Organization.objects.get(name="Difference Works")
    results = at_once(
        lambda: domains.create_domain(actor=alice, organization=organization, name="new.example"),
        lambda: domains.create_domain(actor=charlie, organization=theirs, name="sub.new.example"),
    )
    assert refusals(results) == ["Invalid"]
    assert Domain.objects.count() == 1


def test_a_request_is_decided_once(alice: Actor, olga: Actor, domain: Domain) -> None:
    Domain.objects.update(requests="moderated")
    requests.submit_request(
        actor=Actor(), domain=domain, local_part="grace", target="g@home.example", password_hash=HASH
    )
    AddressRequest.objects.update(status="confirmed", confirmed_at=timezone.now())
    stale = [AddressRequest.objects.get() for _ in range(3)]
    results = at_once(
        lambda: requests.approve_request(actor=alice, request=stale[0]),
        lambda: requests.approve_request(actor=olga, request=stale[1]),
        lambda: requests.refuse_request(actor=olga, request=stale[2], reason="No."),
    )
    assert refusals(results) == ["Conflict", "Conflict"]
    assert Event.objects.filter(verb__in=["approve_request", "refuse_request"]).count() == 1


def test_an_organization_is_made_once(olga: Actor) -> None:
    results = at_once(
        lambda: organizations.create_organization(actor=olga, name="Twice"),
        lambda: organizations.create_organization(actor=olga, name="twice"),
    )
    assert len(refusals(results)) == 1


def test_one_preview_waits_and_no_agreement_is_lost(
    alice: Actor, domain: Domain, organization: Organization
) -> None:
    repository = Repository.objects.create(
        organization=organization,
        domain=domain,
        host="h.example",
        path="r.git",
        public_key="k",
        sealed_key=b"k",
    )
    target = SyncTarget.objects.create(
        kind="relay_repository", organization=organization, repository=repository, marked_at=timezone.now()
    )
    runs = at_once(
        *([lambda: sync.request_preview(actor=alice, target=SyncTarget.objects.get(pk=target.pk))] * 3)
    )
    assert len(set(runs)) == 1
    assert Run.objects.filter(mode="preview").count() == 1
    stopped = [
        Run.objects.create(
            target=target,
            state="stopped",
            generation=1,
            title="x",
            agree_to=sign * 64,
            created_at=timezone.now(),
        )
        for sign in "ab"
    ]
    at_once(
        *(
            lambda run=run: sync.approve_plan(  # type: ignore[misc]
                actor=alice, run=Run.objects.select_related("target").get(pk=run.pk), checksum=run.agree_to
            )
            for run in stopped
        )
    )
    target.refresh_from_db()
    assert sorted(target.agreed_to) == ["a" * 64, "b" * 64]


def test_confirming_while_it_is_taken_away(alice: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    """No deadlock, whoever is first."""
    from tenants import tokens

    for number in range(3):
        mailbox = make_mailbox(f"m{number}")
        row = targets.add_target(actor=alice, mailbox=mailbox, address="later@home.example")
        token = tokens.new_token()
        type(row).objects.filter(pk=row.pk).update(digest=tokens.digest(token))
        stale = fresh(mailbox)
        results = at_once(
            lambda token=token: targets.confirm_target(actor=Actor(), token=token),  # type: ignore[misc]
            lambda stale=stale: targets.remove_target(  # type: ignore[misc]
                actor=alice, mailbox=stale, address="later@home.example"
            ),
        )
        assert refusals(results) in ([], ["Absent"])
        assert [each.address for each in mailbox.targets.all()] == ["ada@home.example"]


def test_an_event_is_undone_once(alice: Actor, olga: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    for number in range(3):
        mailbox = make_mailbox(f"m{number}")
        mailboxes.switch_mailbox(actor=alice, mailbox=mailbox, enabled=False)
        event = Event.objects.latest("pk")
        results = at_once(
            lambda event=event: undo.undo_event(actor=alice, event=event),  # type: ignore[misc]
            lambda event=event: undo.undo_event(actor=olga, event=event),  # type: ignore[misc]
        )
        assert refusals(results) == ["Conflict"]
        [told] = [each for each in results if isinstance(each, ActionError)]
        assert "undid this" in told.sentence
        assert fresh(mailbox).enabled
        assert Event.objects.filter(undoes=event).count() == 1


def test_an_undo_and_a_change_at_once(alice: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    """Either the change comes first and the undo is refused, or it comes on top of what was undone."""
    mailbox = make_mailbox()
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="one")
    event, stale = Event.objects.latest("pk"), fresh(mailbox)
    results = at_once(
        lambda: undo.undo_event(actor=alice, event=event),
        lambda: mailboxes.change_note(actor=alice, mailbox=stale, note="two"),
    )
    assert refusals(results) in ([], ["ChangedSince"])
    assert fresh(mailbox).note == "two"


def test_coming_back_while_it_is_deleted_for_good(alice: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    """One of the two happens, whole."""
    for number in range(3):
        mailbox = make_mailbox(f"m{number}")
        mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
        stale = fresh(mailbox)
        results = at_once(
            lambda stale=stale: mailboxes.restore_mailbox(actor=alice, mailbox=stale),  # type: ignore[misc]
            lambda mailbox=mailbox: trash.purge_mailbox(  # type: ignore[misc]
                actor=alice, mailbox=mailbox, typed=str(mailbox)
            ),
        )
        [refused] = refusals(results)
        back = Mailbox.objects.filter(pk=mailbox.pk).first()
        assert (refused, back and back.trashed_at) in {("Conflict", None), ("Absent", None)}
        assert (back is None) == (refused == "Absent")
        assert (back is None) != (back is not None and back.targets.count() == 1)


@pytest.mark.parametrize("what", ["host", "network"])
def test_nothing_is_removed_under_a_unikernel_that_is_being_made(
    olga: Actor, organization: Organization, what: str
) -> None:
    host = add_host(olga, organization)
    machine, image = Machine(olga, host, share_of(host, organization)), upload(olga, organization, NETWORKED)
    network, made = machine.network(), threading.Event()

    def make() -> object:
        with transaction.atomic():
            row = machine.unikernel(image=image, networks={"service": network})
            made.set()
            time.sleep(0.5)  # the other is at it by now
        return row

    def remove() -> None:
        assert made.wait(10)
        if what == "host":
            hosts.remove_host(actor=olga, host=host)
        else:
            networks.remove_network(actor=olga, network=network)

    assert refusals(at_once(make, remove)) == ["Conflict"]
    assert machine.share.unikernels.exists()
    assert machine.share.networks.exists()


@pytest.mark.parametrize("first", ["make", "delete"])
def test_an_image_is_not_deleted_under_a_unikernel_that_is_being_made(
    olga: Actor, organization: Organization, first: str
) -> None:
    host = add_host(olga, organization)
    machine, image = Machine(olga, host, share_of(host, organization)), upload(olga, organization)
    other, begun = Image.objects.get(pk=image.pk), threading.Event()
    acts = [partial(machine.unikernel, image=image), partial(images.delete_image, actor=olga, image=other)]
    soon, late = acts if first == "make" else reversed(acts)

    def slowly() -> None:
        with transaction.atomic():
            soon()
            begun.set()
            time.sleep(0.5)  # the other is at it by now

    def after() -> None:
        assert begun.wait(10)
        late()

    assert refusals(at_once(slowly, after)) == ["Conflict" if first == "make" else "Invalid"]
    assert (
        machine.share.unikernels.exists() == Image.objects.filter(pk=other.pk).exists() == (first == "make")
    )
