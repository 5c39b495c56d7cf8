"""Real connections through the rules: between stacks of one host, and from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tenants.formats.firewall.rules import Chain
from tests.firewall.conftest import Namespace
from tests.firewall.examples import two_stacks
from tests.firewall.world import OUTSIDE, World, connect, listening

pytestmark = pytest.mark.debian


@pytest.fixture(params=["nft, 0", "nft, 1", "legacy, 0", "legacy, 1"])
def world(request: pytest.FixtureRequest, new_namespace: Callable[[], Namespace]) -> Iterator[World]:
    back_end, calls = request.param.split(", ")
    made = World(new_namespace, back_end, bridge_calls=calls == "1")
    made.host.run("iptables-" + back_end, "-P", "FORWARD", "DROP")  # as Docker leaves it
    made.apply(two_stacks())
    with ExitStack() as servers:
        for number, name in ((0, "one"), (1, "two")):
            receiver = made.unikernel(f"10.0.{number}.9")
            servers.enter_context(listening(receiver, 25, name))
        servers.enter_context(listening(made.unikernel("10.0.0.5"), 25, "relay of one"))
        servers.enter_context(listening(made.host, 22, "sshd"))
        servers.enter_context(listening(made.host, 8080, "panel"))
        servers.enter_context(listening(made.outside, 25, "outside"))
        yield made


def test_who_reaches_whom(world: World) -> None:
    relay_one, relay_two = world.unikernel("10.0.0.5"), world.unikernel("10.0.1.5")
    receiver_one, receiver_two = world.unikernel("10.0.0.9"), world.unikernel("10.0.1.9")

    # Mail between stacks of one host, and to oneself: the receiver sees the sender's public address.
    assert connect(relay_one, "192.0.2.2", 25) == "two 192.0.2.1"
    assert connect(relay_two, "192.0.2.1", 25) == "one 192.0.2.2"
    assert connect(relay_one, "192.0.2.1", 25) == "one 192.0.2.1"

    # The Internet: both ways with the addresses that SPF is about.
    assert connect(world.outside, "192.0.2.1", 25) == f"one {OUTSIDE}"
    assert connect(world.outside, "192.0.2.2", 25) == f"two {OUTSIDE}"
    assert connect(relay_one, OUTSIDE, 25) == "outside 192.0.2.1"
    assert connect(relay_two, OUTSIDE, 25) == "outside 192.0.2.2"
    assert connect(world.host, "192.0.2.1", 25).startswith("one ")

    # Neighbours keep their addresses; the other organization is out of reach.
    assert connect(receiver_one, "10.0.0.5", 25) == "relay of one 10.0.0.9"
    assert connect(receiver_two, "10.0.0.5", 25).startswith("no ")
    assert connect(relay_two, "10.0.0.9", 25).startswith("no ")
    assert connect(relay_one, "10.0.1.9", 25).startswith("no ")

    # Of the host, git only, and only for those that need it.
    assert connect(relay_one, "10.0.0.1", 22) == "sshd 10.0.0.5"
    assert connect(receiver_one, "10.0.0.1", 22).startswith("no ")
    assert connect(relay_one, "10.0.0.1", 8080).startswith("no ")
    assert connect(relay_one, "192.0.2.1", 22).startswith("no ")
    assert connect(world.outside, "192.0.2.1", 22).startswith("sshd")

    # On the closed bridge only the relay speaks to the Internet.
    assert connect(receiver_two, OUTSIDE, 25).startswith("no ")
    assert connect(receiver_one, OUTSIDE, 25) == "outside 192.0.2.1"

    # Only now is there something to count: what each rule decided, in first packets of connections.
    counted = {
        text: counter.packets
        for chain in (Chain.DNAT, Chain.SNAT)
        for text, counter in zip(
            world.iptables.saved().chains[chain], world.iptables.saved().counters[chain], strict=True
        )
    }

    def packets(*parts: str) -> int:
        [found] = [text for text in counted if all(f"{part} " in f"{text} " for part in parts)]
        return counted[found]

    assert packets("-d 192.0.2.1/32", "--dport 25") == 4  # two relays, outside, the host
    assert packets("-d 192.0.2.2/32", "--dport 25") == 2
    assert packets("-d 192.0.2.1/32", "-p udp", "--dport 53") == 0
    assert packets("-s 10.0.0.5/32", "--to-source 192.0.2.1") == 3
    assert packets("-s 10.0.1.5/32", "--to-source 192.0.2.2") == 2
