"""What every target passes, for name servers that take dynamic updates: real BIND, real Knot, real rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest

from tenants.actions import domains, sync, update_servers, zone_places, zone_proofs, zones
from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.formats.zones.data.simple import TXT
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.models import Condition, Event, Finding, Organization, SyncTarget, UpdateServer, Zone
from tenants.secrets import Opener
from tests.contract.zone_world import connected, cut
from tests.tenants.zoning import MAIL, again, put
from tests.zone.servers import running_bind, running_knot
from tests.zone.world import OTHER_SECRET, TEXT, zone_key
from workers import zone as wire
from workers.controller import Controller, Ending
from workers.targets.dynamic_update import DynamicUpdate
from workers.zone import Change, Server, served_serial, transfer, update
from workers.zone.server import connect

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.debian, pytest.mark.one_database]

KEY = zone_key("rookery.keys.example")
SECOND = zone_key("second.keys.example", "SHA512", OTHER_SECRET)
SERVED = [f"d{number}.example" for number in range(15)]
ZONES = {Name.of(name): TEXT.replace("example.org", name) for name in SERVED}
_next = count()


@pytest.fixture(scope="module", params=["bind", "knot"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    run = running_bind if request.param == "bind" else running_knot
    with run(tmp_path_factory.mktemp(request.param), ZONES, [KEY, SECOND]) as running:
        yield running


@dataclass
class World:
    """One zone of the server, of which alice's organization has the key."""

    alice: Actor
    server: Server
    row: UpdateServer
    zone: Zone
    kind: DynamicUpdate
    controller: Controller

    @property
    def target(self) -> SyncTarget:
        return SyncTarget.objects.get(update_server=self.row)

    @property
    def name(self) -> Name:
        return Name.of(self.zone.name)

    def reconcile(self) -> Ending:
        SyncTarget.objects.update(next_try_at="2000-01-01T00:00Z")
        return self.controller.reconcile(self.target.pk)

    def agree(self) -> None:
        ending = self.reconcile()
        run = self.target.runs.order_by("pk").last()
        assert ending is Ending.AGREED, (ending, run and run.outcome, run and run.advice)

    def put(self, *changes: RecordChange) -> None:
        put(self.alice, again(self.zone), *changes)

    def ask(self, name: str, kind: str) -> list[str]:
        """What the server answers about a name in the zone, as dig would show it."""
        asked = dns.message.make_query(f"{name}.{self.zone.name}".removeprefix("@."), kind)
        answer: Any = dns.query.tcp(asked, self.server.address, port=self.server.port, timeout=5)
        assert answer.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
        return sorted(str(each) for found in answer.answer for each in found)

    def others_write(self, name: str, text: str) -> None:
        """Somebody else, or a program, with a key of the same server."""
        owner = Name.of(f"{name}.{self.zone.name}")
        before = transfer(self.server, self.name, SECOND).seen(owner, "TXT")
        after = RecordSet(owner, 300, [TXT(text.encode())])
        update(self.server, self.name, SECOND, [Change(owner, "TXT", before, after)])

    def told(self, kind: str) -> Condition:
        return self.target.conditions.get(type=kind)


def written_as(key: wire.TsigKey) -> str:
    return f"{key.name}:{key.algorithm}:{key.secret}"


@pytest.fixture
def world(server: Server, alice: Actor, organization: Organization, settings: Any) -> World:
    settings.SANDBOX = True  # on this machine
    domain = domains.create_domain(
        actor=alice, organization=organization, name=SERVED[next(_next) % len(SERVED)]
    )
    row = update_servers.connect_update_server(
        actor=alice,
        organization=organization,
        name="ns1",
        address=server.address,
        port=server.port,
        key=written_as(KEY),
    )
    zone = zones.create_zone(actor=alice, domain=domain, server=row)
    zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="text")
    kind = DynamicUpdate(opener=Opener(), dial=connect)
    controller = Controller(kinds={SyncTarget.Kind.DYNAMIC_UPDATE: kind})
    made = World(alice, server, row, zone, kind, controller)
    made.agree()
    return made


def test_what_is_there_is_kept_and_what_is_ours_is_served_and_proved(world: World) -> None:
    zone = again(world.zone)
    before = served_serial(world.server, world.name).serial
    assert zone.served_serial == before, "the first look changes nothing"
    assert {each.holder for each in zone.record_sets.all()} == {"external"}
    assert (zone.first_server, zone.contact) == (f"ns1.{zone.name}", f"hostmaster@{zone.name}")
    world.put(RecordChange("www2", "A", ("192.0.2.80",)), RecordChange("@", "CAA", ('0 issue "ca.example"',)))
    world.agree()
    assert world.ask("www2", "A") == ["192.0.2.80"]
    assert world.ask("@", "MX") == [f"10 mail.{zone.name}."]
    zone = again(zone)
    assert zone.served_serial == zone.serial == served_serial(world.server, world.name).serial
    assert zone.served_serial != before, "the server raised it by itself"
    evidence = {fact.name: fact.value for fact in world.target.runs.latest("pk").evidence.all()}
    assert evidence[f"Serial of {zone.name}"] == str(zone.serial)
    runs = world.target.runs.count()
    world.agree()
    assert world.target.runs.count() == runs, "agreement leaves no trace"
    world.put(RecordChange("www2", "A"))
    world.agree()
    assert world.ask("www2", "A") == []
    assert not zone.record_sets.filter(owner=f"www2.{zone.name}").exists()


def test_an_alias_takes_the_place_of_addresses_and_back(world: World) -> None:
    world.put(RecordChange("web", "A", ("192.0.2.80",)))
    world.agree()
    world.put(RecordChange("web", "A"), RecordChange("web", "CNAME", ("mail",)))
    world.agree()
    assert world.ask("web", "CNAME") == [f"mail.{world.zone.name}."]
    world.put(RecordChange("web", "CNAME"), RecordChange("web", "A", ("192.0.2.81",)))
    world.agree()
    assert world.ask("web", "A") == ["192.0.2.81"]


def test_a_change_in_between_refuses_instead_of_being_overwritten(world: World) -> None:
    """Between our look and our update somebody writes the same record set: theirs stays, and we say so."""
    world.put(RecordChange("note", "TXT", ("first",)))
    world.agree()
    world.put(RecordChange("note", "TXT", ("ours",)), RecordChange("fine", "A", ("192.0.2.7",)))
    plan = world.kind.plan

    def plan_and_lose(*given: Any) -> Any:
        made = plan(*given)
        world.kind.plan = plan  # type: ignore[method-assign]
        world.others_write("note", "theirs")
        return made

    world.kind.plan = plan_and_lose  # type: ignore[method-assign]
    assert world.reconcile() is Ending.RETRY
    assert world.target.runs.latest("pk").outcome == "lost-race"
    assert world.ask("note", "TXT") == ['"theirs"']
    assert world.ask("fine", "A") == [], "a message is made as a whole or not at all"
    world.agree()
    assert world.told("Conflicted").status
    assert world.ask("note", "TXT") == ['"theirs"']
    assert world.ask("fine", "A") == ["192.0.2.7"], "the others go on"
    sync.change_drift_mode(actor=world.alice, target=world.target, mode="repair")
    world.agree()
    assert world.ask("note", "TXT") == ['"ours"']


def test_what_others_write_is_kept_and_drift_is_reported_and_adopted(world: World) -> None:
    world.put(RecordChange("note", "TXT", ("ours",)))
    world.agree()
    world.others_write("acme", "token")
    world.others_write("note", "changed")
    world.agree()
    assert world.told("Drifted").status
    assert world.zone.record_sets.get(owner=f"acme.{world.zone.name}").holder == "external"
    sync.change_drift_mode(actor=world.alice, target=world.target, mode="adopt")
    world.agree()
    assert world.zone.record_sets.get(owner=f"note.{world.zone.name}").data == ['"changed"']
    world.put(RecordChange("more", "TXT", ("more",)))
    world.agree()
    assert world.ask("acme", "TXT") == ['"token"']


def test_another_key_is_proved_before_anything_is_written_with_it(world: World) -> None:
    world.put(RecordChange("one", "A", ("192.0.2.1",)))
    world.agree()
    wrong = zone_key("rookery.keys.example", "SHA256", OTHER_SECRET)
    change = update_servers.change_update_key
    change(actor=world.alice, server=world.row, key=written_as(wrong))
    world.put(RecordChange("one", "A", ("192.0.2.2",)))
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "update-key-refused"
    assert "BADSIG" in world.target.runs.latest("pk").advice
    change(actor=world.alice, server=world.row, key=written_as(zone_key("nobody.keys.example")))
    assert world.reconcile() is Ending.STOPPED
    assert "BADKEY" in world.target.runs.latest("pk").advice
    assert world.ask("one", "A") == ["192.0.2.1"]
    change(actor=world.alice, server=world.row, key=written_as(SECOND))
    world.agree()
    assert world.ask("one", "A") == ["192.0.2.2"]
    run = world.target.runs.latest("pk")
    rows = [str(run.plan), run.title, *(f"{step.detail}{step.log}" for step in run.steps.all())]
    rows += [str(world.target.proof), *(f"{each.before}{each.after}" for each in Event.objects.all())]
    assert not any(OTHER_SECRET[:10] in row for row in rows)


def test_many_changes_go_in_several_messages_and_all_arrive(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(
        "workers.zone.update", lambda *given, **named: (sent.append(len(given[3])), update(*given, **named))
    )
    changes = [RecordChange(f"h{number}", "TXT", ("x" * 250,)) for number in range(260)]
    world.put(*changes)
    world.agree()
    assert len(sent) > 1, "more than fits into 64 KiB"
    assert sum(sent) == len(changes)
    assert world.ask("h259", "TXT") == [f'"{"x" * 250}"']


def test_killed_at_any_step_and_run_again_converges(world: World) -> None:
    steps = ("observe", "_read", "plan", "statements", "apply", "_send", "verify")
    for number, (step, after) in enumerate(((step, after) for step in steps for after in (False, True)), 1):
        world.put(RecordChange(f"step{number}", "A", (f"192.0.2.{number}",)))
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, DynamicUpdate, step, after=after)
            assert world.reconcile() is Ending.BUG, (step, after)
        world.agree()
        assert world.ask(f"step{number}", "A") == [f"192.0.2.{number}"], (step, after)
    before = served_serial(world.server, world.name).serial
    world.agree()
    assert served_serial(world.server, world.name).serial == before


def test_what_was_sent_before_an_answer_was_lost_changes_again(world: World) -> None:
    world.put(RecordChange("back", "TXT", ("one",)))
    world.agree()
    first = [RecordChange(name, "TXT", ("one",)) for name in ("new", "gone", "stays")]
    world.put(*first, RecordChange("back", "TXT"))
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, DynamicUpdate, "_send", after=True)
        assert world.reconcile() is Ending.BUG
    world.put(RecordChange("new", "TXT", ("two",)), RecordChange("gone", "TXT"))
    world.put(RecordChange("back", "TXT", ("two",)))
    world.agree()
    said = {name: world.ask(name, "TXT") for name in ("new", "gone", "stays", "back")}
    assert said == {"new": ['"two"'], "gone": [], "stays": ['"one"'], "back": ['"two"']}
    assert not Finding.objects.exists()


def test_what_was_sent_unseen_stays_ours_when_the_next_try_sends_nothing(world: World) -> None:
    world.put(RecordChange("back", "TXT", ("one",)))
    world.agree()
    for text, arrives in (("two", True), ("three", False)):

        def lose(*given: Any, arrives: bool = arrives, **named: Any) -> None:
            if not arrives:
                raise wire.Unreachable("Nobody is there.")
            update(*given, **named)
            raise wire.UnknownOutcome("No answer came.")

        world.put(RecordChange("back", "TXT", (text,)), RecordChange("new", "TXT", (text,)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("workers.zone.update", lose)
            assert world.reconcile() is Ending.RETRY
        assert world.ask("back", "TXT") == ['"two"']
    world.agree()
    assert [world.ask(name, "TXT") for name in ("back", "new")] == [['"three"'], ['"three"']]
    assert not Finding.objects.exists()


def test_what_was_asked_for_during_a_look_is_ours_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass takes its number when it begins: what it sends may be more, under the number that was proved."""
    world.put(RecordChange("back", "TXT", ("one",)))
    world.agree()
    served = DynamicUpdate._served

    def while_somebody_asks(*given: Any) -> Any:
        world.put(RecordChange("back", "TXT", ("two",)))
        monkeypatch.undo()
        return served(*given)

    monkeypatch.setattr(DynamicUpdate, "_served", while_somebody_asks)
    world.others_write("theirs", "x")  # so that the zone is read
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, DynamicUpdate, "_send", after=True)
        assert world.reconcile() is Ending.BUG
    assert world.ask("back", "TXT") == ['"two"']
    world.put(RecordChange("back", "TXT", ("three",)))
    world.agree()
    assert world.ask("back", "TXT") == ['"three"']
    assert not Finding.objects.exists()


def test_a_server_that_is_away_or_has_another_time_is_written_to_later(world: World) -> None:
    world.put(RecordChange("late", "A", ("192.0.2.8",)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.kind, "_dial", dialled_nobody)
        assert world.reconcile() is Ending.RETRY
        assert world.target.runs.latest("pk").outcome == "primary-unreachable"
    real = time.time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: real() + 5000)
        patch.setattr("workers.zone.messages.time", lambda: real() + 5000)
        assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "clocks-differ"
    world.agree()
    assert world.ask("late", "A") == ["192.0.2.8"]


def test_an_answer_that_is_lost_is_looked_after_and_not_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []

    def lose(*given: Any, **named: Any) -> None:
        sent.append(given)
        update(*given, **named)
        raise wire.UnknownOutcome("No answer came.")

    monkeypatch.setattr("workers.zone.update", lose)
    world.put(RecordChange("once", "A", ("192.0.2.9",)))
    assert world.reconcile() is Ending.RETRY
    assert world.target.runs.latest("pk").outcome == "unknown-outcome"
    world.agree()
    assert len(sent) == 1
    assert world.ask("once", "A") == ["192.0.2.9"]


def dialled_nobody(*given: Any, **named: Any) -> Any:
    raise ConnectionRefusedError(111, "Connection refused")


def test_a_zone_that_is_not_served_there_holds_up_no_other(
    world: World, alice: Actor, organization: Organization
) -> None:
    elsewhere = domains.create_domain(actor=alice, organization=organization, name="elsewhere.example")
    other = zones.create_zone(actor=alice, domain=elsewhere, server=world.row)
    zone_proofs.record_ownership(actor=Actor.rookery(), zone=other, how="text")
    put(alice, again(other), *MAIL)
    world.put(RecordChange("two", "A", ("192.0.2.2",)))
    world.agree()
    assert world.ask("two", "A") == ["192.0.2.2"]
    finding = world.target.findings.get(unit="elsewhere.example")
    assert finding.kind == "unsafe"
    assert "Make the zone there first" in finding.sentence


def test_a_frozen_zone_is_left_as_it_is(world: World) -> None:
    world.put(RecordChange("ice", "A", ("192.0.2.1",)))
    world.agree()
    zones.freeze_zone(actor=world.alice, zone=again(world.zone), frozen=True)
    before = served_serial(world.server, world.name).serial
    world.others_write("water", "melts")
    world.agree()
    assert served_serial(world.server, world.name).serial != before
    assert again(world.zone).served_serial == served_serial(world.server, world.name).serial


def test_a_zone_moves_to_a_repository_and_back_and_nothing_is_lost(
    world: World, organization: Organization, tmp_path: Path
) -> None:
    zone, serial = again(world.zone), served_serial(world.server, world.name).serial or 0
    held = {(row.owner, row.type): row.digest for row in zone.record_sets.all()}
    with connected(world.alice, organization, tmp_path) as git:
        assert git.reconcile() is Ending.STOPPED
        git.running.restart()
        git.agree()
        zone_places.move_zone(actor=world.alice, zone=zone, repository=git.repository)
        git.agree()
        assert git.ask(f"mail.{zone.name}", "A") == world.ask("mail", "A") != []
        assert git.ask(zone.name, "MX") == world.ask("@", "MX")
        assert git.serial(zone.name) > serial
        world.agree()  # the server has no zone of ours any more, and is left alone
        assert served_serial(world.server, world.name).serial == serial
        rows = again(zone).record_sets.all()
        assert {(row.owner, row.type): row.proved for row in rows} == held
        zone_places.move_zone(actor=world.alice, zone=again(zone), server=world.row)
        world.agree()
        git.agree()
        assert git.ask(f"mail.{zone.name}", "A") != []
    assert served_serial(world.server, world.name).serial == serial, "both had the same"
    world.put(RecordChange("moved", "A", ("192.0.2.99",)))
    world.agree()
    assert world.ask("moved", "A") == ["192.0.2.99"]
