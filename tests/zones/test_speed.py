"""Ratios to dnspython's own writer and reader, measured in the same run: 10,000 records of a usual zone."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address

import dns.zone
import pytest

from tenants.formats.zones.data.simple import AAAA, CNAME, MX, TXT
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.zone import Zone
from tenants.formats.zones.zone_file import emit, read_zone
from tests.zones.examples import NS1, ORIGIN, SOA, a, name, records, zone

ROUNDS = 5


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


def taken_by(act: Callable[[], object]) -> float:
    """Seconds of this process. Rubbish is collected before: how much of it there is, other tests decide."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        act()
        return time.process_time() - began
    finally:
        gc.enable()


def ratio(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """Compare the shortest times of several, taken in turn: a machine that gets slow is slow for both."""
    rounds = [(taken_by(ours), taken_by(theirs)) for _ in range(ROUNDS)]
    return min(mine for mine, _ in rounds) / min(others for _, others in rounds)


@pytest.fixture(scope="module")
def whole() -> Zone:
    return zone(*usual_sets())


@pytest.fixture(scope="module")
def write_theirs(whole: Zone) -> Callable[[], object]:
    theirs = dns.zone.from_text(emit(whole).decode(), origin="example.org.")
    return lambda: theirs.to_text(want_origin=True)


def test_a_zone_is_written_in_a_fiftieth_of_the_time(whole: Zone, write_theirs: Callable[[], object]) -> None:
    assert emit(whole).count(b"\n") > 10_000
    assert ratio(lambda: emit(whole), write_theirs) <= 1 / 50


def test_one_change_among_ten_thousand_and_writing_all_of_it(
    whole: Zone, write_theirs: Callable[[], object]
) -> None:
    def change_and_write() -> bytes:
        return emit(whole.with_sets([records("h7", TXT(b"new"))]).with_soa(SOA.with_serial(7)))

    assert b'h7\tTXT\t"new"\n' in change_and_write()
    assert ratio(change_and_write, write_theirs) <= 1 / 2


def test_writing_what_was_never_written_before(write_theirs: Callable[[], object]) -> None:
    """Sorting, rendering and joining: all that is done once for each zone and record set."""
    never_written = iter([usual_sets() for _ in range(ROUNDS)])
    assert ratio(lambda: emit(Zone(ORIGIN, SOA, next(never_written))), write_theirs) <= 1


def test_a_zone_is_read_no_slower_than_by_dnspython(whole: Zone) -> None:
    data = emit(whole)
    text = data.decode()
    assert read_zone(data, ORIGIN) == whole
    read_theirs = partial(dns.zone.from_text, text, origin="example.org.")
    assert ratio(lambda: read_zone(data, ORIGIN), read_theirs) <= 1
