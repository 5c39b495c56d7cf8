"""A renewed certificate is taken by a restart: real certificates, a stand-in for albatross."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import certificate_uses
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.models import Certificate, CertificateUse, Domain, Event, Organization, Zone
from tests.contract.host_world import HostWorld, own_images
from tests.hosting import Machine, add_host, share_of
from tests.tenants.zoning import begin
from tests.workers.test_certificates import HOST, observe
from tests.zones.test_certificates import NOW, certificate, request
from workers.albatross import Release
from workers.controller import Controller, Ending
from workers.errands import certificates
from workers.sandbox.albatross.host import AlbatrossHost as StandIn
from workers.targets.reader_certificates import certificate_problem

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = (timezone.now() - NOW).days
Renew = Callable[[int], CertificateUse]


@pytest.fixture
def ahead() -> list[timedelta]:
    return [timedelta()]


@pytest.fixture
def world(
    olga: Actor, organization: Organization, settings: Any, tmp_path: Path, ahead: list[timedelta]
) -> Iterator[HostWorld]:
    own_images(settings, tmp_path)
    with StandIn(tmp_path, Release(2, 7, 2), pace=0.01, interval=1.0) as stand_in:
        host = add_host(olga, organization, tmp_path)
        machine = Machine(olga, host, share_of(host, organization))
        world = HostWorld.make(machine, stand_in, Release(2, 7, 2), tmp_path)
        world.controller = Controller(kinds=world.controller.kinds, clock=lambda: timezone.now() + ahead[0])
        yield world


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    return begin(alice, domain)


@pytest.fixture
def renew(zone: Zone) -> Renew:
    """Have the certificate of the host be one that ends so many days from today."""

    def to(end: int) -> CertificateUse:
        observe(zone, request(), certificate(TODAY - 60, TODAY + end))
        certificates.look(zone.pk, timezone.now)
        return CertificateUse.objects.get()

    return to


def start(world: HostWorld, name: str = "receiver") -> datetime | None:
    world.unikernel(name, memory=16, arguments=[f"--hostname={HOST}"])
    assert world.reconcile() is Ending.AGREED, world.advice()
    return world.running()[f"acme:{name}"].started


def started(world: HostWorld, name: str = "receiver") -> datetime | None:
    assert world.reconcile() is Ending.AGREED, world.advice()
    return world.running()[f"acme:{name}"].started


def test_a_renewed_certificate_proposes_the_restart_and_a_person_says_when(
    world: HostWorld, zone: Zone, renew: Renew, alice: Actor
) -> None:
    before = start(world)
    use = renew(60)
    assert (use.host, use.mode, use.is_waiting) == (HOST, "proposed", False)
    with pytest.raises(Conflict, match="No renewed certificate"):
        certificate_uses.restart_for_certificate(actor=alice, use=use)
    use = renew(90)
    assert (use.is_waiting, use.due_at) == (True, None)
    assert started(world) == before, "nobody said so yet"
    told = world.condition("Certificates")
    assert told.status
    assert "receiver goes on with the old one" in told.message
    assert Event.objects.filter(verb="propose_restart").count() == 1
    certificate_uses.restart_for_certificate(actor=alice, use=use)
    assert started(world) != before
    use.refresh_from_db()
    assert (use.taken, use.is_waiting, use.due_at) == (Certificate.objects.get().fingerprint, False, None)
    assert not world.condition("Certificates").status
    facts = {one.name: one.value for one in world.target.runs.latest("pk").evidence.all()}
    assert facts["receiver took"] == use.taken


def test_whose_owner_chose_so_restarts_by_itself_and_not_without_a_certificate(
    world: HostWorld, zone: Zone, renew: Renew, alice: Actor, ahead: list[timedelta]
) -> None:
    before = start(world)
    renew(60)
    row = Certificate.objects.get()
    unikernel = CertificateUse.objects.get().unikernel
    certificate_uses.link_certificate(actor=alice, unikernel=unikernel, certificate=row, automatic=True)
    use = renew(90)
    assert use.due_at is not None
    assert started(world) == before, "in a quiet moment"
    observe(zone, request(), certificate(TODAY - 60, TODAY - 1))
    ahead[0] = timedelta(seconds=30)
    assert started(world) == before, "it would start with one that expired"
    use.refresh_from_db()
    assert "not valid now" in use.held
    assert world.condition("Certificates").message == use.held
    renew(91)
    ahead[0] = timedelta(seconds=60)
    assert started(world) != before
    use.refresh_from_db()
    assert (use.is_waiting, use.held) == (False, "")


def test_whoever_restarted_it_the_certificate_was_taken(
    world: HostWorld, zone: Zone, renew: Renew, alice: Actor
) -> None:
    start(world)
    renew(60)
    use = renew(90)
    before = started(world)
    world.client.restart(next(one.name for one in world.client.unikernels()))
    assert started(world) != before
    use.refresh_from_db()
    assert not use.is_waiting
    certificate_uses.unlink_certificate(actor=alice, use=use)
    use = renew(91)
    assert (use.mode, use.is_waiting) == ("off", False), "it is not found again by its arguments"


def test_what_reads_a_repository_is_held_while_the_zone_has_no_certificate_for_it(
    world: HostWorld, zone: Zone, renew: Renew
) -> None:
    start(world)
    renew(60)
    row = CertificateUse.objects.get().unikernel
    now = timezone.now()
    assert certificate_problem(row, now) == ""
    observe(zone, request())
    assert "would wait" in certificate_problem(row, now)
    observe(zone)
    assert "no certificate for it" in certificate_problem(row, now)
    row.arguments = ["--domain=example.org", "--remote=git@10.0.0.1:relay.git"]
    CertificateUse.objects.all().delete()
    assert certificate_problem(row, now) == "", "a relay has none"
