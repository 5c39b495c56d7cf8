"""One rule of a chain of ours, in the very words of `iptables-save`.

Whatever we write reads back the same, so a difference is a difference. Chains are Rookery's own; built-in
ones only get a jump into them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from tenants.formats.text import FormatError, printable

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

PREFIX = "ROOKERY-"
"""Every chain whose name begins so is ours; iptables allows names of 28 characters."""
LONGEST_NOTE = 120
_NOTE = re.compile(r"[A-Za-z0-9 ._:/@-]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
_MOST_WORDS = 40
_LONGEST = 1000
_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')


class Chain(Enum):
    """Our chains: table, name, and the built-in chains that jump to it."""

    FORWARD = ("filter", "ROOKERY-FORWARD", ("FORWARD",))
    INPUT = ("filter", "ROOKERY-INPUT", ("INPUT",))
    OWNER = ("filter", "ROOKERY-OWNER", ())
    DNAT = ("nat", "ROOKERY-DNAT", ("PREROUTING", "OUTPUT"))
    SNAT = ("nat", "ROOKERY-SNAT", ("POSTROUTING",))

    def __init__(self, table: str, label: str, hooks: tuple[str, ...]) -> None:
        self.table = table
        self.label = label
        self.hooks = hooks


CHAINS: Mapping[str, Chain] = {chain.label: chain for chain in Chain}
TABLES = ("filter", "nat")
"""In the order in which they are written: first new connections are allowed, then they are sent there."""


class Target(Enum):
    """What happens to a packet; NOTHING only counts it."""

    ACCEPT = "ACCEPT"
    DROP = "DROP"
    REJECT = "REJECT"
    RETURN = "RETURN"
    DNAT = "DNAT"
    SNAT = "SNAT"
    MASQUERADE = "MASQUERADE"
    NOTHING = ""


class State(Enum):
    """Of the connection that a packet belongs to."""

    ANY = ""
    ESTABLISHED = "--ctstate RELATED,ESTABLISHED"
    FORWARDED = "--ctstate DNAT"
    NOT_FORWARDED = "! --ctstate DNAT"


_ALLOWED: Mapping[Chain, frozenset[Target]] = {
    Chain.FORWARD: frozenset({Target.ACCEPT, Target.DROP, Target.REJECT, Target.RETURN, Target.NOTHING}),
    Chain.INPUT: frozenset({Target.ACCEPT, Target.DROP, Target.REJECT, Target.RETURN, Target.NOTHING}),
    Chain.OWNER: frozenset({Target.NOTHING}),
    Chain.DNAT: frozenset({Target.DNAT, Target.RETURN, Target.ACCEPT}),
    Chain.SNAT: frozenset({Target.SNAT, Target.MASQUERADE, Target.RETURN, Target.ACCEPT}),
}


@dataclass(frozen=True)
class Rule:
    """A rule. Empty fields match everything; `to` is an address (SNAT) or `address:port` (DNAT)."""

    chain: Chain
    target: Target
    source: Network | None = None
    destination: Network | None = None
    from_interface: str = ""
    to_interface: str = ""
    protocol: str = ""
    port: int = 0
    state: State = State.ANY
    to: str = ""
    note: str = ""

    def __str__(self) -> str:
        return " ".join(self.words())

    @property
    def family(self) -> int | None:
        """4 or 6, or None for a rule that fits both."""
        named = next((each for each in (self.source, self.destination) if each), None)
        if named:
            return named.version
        if self.to:
            return ip_address(_host_of(self.to)).version
        return {"icmp": 4, "ipv6-icmp": 6}.get(self.protocol)

    def words(self, family: int = 4) -> tuple[str, ...]:
        """The rule after `-A CHAIN`, as `iptables-save` prints it."""
        words: list[str] = []
        for flag, network in (("-s", self.source), ("-d", self.destination)):
            if network and network.prefixlen:
                words += [flag, str(network)]
        for flag, name in (("-i", self.from_interface), ("-o", self.to_interface), ("-p", self.protocol)):
            if name:
                words += [flag, name]
        if self.port:
            words += ["-m", self.protocol, "--dport", str(self.port)]
        if self.state is not State.ANY:
            words += ["-m", "conntrack", *self.state.value.split()]
        if self.note:
            words += ["-m", "comment", "--comment", _quoted(self.note)]
        if self.target is not Target.NOTHING:
            words += ["-j", self.target.value, *self._how(family)]
        return tuple(words)

    def _how(self, family: int) -> tuple[str, ...]:
        match self.target:
            case Target.DNAT:
                return ("--to-destination", self.to)
            case Target.SNAT:
                return ("--to-source", self.to)
            case Target.REJECT:
                kind = "icmp6" if (self.family or family) == 6 else "icmp"
                return ("--reject-with", f"{kind}-port-unreachable")
            case _:
                return ()


def check_rule(rule: Rule) -> Rule:
    """Return a rule that iptables takes and prints unchanged. Raises FormatError with the wrong field."""
    if not rule.words():
        raise FormatError("target", "The rule says nothing at all.", "Give it a target or a note.")
    if rule.target not in _ALLOWED[rule.chain]:
        problem = f"{rule.target.value or 'Nothing'} is not done in {rule.chain.label}."
        raise FormatError("target", problem, "Use another target.")
    _check_note(rule.note)
    _check_protocol(rule)
    _check_interfaces(rule)
    _check_target(rule)
    _check_family(rule)
    return rule


def _check_note(note: str) -> None:
    if not _NOTE.fullmatch(note) or len(note) > LONGEST_NOTE or note != note.strip():
        fix = f"Use at most {LONGEST_NOTE} letters, digits and . _ : / @ -"
        raise FormatError("note", "The note cannot be kept.", fix)


def _check_protocol(rule: Rule) -> None:
    if rule.protocol not in {"", "tcp", "udp", "icmp", "ipv6-icmp"}:
        problem = f"“{printable(rule.protocol, 20)}” is no protocol that is known here."
        raise FormatError("protocol", problem, "Use tcp or udp.")
    if rule.port and (rule.protocol not in {"tcp", "udp"} or not 0 < rule.port < 65536):
        raise FormatError("port", "The port does not fit.", "Use 1 to 65535, with tcp or udp.")


def _check_interfaces(rule: Rule) -> None:
    named = {"from_interface": rule.from_interface, "to_interface": rule.to_interface}
    for field, name in named.items():
        if name and not _INTERFACE.fullmatch(name):
            problem = f"“{printable(name, 40)}” is no interface."
            raise FormatError(field, problem, "Use at most 15 letters, digits, . _ -")
    fix = "Leave that interface out."
    if rule.to_interface and rule.chain in {Chain.INPUT, Chain.DNAT}:
        raise FormatError("to_interface", f"In {rule.chain.label} no way out is known yet.", fix)
    if rule.from_interface and rule.chain in {Chain.SNAT, Chain.DNAT}:
        # DNAT is also entered from OUTPUT, where nothing came in.
        raise FormatError("from_interface", f"In {rule.chain.label} no way in is known.", fix)


def _check_target(rule: Rule) -> None:
    wants_address = rule.target in {Target.DNAT, Target.SNAT}
    if wants_address != bool(rule.to):
        problem = "The new address is missing, or there for nothing."
        raise FormatError("to", problem, "DNAT and SNAT need one.")
    if rule.target is Target.SNAT and not _is_address(rule.to):
        raise FormatError("to", "SNAT needs one address.", "Write it without a port.")
    if rule.target is Target.DNAT and not _is_endpoint(rule.to, with_port=bool(rule.port)):
        problem = "DNAT needs an address and, with a port, a port."
        raise FormatError("to", problem, "Write it like 10.0.0.9:25.")


def _check_family(rule: Rule) -> None:
    networks = {"source": rule.source, "destination": rule.destination}
    versions = {field: each.version for field, each in networks.items() if each}
    if rule.to:
        versions["to"] = ip_address(_host_of(rule.to)).version
    if len(set(versions.values())) > 1:
        last = list(versions)[-1]
        raise FormatError(last, "IPv4 and IPv6 are mixed.", "Use addresses of one kind.")


def read_rule(chain: Chain, text: str) -> Rule | None:
    """Return the rule behind `-A CHAIN ` in a line of `iptables-save`, or None: it is none of ours."""
    # What this reads wrongly is not written back the same, and so is none of ours.
    words = [quoted or bare for quoted, bare in _WORD.findall(text[:_LONGEST])]
    if len(words) > _MOST_WORDS:
        return None
    found = Rule(chain, Target.NOTHING)
    rest = iter(words)
    try:
        for word in rest:
            negated = word == "!"
            found = _READERS[next(rest) if negated else word](found, rest, negated)
        check_rule(found)
    except (KeyError, StopIteration, ValueError):  # FormatError too
        return None
    return found if any(text == " ".join(found.words(family)) for family in (4, 6)) else None


def endpoint(address: Address, port: int) -> str:
    """`10.0.0.9:25`, `[2001:db8::9]:25`, or the address alone without a port."""
    host = f"[{address}]" if address.version == 6 and port else str(address)
    return f"{host}:{port}" if port else host


def _is_address(text: str) -> bool:
    try:
        return str(ip_address(text)) == text
    except ValueError:
        return False


def _is_endpoint(text: str, *, with_port: bool) -> bool:
    if not with_port:
        return _is_address(text)
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not _is_address(bare) or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        return False
    return endpoint(ip_address(bare), int(port)) == text


def _host_of(to: str) -> str:
    if to.startswith("["):
        return to[1:].partition("]")[0]
    return to.partition(":")[0] if to.count(":") == 1 else to


def _quoted(note: str) -> str:
    return note if _BARE.fullmatch(note) else f'"{note}"'


def _network(name: str) -> Callable[[Rule, Iterator[str], bool], Rule]:
    def read(rule: Rule, rest: Iterator[str], negated: bool) -> Rule:
        found = ip_network(_plain(rest, negated))
        return replace(rule, source=found) if name == "source" else replace(rule, destination=found)

    return read


def _plain(rest: Iterator[str], negated: bool) -> str:
    if negated:
        raise ValueError("we negate nothing but a state")
    return next(rest)


def _match(rule: Rule, rest: Iterator[str], negated: bool) -> Rule:
    """`-m tcp`, `-m comment`: the words behind say the rest."""
    if _plain(rest, negated) not in {"tcp", "udp", "conntrack", "comment"}:
        raise ValueError("we use no other match")
    return rule


def _state(rule: Rule, rest: Iterator[str], negated: bool) -> Rule:
    return replace(rule, state=State(f"{'! ' if negated else ''}--ctstate {next(rest)}"))


_READERS: Mapping[str, Callable[[Rule, Iterator[str], bool], Rule]] = {
    "-s": _network("source"),
    "-d": _network("destination"),
    "-i": lambda rule, rest, negated: replace(rule, from_interface=_plain(rest, negated)),
    "-o": lambda rule, rest, negated: replace(rule, to_interface=_plain(rest, negated)),
    "-p": lambda rule, rest, negated: replace(rule, protocol=_plain(rest, negated)),
    "-m": _match,
    "--dport": lambda rule, rest, negated: replace(rule, port=int(_plain(rest, negated))),
    "--ctstate": _state,
    "--comment": lambda rule, rest, negated: replace(rule, note=_plain(rest, negated)),
    "-j": lambda rule, rest, negated: replace(rule, target=Target(_plain(rest, negated))),
    "--to-destination": lambda rule, rest, negated: replace(rule, to=_plain(rest, negated)),
    "--to-source": lambda rule, rest, negated: replace(rule, to=_plain(rest, negated)),
    "--reject-with": lambda rule, rest, negated: (_plain(rest, negated), rule)[1],
}
