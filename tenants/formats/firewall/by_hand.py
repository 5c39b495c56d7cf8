"""Rules that operators write themselves: forwarding a port, a source address, letting through or not."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from tenants.formats.firewall.rules import Address, Chain, Network, Rule, Target, check_rule, endpoint
from tenants.formats.text import FormatError, printable

KINDS = ("dnat", "snat", "masquerade", "forward", "input")
"""Send a port elsewhere, give a source address, the host's own; let through; let in to the host."""
VERDICTS = {"accept": Target.ACCEPT, "drop": Target.DROP, "reject": Target.REJECT}


@dataclass(frozen=True)
class RuleByHand:
    """A rule as a form or a program sends it; empty means any."""

    kind: str
    source: str = ""
    destination: str = ""
    protocol: str = ""
    port: int = 0
    to_address: str = ""
    to_port: int = 0
    from_interface: str = ""
    to_interface: str = ""
    verdict: str = ""
    note: str = ""


def check_by_hand(given: RuleByHand) -> Rule:
    """Return the rule. Raises FormatError with the field of RuleByHand that is wrong."""
    if given.kind not in KINDS:
        raise FormatError(
            "kind", f"“{printable(given.kind, 20)}” is no kind of rule.", f"Use one of {', '.join(KINDS)}."
        )
    rule = Rule(
        chain=_CHAINS[given.kind],
        target=_target(given),
        source=_network(given.source, "source"),
        destination=_network(given.destination, "destination"),
        from_interface=given.from_interface,
        to_interface=given.to_interface,
        protocol=given.protocol,
        port=given.port,
        to=_to(given),
        note=given.note,
    )
    if given.kind == "dnat" and (rule.destination is None or not rule.port):
        raise FormatError(
            "destination" if rule.destination is None else "port",
            "A forwarded port needs the address and the port at which it is reached: without them every "
            "connection of the host would be taken.",
            "Write both.",
        )
    if given.kind in {"snat", "masquerade"} and rule.source is None:
        raise FormatError("source", "Whose address is changed is missing.", "Write a subnet or an address.")
    if given.kind == "input" and rule.target is not Target.ACCEPT and not _narrow(rule):
        raise FormatError(
            "source", "This would shut everybody out of the host.", "Name a source, a port or an interface."
        )
    try:
        return check_rule(rule)
    except FormatError as error:
        raise FormatError(_HERE.get(error.field, error.field), error.problem, error.fix) from error


# What a rule calls otherwise than a form does.
_HERE = {"target": "kind", "to": "to_address"}

_CHAINS = {
    "dnat": Chain.DNAT,
    "snat": Chain.SNAT,
    "masquerade": Chain.SNAT,
    "forward": Chain.FORWARD,
    "input": Chain.INPUT,
}


def _target(given: RuleByHand) -> Target:
    filters = given.kind in {"forward", "input"}
    if filters != bool(given.verdict) or (filters and given.verdict not in VERDICTS):
        fix = "Use accept, drop or reject." if filters else "Leave it out."
        raise FormatError("verdict", "The verdict does not fit this kind of rule.", fix)
    return VERDICTS[given.verdict] if filters else Target(given.kind.upper())


def _to(given: RuleByHand) -> str:
    if given.kind not in {"dnat", "snat"}:
        if given.to_address or given.to_port:
            raise FormatError("to_address", "This kind of rule changes no address.", "Leave it out.")
        return ""
    if given.kind == "snat" and given.to_port:
        raise FormatError("to_port", "A source address is given without a port.", "Leave it out.")
    if not 0 <= given.to_port < 65536:
        raise FormatError("to_port", f"{given.to_port} is no port.", "Use 1 to 65535.")
    address = _address(given.to_address)
    return endpoint(address, (given.to_port or given.port) if given.kind == "dnat" else 0)


def _address(text: str) -> Address:
    try:
        address = ip_address(text.strip())
    except ValueError as error:
        raise FormatError(
            "to_address", f"“{printable(text, 50)}” is no address.", "Write it like 10.0.0.9."
        ) from error
    if "%" in text:
        raise FormatError("to_address", "An address of a link cannot be used.", "Write another.")
    return address


def _network(text: str, field: str) -> Network | None:
    if not text.strip():
        return None
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise FormatError(
            field, f"“{printable(text, 50)}” is no address and no subnet.", "Write it like 192.0.2.0/24."
        ) from error


def _narrow(rule: Rule) -> bool:
    return bool((rule.source and rule.source.prefixlen) or rule.port or rule.from_interface)
