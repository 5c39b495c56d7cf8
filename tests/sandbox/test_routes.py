"""Where the sandbox's relays bring mail."""

from __future__ import annotations

from pathlib import Path

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tenants.formats.mailbox_syntax import Name
from workers.sandbox.certificates import Authority
from workers.sandbox.delegation import Resolved
from workers.sandbox.expansion import Group
from workers.sandbox.names import HostedView
from workers.sandbox.routes import Routes, Stacks

STACK, PUBLIC = "stack.example", "192.0.2.7"
RECORDS = {
    (STACK, "MX"): ["20 elsewhere.example.", f"10 {STACK}."],
    (STACK, "A"): [PUBLIC],
    ("silent.example", "MX"): [],
}


class Here:
    """A sandbox with one mail stack and one domain of its own."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.stacks: Stacks | None = self

    def resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Resolved | None:
        found = RECORDS.get((name.to_text(omit_final_dot=True), dns.rdatatype.to_text(kind)))
        if found is None:
            return None
        sets = [dns.rrset.from_text_list(name, 60, "IN", kind, found)] if found else []
        return Resolved(dns.rcode.NOERROR, sets)

    resolve_here = resolve

    def door(self, public: str, port: int) -> tuple[str, int] | None:
        return ("127.77.0.7", 1025) if (public, port) == (PUBLIC, 25) else None

    def exchanger(self, domain: str) -> tuple[str, int] | None:
        return ("127.0.10.21", 1025) if domain == "our.test" else None


def group(mx: str, domain: str) -> Group:
    return Group(mx, Name(tuple(domain.encode().split(b"."))), ())


def test_mail_for_a_stack_goes_to_its_public_address_with_tls(tmp_path: Path) -> None:
    routes = Routes(Here(tmp_path), HostedView())
    assert routes.mx_of(STACK.upper()) == PUBLIC
    way = routes.way(group(PUBLIC, STACK))
    assert way is not None
    assert (way.host, way.port) == ("127.77.0.7", 1025)
    assert way.trust is not None


def test_other_mail_goes_as_ever(tmp_path: Path) -> None:
    routes = Routes(Here(tmp_path), HostedView())
    assert routes.mx_of("far.example") == HostedView().mx_of("far.example")
    assert routes.mx_of("silent.example") is None
    own = routes.way(group("127.1.2.3", "our.test"))
    assert own is not None
    assert (own.host, own.trust) == ("127.0.10.21", None)
    assert routes.way(group("127.1.2.3", "far.example")) is None
