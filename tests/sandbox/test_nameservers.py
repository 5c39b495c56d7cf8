"""The sandbox's name servers together: zone.git, the primary, the zones above, and the resolver's view."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tenants.formats.zones.data.simple import A
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from workers.lookups import DnsResolver, Status
from workers.sandbox.client import ControlClient, SandboxRefusedError
from workers.sandbox.control import Addresses, Sandbox
from workers.sandbox.git_host import GitHost
from workers.zone import Change, Server, notify, parse_key, served_serial, transfer, update

ZONE = Name.of("handmade.example")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    addresses = Addresses(block=43, free_ports=True)
    host = GitHost(tmp_path / "repositories", addresses.git()[0])
    with Sandbox(
        tmp_path, git_host=host, repositories=tmp_path / "repositories", addresses=addresses
    ) as made:
        yield made


def primary_of(sandbox: Sandbox) -> Server:
    told = sandbox.status()["primary"]
    return Server(told["host"], told["port"])


def resolver_of(sandbox: Sandbox) -> DnsResolver:
    told = sandbox.status()["resolver"]
    return DnsResolver([(told["host"], told["port"])])


def ask_above(sandbox: Sandbox, name: str, kind: str) -> dns.message.Message:
    told = sandbox.status()["primary"]["registry"]
    return dns.query.udp(dns.message.make_query(name, kind), told["host"], port=told["port"], timeout=5)


def test_the_example_zone_is_served_and_resolved(sandbox: Sandbox) -> None:
    assert served_serial(primary_of(sandbox), ZONE).serial == 3
    resolver = resolver_of(sandbox)
    assert [found.text for found in resolver.ask("handmade.example", "MX", 5).records] == [
        "mx.handmade.example"
    ]
    assert (
        resolver.ask("www.handmade.example", "A", 5).records
        == resolver.ask("handmade.example", "A", 5).records
    )
    (exchanger,) = resolver.ask("mx.handmade.example", "A", 5).records
    told = sandbox.status()["resolver"]
    pointer = dns.message.make_query(IPv4Address(exchanger.text).reverse_pointer, "PTR")
    (called,) = dns.query.udp(pointer, told["host"], port=told["port"], timeout=5).answer
    assert str(called[0]) == "mx.handmade.example."
    assert resolver.ask("nothing.handmade.example", "A", 5).status is Status.NO_NAME
    assert resolver.ask("handmade.example", "AAAA", 5).status is Status.NO_DATA
    assert resolver.ask("home.example", "MX", 5).status is Status.DATA  # the rest of the toy world stays


def test_the_key_that_is_shown_works_and_is_not_in_the_status(sandbox: Sandbox) -> None:
    key = parse_key(sandbox.root_key())
    assert key.secret not in str(sandbox.status())
    new = Name.of("new.handmade.example")
    address = RecordSet(new, 300, [A(IPv4Address("127.200.1.2"))])
    update(primary_of(sandbox), ZONE, key, [Change(new, "A", (), address)])
    assert [found.text for found in resolver_of(sandbox).ask("new.handmade.example", "A", 5).records] == [
        "127.200.1.2"
    ]
    assert notify(primary_of(sandbox), ZONE, key).signed
    assert transfer(primary_of(sandbox), ZONE, key).sets[new, "A"] == address


def test_the_zone_above_refers_to_the_primary(sandbox: Sandbox) -> None:
    told = sandbox.status()["primary"]
    answer = ask_above(sandbox, "www.handmade.example", "A")
    assert not answer.answer
    assert [str(found) for found in answer.authority] == ["handmade.example. 300 IN NS ns1.handmade.example."]
    assert [str(found) for found in answer.additional] == [f"ns1.handmade.example. 300 IN A {told['host']}"]
    assert ask_above(sandbox, "nobody.example", "NS").rcode() == dns.rcode.NXDOMAIN
    assert not ask_above(sandbox, "handmade.example", "DS").answer
    (servers,) = ask_above(sandbox, "example", "NS").answer
    assert str(servers[0]) == "ns.registry.example."
    (found,) = resolver_of(sandbox).ask("ns.registry.example", "A", 5).records
    assert found.text == told["registry"]["host"]


def test_a_wrong_delegation_breaks_the_zone_and_can_be_taken_back(sandbox: Sandbox) -> None:
    client = ControlClient(sandbox.control_path)
    client.delegate(
        "handmade.example", {"ns1.handmade.example": ["127.99.99.99"], "ns.elsewhere.example": []}
    )
    assert resolver_of(sandbox).ask("handmade.example", "MX", 5).status is Status.FAILED
    assert len(ask_above(sandbox, "handmade.example", "NS").authority[0]) == 2
    client.delegate("handmade.example", None)
    assert resolver_of(sandbox).ask("handmade.example", "MX", 5).status is Status.DATA
    with pytest.raises(SandboxRefusedError, match="zone, servers"):
        client.delegate("handmade.example", {"ns1.handmade.example": ["not an address"]})


def test_a_dropped_zone_is_still_delegated_and_fails(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "repositories" / "zone.git"
    resolver = resolver_of(sandbox)
    assert resolver.ask("handmade.example", "MX", 5).status is Status.DATA
    work = tmp_path / "work"
    words = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*words, "clone", "-q", str(path), str(work)], check=True)
    (work / "handmade.example").write_text("$TTL 1h\n")
    subprocess.run([*words, "-C", str(work), "commit", "-qam", "x"], check=True)
    subprocess.run([*words, "-C", str(work), "push", "-q"], check=True, capture_output=True)
    notify(primary_of(sandbox), ZONE, parse_key(sandbox.root_key()))
    assert served_serial(primary_of(sandbox), ZONE).dropped
    assert resolver.ask("handmade.example", "MX", 5).status is Status.FAILED


def test_what_was_made_survives_a_restart(tmp_path: Path) -> None:
    addresses = Addresses(block=44, free_ports=True)
    keys = set()
    for expected in (3, 4):
        host = GitHost(tmp_path / "repositories", addresses.git()[0])
        with Sandbox(
            tmp_path, git_host=host, repositories=tmp_path / "repositories", addresses=addresses
        ) as made:
            keys.add(made.root_key())
            assert served_serial(primary_of(made), ZONE).serial == expected
            new = Name.of(f"n{expected}.handmade.example")
            address = RecordSet(new, 300, [A(IPv4Address("127.200.1.2"))])
            update(primary_of(made), ZONE, parse_key(made.root_key()), [Change(new, "A", (), address)])
            told = ControlClient(made.control_path).restart_primary()
            assert told["state"] == "running"
            assert served_serial(primary_of(made), ZONE).serial == expected + 1
    assert len(keys) == 1
