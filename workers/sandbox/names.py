"""The DNS of the sandbox: a small world in which every domain has a mail server, but for some that show what
can be wrong. Pure; the resolver serves it, and the relay delivers by it.

| domain                                        | what it shows                                           |
|-----------------------------------------------|---------------------------------------------------------|
| north.shared.example, south.shared.example    | one mail server for both: ptt's relay would mix them    |
| nomx.example                                  | an address but no MX                                    |
| nullmx.example                                | takes no mail (a null MX)                               |
| strict.example                                | asks that unproved mail in its name be refused (DMARC)  |
| silent.example                                | the name server answers with an error                   |
| block-list.example                            | a DNS block list, of which only the test entry is listed |
| everything below .invalid                     | does not exist                                          |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

SHARED = frozenset({"north.shared.example", "south.shared.example"})
NO_MX, NULL_MX, STRICT, SILENT = "nomx.example", "nullmx.example", "strict.example", "silent.example"
BLOCK_LIST = "block-list.example"
ROOT_SERVER = "ns.registry.example."
SPECIAL = (*sorted(SHARED), NO_MX, NULL_MX, STRICT, SILENT)


class Code(Enum):
    """How a question is answered."""

    FOUND = "NOERROR"
    NO_NAME = "NXDOMAIN"
    BROKEN = "SERVFAIL"


@dataclass(frozen=True)
class Said:
    """`records` as a zone file would have them, without names."""

    code: Code
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostedView:
    """Answers questions. `served` gives the loopback address of a domain that the sandbox itself serves."""

    served: Callable[[str], str | None] = field(default=lambda domain: None)

    def ask(self, name: str, kind: str) -> Said:
        """The records of `name` (lower case, no final dot)."""
        if name in {"", "."} and kind == "NS":
            return Said(Code.FOUND, (ROOT_SERVER,))
        if name == SILENT or name.endswith(f".{SILENT}"):
            return Said(Code.BROKEN)
        if name.rpartition(".")[2] == "invalid":
            return Said(Code.NO_NAME)
        if name.endswith(f".{BLOCK_LIST}"):
            return _entry(name.removesuffix(f".{BLOCK_LIST}"), kind)
        records = {"MX": self._exchanges, "A": self._addresses, "TXT": self._texts}.get(kind, lambda _: ())
        return Said(Code.FOUND, records(name))

    def mx_of(self, domain: str) -> str | None:
        """The address of a domain's mail server; None where ptt finds none. For the relay."""
        said = self.ask(domain.lower(), "MX")
        hosts = [record.split()[1].rstrip(".") for record in said.records]
        return self._addresses(hosts[0])[0] if hosts and hosts[0] else None

    def _exchanges(self, name: str) -> tuple[str, ...]:
        if name == NO_MX or name.startswith(("mx.", "_dmarc.")):
            return ()
        if name == NULL_MX:
            return ("0 .",)
        return ("10 mx.shared.example.",) if name in SHARED else (f"10 mx.{name}.",)

    def _addresses(self, name: str) -> tuple[str, ...]:
        if name.startswith("_"):
            return ()
        ours = self.served(name.removeprefix("mx."))
        return (ours or _made_up(name),)

    def _texts(self, name: str) -> tuple[str, ...]:
        return ('"v=DMARC1; p=reject"',) if name == f"_dmarc.{STRICT}" else ()


def _entry(address: str, kind: str) -> Said:
    """What the block list has at an address, written backwards: the entry for tests alone (RFC 5782 §5)."""
    if address != "2.0.0.127":
        return Said(Code.NO_NAME)
    return Said(Code.FOUND, {"A": ("127.0.0.2",), "TXT": ('"An entry for tests."',)}.get(kind, ()))


def _made_up(name: str) -> str:
    """An address of its own for every name, on this machine and beyond what the sandbox uses itself."""
    digest = hashlib.blake2b(name.encode(), digest_size=3).digest()
    return f"127.{128 | digest[0] & 127}.{digest[1]}.{digest[2]}"
