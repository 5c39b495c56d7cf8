"""Two organizations on one host, each with a mail stack, and rules by hand."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from tenants.formats.firewall.by_hand import RuleByHand, check_by_hand
from tenants.formats.firewall.intent import (
    Bridge,
    GitAccess,
    Intent,
    Outward,
    Publish,
    Reach,
    SendFrom,
    merge,
)

PUBLIC = {"one.example": IPv4Address("192.0.2.1"), "two.example": IPv4Address("192.0.2.2")}


def bridge(number: int, *, outward: bool = True) -> Bridge:
    owner = list(PUBLIC)[number]
    subnet = IPv4Network(f"10.0.{number}.0/24")
    return Bridge(owner, f"br{number}", subnet, subnet.network_address + 1, outward)


def host_of(number: int, last: int) -> IPv4Address:
    return IPv4Address(f"10.0.{number}.{last}")


def publish(number: int, port: int, last: int, *, protocol: str = "tcp") -> Publish:
    owner = list(PUBLIC)[number]
    return Publish(owner, f"port {port}", PUBLIC[owner], protocol, port, host_of(number, last), port)


def two_stacks(receiver: int = 9) -> Intent:
    return Intent(
        bridges=(bridge(0), bridge(1, outward=False)),
        published=(
            *(publish(number, 25, receiver) for number in (0, 1)),
            *(publish(number, 465, 7) for number in (0, 1)),
            *(publish(0, 53, 3, protocol=protocol) for protocol in ("tcp", "udp")),
        ),
        senders=tuple(
            SendFrom(owner, host_of(number, 5), PUBLIC[owner]) for number, owner in enumerate(PUBLIC)
        ),
        outward=(Outward("two.example", "relay", host_of(1, 5), "tcp", 25),),
        git=tuple(
            GitAccess(owner, "relay reads users", host_of(number, 5)) for number, owner in enumerate(PUBLIC)
        ),
        reaches=(Reach("two.example", "resolver", "br1", host_of(0, 2), "udp", 53),),
        by_hand=(
            check_by_hand(RuleByHand("input", source="203.0.113.0/24", verdict="drop", note="a nuisance")),
            check_by_hand(
                RuleByHand(
                    "dnat",
                    destination="192.0.2.1",
                    protocol="tcp",
                    port=8443,
                    to_address="10.0.0.20",
                    to_port=443,
                )
            ),
            check_by_hand(RuleByHand("forward", protocol="ipv6-icmp", verdict="reject")),
        ),
    )


def many_stacks(count: int, receiver: int = 9) -> Intent:
    """As many organizations, each with a mail stack on a bridge and a public address of its own: 21 rules
    each, and a few for all."""
    return merge(_stack(number, receiver) for number in range(count))


def _stack(number: int, receiver: int) -> Intent:
    owner, public = f"stack{number}.example", IPv4Address("198.18.0.1") + number
    subnet = IPv4Network((int(IPv4Address("10.0.0.0")) + 256 * number, 24))
    first = subnet.network_address
    ports = (("tcp", 25, receiver), ("tcp", 465, 7), ("tcp", 53, 3), ("udp", 53, 3))
    return Intent(
        bridges=(Bridge(owner, f"br{number}", subnet, first + 1, outward=False),),
        published=tuple(
            Publish(owner, f"port {port}", public, protocol, port, first + last, port)
            for protocol, port, last in ports
        ),
        senders=(SendFrom(owner, first + 5, public),),
        outward=(
            Outward(owner, "relay", first + 5, "tcp", 25),
            Outward(owner, "resolver", first + 2, "udp", 53),
        ),
        git=tuple(
            GitAccess(owner, f"{role} reads users", first + last)
            for role, last in (("relay", 5), ("submission", 7))
        ),
    )
