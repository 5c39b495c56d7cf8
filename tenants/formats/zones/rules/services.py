"""SVCB and HTTPS records that can be published: RFC 9460 as far as the primary keeps to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tenants.formats.text import printable
from tenants.formats.zones.data.services import (
    SVCB,
    Alpn,
    Ipv4Hint,
    Ipv6Hint,
    KeyValue,
    Mandatory,
    NoDefaultAlpn,
    Port,
)
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import Dialect
from tenants.formats.zones.rules.names import Refusal, host_refusal, name_refusal

__all__ = ["service_refusals"]

_PROTOCOL = re.compile(rb"[A-Za-z0-9./_+-]{1,255}")
_VALUE = re.compile(rb"[!#-'*-:<>-\[\]-~]{1,1000}")


def service_refusals(data: SVCB, where: tuple[Name, tuple[Dialect, ...]]) -> Iterator[Refusal]:
    """Yield why a service record cannot be published."""
    if not 0 <= data.priority <= 65535:
        yield (f"The priority must be from 0 to 65535, not {data.priority}.", "Correct the number.")
    if not data.target.labels:
        yield (
            (
                "A target that is only a dot becomes nothing when the primary writes the zone back, and then"
                " it cannot read the file."
            ),
            "Name the host itself as the target: it means the same."
            if data.priority
            else "Remove the record: then there is no such service.",
        )
    elif refusal := name_refusal(data.target, *where) or host_refusal(data.target):
        yield refusal
    if data.priority == 0 and data.parameters:
        yield ("An alias (priority 0) has no parameters.", "Remove them, or choose priority 1.")
    numbers = [item.number for item in data.parameters]
    if numbers != sorted(set(numbers)):
        yield ("The parameters must be in the order of their keys, none twice.", "Sort them.")
    for item in data.parameters:
        yield from _parameter(item, set(numbers))


def _parameter(item: object, numbers: set[int]) -> Iterator[Refusal]:
    match item:
        case Port():
            yield (
                "The primary writes “port” back as something that it cannot read.",
                "Leave the port out, or run the service on its usual port.",
            )
        case Alpn(protocols) if not protocols or not all(map(_PROTOCOL.fullmatch, protocols)):
            yield ("Protocols are names such as h2 and h3.", "Write for example alpn=h2,h3.")
        case NoDefaultAlpn() if 1 not in numbers:
            yield ("“no-default-alpn” needs “alpn” beside it.", "Add alpn, or remove no-default-alpn.")
        case Ipv4Hint(addresses) | Ipv6Hint(addresses) if not addresses:
            yield ("A hint needs an address.", "Add an address, or remove the hint.")
        case Mandatory(keys) if (
            not keys or 0 in keys or set(keys) - numbers or list(keys) != sorted(set(keys))
        ):
            yield (
                "“mandatory” names keys that the record has, each once.",
                "List only parameters given here.",
            )
        case KeyValue(number, value):
            if not 7 <= number <= 65534:
                yield (f"key{number} must be written with its own name, or does not exist.", "Remove it.")
            if not _VALUE.fullmatch(value):
                yield (
                    (
                        f"The value of key{number} has characters that the primary does not keep:"
                        f" {printable(value, 60)}."
                    ),
                    "Use letters, digits and plain signs only.",
                )
        case _:
            pass
