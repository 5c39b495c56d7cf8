"""Ratios to dnspython's own writer and reader, measured in the same run: 10,000 records of a usual zone."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

import dns.zone
import pytest

from tenants.formats.zones.data.simple import AAAA, CNAME, MX, TXT
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Zone
from tenants.formats.zones.zone_file import emit, read_zone
from tests.zones.examples import NS1, ORIGIN, SOA, a, name, records, zone

Result = TypeVar("Result")
ROUNDS = 3


def usual_sets() -> list[RecordSet]:
    """10,000 records: hosts with addresses, aliases, exchangers, text."""
    made: list[RecordSet] = []
    for number in range(2000):
        host = f"h{number}"
        made += [
            RecordSet(name(host), 3600, a(host, str(IPv4Address(0x0A000000 + number))).data),
            records(host, AAAA(IPv6Address((0x20010DB8 << 96) + number))),
            records(f"www{number}", CNAME(name(host)), ttl=300),
            records(f"m{number}", MX(10, NS1)),
            records(f"_t{number}", TXT(b"v=spf1 ip4:192.0.2.0/24 -all")),
        ]
    return made


def fastest(act: Callable[[], Result]) -> tuple[float, Result]:
    """Return the shortest time of several, in seconds of this process, and what came out."""
    times: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        result = act()
        times.append(time.process_time() - began)
    return min(times), result


@pytest.fixture(scope="module")
def whole() -> Zone:
    return zone(*usual_sets())


@pytest.fixture(scope="module")
def theirs(whole: Zone) -> dns.zone.Zone:
    return dns.zone.from_text(emit(whole).decode(), origin="example.org.")


@pytest.fixture(scope="module")
def their_writing(theirs: dns.zone.Zone) -> float:
    return fastest(lambda: theirs.to_text(want_origin=True))[0]


def test_a_zone_is_written_in_a_fiftieth_of_the_time(whole: Zone, their_writing: float) -> None:
    ours, data = fastest(lambda: emit(whole))
    assert data.count(b"\n") > 10_000
    assert ours <= their_writing / 50


def test_one_change_among_ten_thousand_and_writing_all_of_it(whole: Zone, their_writing: float) -> None:
    changed = [records("h7", TXT(b"new"))]
    ours, data = fastest(lambda: emit(whole.with_sets(changed).with_soa(SOA.with_serial(7))))
    assert b'h7\tTXT\t"new"\n' in data
    assert ours <= their_writing / 2


def test_writing_what_was_never_written_before(their_writing: float) -> None:
    """Sorting, rendering and joining: all that is done once for each zone and record set."""
    times: list[float] = []
    for _ in range(ROUNDS):
        sets = usual_sets()
        began = time.process_time()
        emit(Zone(ORIGIN, SOA, sets))
        times.append(time.process_time() - began)
    assert min(times) <= their_writing


def test_a_zone_is_read_no_slower_than_by_dnspython(whole: Zone) -> None:
    data = emit(whole)
    text = data.decode()
    theirs, _ = fastest(lambda: dns.zone.from_text(text, origin="example.org."))
    ours, found = fastest(lambda: read_zone(data, ORIGIN))
    assert found == whole
    assert ours <= theirs
