"""Whose a domain is: by a TXT record, by the delegation above, or not proved."""

from __future__ import annotations

from workers.lookups.ownership import Owned, find_owner
from workers.lookups.rules import Record, Reply, Status

CHALLENGE = "rookery-abc"


class World:
    """Answers by (name, kind); what is not there has no data. `asked` are servers above."""

    def __init__(self, **answers: Reply) -> None:
        self.answers = {tuple(key.split("|")): value for key, value in answers.items()}
        self.asked: list[str] = []
        self.delegated: frozenset[str] = frozenset()

    def ask(self, name: str, kind: str, seconds: float) -> Reply:
        assert seconds > 0
        return self.answers.get((name, kind), Reply(Status.NO_DATA))

    def referral(self, address: str, domain: str, seconds: float) -> frozenset[str]:
        self.asked.append(address)
        return self.delegated

    def owner(self, *servers: str, domain: str = "example.org") -> Owned:
        return find_owner(domain, CHALLENGE, servers, self, self.referral, lambda: 0.0)


def data(*records: Record) -> Reply:
    return Reply(Status.DATA, records)


ABOVE = {
    "org|NS": data(Record("ns.registry.example")),
    "ns.registry.example|A": data(Record("192.0.2.5")),
}


def test_the_text_proves_it() -> None:
    world = World(**{"_rookery.example.org|TXT": data(Record(data=b"x"), Record(data=b"rookery-abc"))})
    assert world.owner() == Owned("text")
    assert world.asked == []


def test_another_text_does_not() -> None:
    world = World(**{"_rookery.example.org|TXT": data(Record(data=b"rookery-abcd"))})
    assert world.owner("ns1.example.org").how == ""


def test_the_delegation_to_one_of_its_servers_proves_it() -> None:
    world = World(**ABOVE)
    world.delegated = frozenset({"ns1.example.org", "ns6.gandi.net"})
    assert world.owner("ns1.example.org") == Owned("delegation")
    assert world.asked == ["192.0.2.5"]


def test_a_delegation_elsewhere_is_told() -> None:
    world = World(**ABOVE)
    world.delegated = frozenset({"ns1.old.example"})
    found = world.owner("ns1.example.org")
    assert found.how == ""
    assert "delegated to ns1.old.example" in found.problem


def test_the_nearest_zone_above_is_asked_and_no_other() -> None:
    world = World(
        **ABOVE,
        **{"b.org|NS": data(Record("ns.b.org")), "ns.b.org|A": data(Record("192.0.2.6"))},
    )
    assert world.owner("ns1.a.b.org", domain="a.b.org").how == ""
    assert world.asked == ["192.0.2.6"]


def test_silence_is_told_and_proves_nothing() -> None:
    failed = Reply(Status.FAILED, problem="nobody answered in time")
    world = World(**{"_rookery.example.org|TXT": failed, "org|NS": failed})
    found = world.owner("ns1.example.org")
    assert found.how == ""
    assert "nobody answered in time" in found.problem


def test_an_address_that_is_none_is_not_asked() -> None:
    world = World(**{**ABOVE, "ns.registry.example|A": data(Record("not an address"))})
    world.delegated = frozenset({"ns1.example.org"})
    assert world.owner("ns1.example.org").how == ""
    assert world.asked == []
