"""Zone transfer (AXFR, RFC 5936): everything that a server serves of a zone, at one moment.

ptt's primary leaves out the addresses of name servers outside the zone, and whatever lies at or below a
delegation but for NS and DS (see `merge.complete` of the formats).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from tenants.formats.text import FormatError
from tenants.formats.zones.bind.rdata import data_from_rdata, name_from_dnspython
from tenants.formats.zones.data.simple import Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import Key, RecordSet
from tenants.formats.zones.zone import Soa
from workers.zone.errors import Garbled, TooMuch, Unreachable
from workers.zone.keys import TsigKey, signer
from workers.zone.messages import dns_name
from workers.zone.outcomes import Asked
from workers.zone.server import Deadline, Server, opened, reason
from workers.zone.signatures import Signatures, Verifier

__all__ = ["Limits", "Signatures", "Transferred", "transfer"]

_MOST_STRANGE = 50


@dataclass(frozen=True)
class Limits:
    """The most that one transfer may cost: bytes on the wire, records, messages, and seconds in all."""

    octets: int = 64 << 20
    records: int = 500_000
    messages: int = 100_000
    seconds: float = 120.0


@dataclass(frozen=True)
class Transferred:
    """A zone as a server serves it.

    `sets` are its record sets by (owner, type) without the SOA. `exact` has the same, the SOA and whatever
    else came, as the rdata on the wire (names not compressed, sorted): what a prerequisite is compared with,
    for two servers may cut the same text into different strings. `strange` are sentences about records that
    came and are not in `sets`. `signatures` tells how the transfer was signed.
    """

    zone: Name
    soa: Soa
    sets: Mapping[Key, RecordSet]
    exact: Mapping[Key, tuple[bytes, ...]] = field(repr=False)
    strange: tuple[str, ...] = ()
    signatures: Signatures = Signatures.NONE
    octets: int = 0
    messages: int = 0

    def seen(self, owner: Name, record_type: str) -> tuple[bytes, ...]:
        """Return a set as it is there, for `Change.before` and `Requirement.exact`; empty: there is none."""
        return self.exact.get((owner, record_type), ())


def transfer(server: Server, zone: Name, key: TsigKey | None, limits: Limits | None = None) -> Transferred:
    """Return the whole zone, over TCP; unsigned when `key` is None.

    Signatures may be chained (RFC 8945 §5.3.1) or each stand alone, as ptt's primary makes them. Then an
    attacker on the way could leave out or reorder whole messages of a long transfer, but change nothing.
    Raises Refusals (NOTAUTH or REFUSED: not with this key, or not served), Garbled, TooMuch, Unproved,
    Unreachable and NotSendable.
    """
    limits = limits or Limits()
    asked = Asked.about(server, "transfer", zone)
    query = dns.message.make_query(dns_name(zone), dns.rdatatype.AXFR)
    query.flags &= ~dns.flags.RD
    signing = signer(key) if key else None
    if signing:
        query.use_tsig(signing)
    wire = query.to_wire()
    verifier = Verifier(query, signing, asked)
    gathering = _Gathering(zone, limits)
    deadline = Deadline(limits.seconds)
    try:
        with opened(server, deadline) as stream:
            stream.send(wire)
            while not gathering.complete:
                answer = stream.receive()
                gathering.count(len(answer))
                gathering.take(verifier.read(answer))
    except TimeoutError as problem:
        raise Unreachable(
            f"The transfer of {zone.short} from {server} took longer than {limits.seconds:g} seconds."
        ) from problem
    except OSError as problem:
        raise Unreachable(
            f"The transfer of {zone.short} from {server} broke: {reason(problem)}."
        ) from problem
    return gathering.result(verifier.finish())


@dataclass
class _Gathering:
    """The records of a transfer while they come in."""

    zone: Name
    limits: Limits
    octets: int = 0
    messages: int = 0
    records: int = 0
    soa: Soa | None = None
    complete: bool = False
    exact: dict[Key, list[bytes]] = field(default_factory=dict)
    data: dict[Key, list[Data]] = field(default_factory=dict)
    ttls: dict[Key, int] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    _names: dict[dns.name.Name, Name] = field(default_factory=dict)

    def count(self, octets: int) -> None:
        self.messages += 1
        self.octets += octets
        if self.octets > self.limits.octets:
            raise TooMuch(f"The transfer of {self.zone.short} has more than {self.limits.octets} bytes.")
        if self.messages > self.limits.messages:
            raise TooMuch(f"The transfer of {self.zone.short} has more than {self.limits.messages} messages.")

    def take(self, message: dns.message.Message) -> None:
        for owner, ttl, rdata in _records(message):
            if self.complete:
                raise Garbled(f"Records follow after the end of the transfer of {self.zone.short}.")
            self.records += 1
            if self.records > self.limits.records:
                raise TooMuch(
                    f"The transfer of {self.zone.short} has more than {self.limits.records} records."
                )
            self._record(self._name(owner), ttl, rdata)
        if self.soa is None:
            raise Garbled(f"The transfer of {self.zone.short} does not begin with its SOA.")

    def _record(self, owner: Name, ttl: int, rdata: dns.rdata.Rdata) -> None:
        if rdata.rdclass != dns.rdataclass.IN:
            raise Garbled(f"The transfer of {self.zone.short} holds a record of another class than IN.")
        is_soa = rdata.rdtype == dns.rdatatype.SOA
        if self.soa is None or is_soa:
            self._boundary(owner, rdata, is_soa=is_soa)
            return
        try:
            data = data_from_rdata(rdata)
        except (FormatError, ValueError, TypeError) as error:
            self._remark(f"{owner.short} {dns.rdatatype.to_text(rdata.rdtype)}: {error}")
            self._keep(owner, dns.rdatatype.to_text(rdata.rdtype), rdata)
            return
        key = self._keep(owner, data.type, rdata) if not isinstance(data, Soa) else None
        if key is None or isinstance(data, Soa):
            return
        if not owner.within(self.zone):
            self._remark(f"{owner.short} lies outside {self.zone.short}.")
            return
        self.ttls.setdefault(key, ttl)
        self.data.setdefault(key, []).append(data)

    def _boundary(self, owner: Name, rdata: dns.rdata.Rdata, *, is_soa: bool) -> None:
        """The SOA that begins and ends a transfer."""
        if not is_soa or owner != self.zone:
            raise Garbled(f"The transfer of {self.zone.short} has an SOA where none belongs, or none.")
        try:
            soa = data_from_rdata(rdata)
        except (FormatError, ValueError):
            raise Garbled(f"The SOA of {self.zone.short} cannot be read.") from None
        if self.soa is None and isinstance(soa, Soa):
            self.soa = soa
            self._keep(owner, "SOA", rdata)
        elif isinstance(soa, Soa) and self.soa and soa.serial == self.soa.serial:
            self.complete = True
        else:
            raise Garbled(
                f"The serial of {self.zone.short} changed in the middle of its transfer.", "Try again."
            )

    def _keep(self, owner: Name, record_type: str, rdata: dns.rdata.Rdata) -> Key:
        key = (owner, record_type)
        self.exact.setdefault(key, []).append(rdata.to_wire() or b"")
        return key

    def _name(self, name: dns.name.Name) -> Name:
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = name_from_dnspython(name)
        return found

    def _remark(self, sentence: str) -> None:
        if len(self.strange) < _MOST_STRANGE:
            self.strange.append(sentence)

    def result(self, signatures: Signatures) -> Transferred:
        if self.soa is None:
            raise Garbled(f"The transfer of {self.zone.short} holds nothing.")
        sets = {key: RecordSet(key[0], self.ttls[key], data) for key, data in self.data.items()}
        exact = {key: tuple(sorted(set(wires))) for key, wires in self.exact.items()}
        return Transferred(
            self.zone, self.soa, sets, exact, tuple(self.strange), signatures, self.octets, self.messages
        )


def _records(message: dns.message.Message) -> Iterator[tuple[dns.name.Name, int, dns.rdata.Rdata]]:
    for found in message.answer:
        for rdata in found:
            yield found.name, found.ttl, rdata
