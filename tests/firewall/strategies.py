"""Rules as hypothesis draws them: everything that `check_rule` accepts."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from hypothesis import strategies as st

from tenants.formats.firewall.rules import Chain, Rule, State, Target, check_rule, endpoint
from tenants.formats.text import FormatError

_NETWORKS = st.builds(
    lambda number, length: IPv4Network((number, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
_NAMES = st.sampled_from(["", "", "br0", "br-x_1.5", "eth0"])
_NOTES = st.text("ABab01 ._:/@-", max_size=40).map(str.strip)
_TARGETS = {
    Chain.FORWARD: [Target.ACCEPT, Target.DROP, Target.REJECT, Target.RETURN, Target.NOTHING],
    Chain.DNAT: [Target.DNAT, Target.ACCEPT, Target.RETURN],
    Chain.SNAT: [Target.SNAT, Target.MASQUERADE, Target.ACCEPT, Target.RETURN],
}
_TARGETS[Chain.INPUT] = _TARGETS[Chain.FORWARD]


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    chain = draw(st.sampled_from(list(_TARGETS)))
    target = draw(st.sampled_from(_TARGETS[chain]))
    protocol = draw(st.sampled_from(["", "tcp", "udp", "icmp"]))
    port = draw(st.integers(1, 65535) | st.just(0)) if protocol in {"tcp", "udp"} else 0
    address = IPv4Address(draw(st.integers(2**24, 0xDFFFFFFF)))
    to = ""
    if target is Target.SNAT:
        to = str(address)
    elif target is Target.DNAT:
        to = endpoint(address, draw(st.integers(1, 65535)) if port else 0)
    rule = Rule(
        chain,
        target,
        source=draw(st.none() | _NETWORKS),
        destination=draw(st.none() | _NETWORKS),
        from_interface=draw(_NAMES) if chain in {Chain.FORWARD, Chain.INPUT} else "",
        to_interface=draw(_NAMES) if chain in {Chain.FORWARD, Chain.SNAT} else "",
        protocol=protocol,
        port=port,
        state=draw(st.sampled_from(State)),
        to=to,
        note=draw(_NOTES),
    )
    if not rule.words():
        rule = replace(rule, note="counted")
    try:
        return check_rule(rule)
    except FormatError as refused:
        raise AssertionError(f"{rule} was refused: {refused}") from refused


def many(count: int) -> tuple[Rule, ...]:
    """Forwarded ports, each another one."""
    return tuple(
        Rule(
            Chain.DNAT,
            Target.DNAT,
            destination=IPv4Network(f"192.0.2.{number % 250 + 1}"),
            protocol="tcp",
            port=1000 + number,
            to=f"10.0.0.9:{1000 + number}",
            note=f"rule {number}",
        )
        for number in range(count)
    )
