"""Asking the name servers of a zone on loopback, what is kept of it, and the condition of one that lags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from django.utils import timezone

from tenants.actions import secondaries, server_answers
from tenants.actions.mail_checks import checks_of
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats.zones.agreement import Reply, Server
from tenants.models import Condition, Domain, MailCheck, ServerAnswer, SyncTarget, Zone
from tenants.models.sync import LONG_AGO
from tenants.name_servers import ask_servers_soon, name_servers, servers_elsewhere
from tests.mail_checks.test_observing import Names
from tests.tenants.zoning import again, begin
from workers.dialers import Dialers
from workers.errands.server_asker import ServerAsker, zones_to_ask

pytestmark = pytest.mark.django_db
PRIMARY, SECOND, OTHER = "127.0.0.53", "127.0.0.1", "127.0.0.44"


class Dns(Names):
    """A name server of example.org; serial None: it says that it has no such zone."""

    def __init__(self, serial: int | None) -> None:
        self.serial = serial
        super().__init__()
        self.change = self._say

    def _say(self, answer: dns.message.Message) -> None:
        if self.serial is None:
            answer.set_rcode(dns.rcode.REFUSED)
            return
        answer.flags |= dns.flags.AA
        soa = f"ns1.example.org. a.example.org. {self.serial} 86400 7200 1048576 3600"
        answer.answer.append(dns.rrset.from_text("example.org.", 60, "IN", "SOA", soa))


@pytest.fixture
def second() -> Iterator[Dns]:
    made = Dns(5)
    yield made
    made.socket.close()


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    zone = begin(alice, domain)
    secondaries.add_secondary(actor=alice, zone=zone, host="ns2.example.net", address=SECOND, transfer="open")
    Zone.objects.update(served_serial=5, serial=5)
    ask_servers_soon(zone)
    return again(zone)


def answers(zone: Zone) -> dict[str, ServerAnswer]:
    return {row.address: row for row in zone.server_answers.all()}


def look(zone: Zone, second: Dns, names: Mapping[str, Sequence[str]] | None = None) -> bool:
    """192.0.2.1, which the zone names itself, lies outside the sandbox; nobody listens at the primary."""
    dial, known = Dialers(here=True).name_server, names or {}
    asker = ServerAsker(dial, lambda address: second.port, lambda name: known.get(name, ()), seconds=0.5)
    return asker.look(zone.pk)


def test_each_server_says_what_it_has(zone: Zone, second: Dns) -> None:
    assert [(each.address, each.primary) for each in name_servers(zone)] == [
        (PRIMARY, True),
        (SECOND, False),
        ("192.0.2.1", False),
    ]
    assert look(zone, second)
    found = answers(zone)
    assert (found[SECOND].agreement, found[SECOND].serial) == ("agrees", 5)
    assert (found[PRIMARY].agreement, found[PRIMARY].primary) == ("silent", True)
    assert "lies outside the sandbox" in found["192.0.2.1"].problem
    assert again(zone).servers_look_at <= timezone.now() + server_answers.SOON, "one of them does not agree"
    assert not look(zone, second), "it is not due"


def test_one_that_lags_for_too_long_is_a_condition_that_says_what_to_do(zone: Zone, second: Dns) -> None:
    def condition() -> Condition:
        return Condition.objects.get(target=zone.target_id, type=Condition.Type.SERVERS_APART)

    def tells_people() -> bool:
        """Whether the checks, which mail what changed, are done again."""
        later = timezone.now() + timedelta(days=1)
        was = MailCheck.objects.get(domain=zone.domain).next_look_at == LONG_AGO
        MailCheck.objects.update(looked_at=timezone.now(), next_look_at=later)
        return was

    checks_of(zone.domain)
    tells_people()
    second.serial = 3
    look(zone, second)
    assert (answers(zone)[SECOND].agreement, answers(zone)[SECOND].behind) == ("behind", 2)
    assert not condition().status
    assert not tells_people(), "it may still fetch it"
    long_ago = timezone.now() - timedelta(seconds=zone.refresh + zone.retry + 60)
    ServerAnswer.objects.filter(address=SECOND).update(
        since=long_ago, apart_since=long_ago, asked_at=long_ago
    )
    ask_servers_soon(zone)
    look(zone, second)
    found = condition()
    assert found.status
    assert tells_people()
    assert "ns2.example.net (127.0.0.1) of example.org has been behind its primary since" in found.message
    assert "Let it transfer the zone" in found.message
    assert found.details == {
        "servers": [{"zone": "example.org", "host": "ns2.example.net", "address": SECOND}],
        "count": 1,
    }
    ask_servers_soon(zone)
    look(zone, second)
    assert not tells_people(), "nothing changed"
    second.serial = 5
    ask_servers_soon(zone)
    look(zone, second)
    assert not condition().status
    assert tells_people()
    second.serial = None
    ask_servers_soon(zone)
    look(zone, second)
    assert answers(zone)[SECOND].agreement == "not_authoritative"


def test_a_server_in_another_zone_is_found_by_its_name(zone: Zone, second: Dns) -> None:
    """One that was entered by hand is asked where that says, whatever its name says."""
    row = zone.record_sets.get(owner=zone.name, type="NS")
    row.data = [*row.data, "ns2.example.net.", "ns3.example.com.", "nobody.example.com."]
    row.save()
    assert servers_elsewhere(zone) == ("nobody.example.com", "ns3.example.com")
    names = {"ns3.example.com": (OTHER, SECOND), "ns2.example.net": ("127.0.0.99",)}
    assert look(zone, second, names)
    assert answers(zone)[OTHER].host == "ns3.example.com"
    assert answers(zone)[SECOND].host == "ns2.example.net"
    assert set(answers(zone)) == {PRIMARY, SECOND, OTHER, "192.0.2.1"}


def test_a_server_that_is_removed_is_forgotten(alice: Actor, zone: Zone, second: Dns) -> None:
    look(zone, second)
    secondaries.remove_secondary(actor=alice, server=zone.secondaries.get())
    assert SECOND not in answers(zone)


def test_what_is_wanted_while_a_look_goes_on_stays_wanted(zone: Zone) -> None:
    server, now = Server("", PRIMARY, primary=True), timezone.now()
    until = now + timedelta(minutes=1)
    Zone.objects.update(servers_look_at=LONG_AGO)
    server_answers.record_server_answers(
        actor=Actor.rookery(), zone=zone, replies={server: Reply(5, True)}, at=now, asked_until=until
    )
    assert zones_to_ask().filter(pk=zone.pk).exists()
    Zone.objects.update(servers_look_at=until)
    server_answers.record_server_answers(
        actor=Actor.rookery(), zone=zone, replies={server: Reply(5, True)}, at=now, asked_until=until
    )
    assert again(zone).servers_look_at >= now + server_answers.EVERY


def test_only_served_zones_are_asked_about_and_by_workers_alone(alice: Actor, zone: Zone) -> None:
    assert zones_to_ask().filter(pk=zone.pk).exists()
    Zone.objects.update(served_serial=None)
    assert not zones_to_ask().filter(pk=zone.pk).exists()
    with pytest.raises(Forbidden):
        server_answers.record_server_answers(
            actor=alice, zone=zone, replies={}, at=timezone.now(), asked_until=LONG_AGO
        )
    assert SyncTarget.objects.get(pk=zone.target_id).conditions.count() == 0
