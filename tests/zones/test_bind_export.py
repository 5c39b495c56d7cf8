"""What is exported says the same to every other reader: dnspython's, and BIND's and Knot's where they are."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.zone
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.formats.zones.bind.exporting import bind_text, export_bind
from tenants.formats.zones.bind.importing import Outcome, import_bind
from tenants.formats.zones.bind.rdata import data_from_rdata, data_from_text
from tenants.formats.zones.data.digests import DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.location import LOC, MIDDLE, SEA_LEVEL
from tenants.formats.zones.data.services import HTTPS, SVCB, Alpn, Ipv4Hint, KeyValue, Port
from tenants.formats.zones.data.simple import AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT, Data
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.rules.check import check_zone
from tenants.formats.zones.rules.problem import blocking
from tenants.formats.zones.zone import Soa, Zone
from tests.zone.servers import program
from tests.zones.examples import NS1, ORIGIN, a, name, records, zone
from tests.zones.strategies import PUBLISHABLE, zones

_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
_TOP = dns.name.from_text("example.org.")


def read_by_dnspython(text: str) -> set[tuple[Name, int, Data | Soa]]:
    """Every record as another reader of zone files understands it: owner, TTL, data."""
    found = dns.zone.from_text(text, origin=_TOP, relativize=False)
    return {
        (Name(owner.labels[:-1]), ttl, data_from_rdata(rdata)) for owner, ttl, rdata in found.iterate_rdatas()
    }


@given(zones())
@_patient
def test_another_reader_understands_the_same(any_zone: Zone) -> None:
    soa = (ORIGIN, any_zone.soa.minimum, any_zone.soa)
    inside = [item for item in any_zone.sets if item.owner.within(ORIGIN)]
    expected = {(item.owner, item.ttl, data) for item in inside for data in item.data}
    assert read_by_dnspython(export_bind(any_zone)) == {soa, *expected}


@given(zones())
@_patient
def test_an_export_imported_again_is_the_zone(any_zone: Zone) -> None:
    report = import_bind(export_bind(any_zone), ORIGIN)
    assert {one.outcome for one in report.lines} <= {Outcome.ACCEPTED, Outcome.CHANGED, Outcome.DIRECTIVE}
    outside = [item for item in any_zone.sets if not item.owner.within(ORIGIN)]
    assert report.zone == any_zone.with_sets((), [item.key for item in outside])
    assert blocking(check_zone(report.zone)) == ()


@pytest.mark.parametrize("kind", sorted(PUBLISHABLE))
@given(st.data())
@_patient
def test_data_of_every_type_are_read_back(kind: str, data: st.DataObject) -> None:
    item = data.draw(PUBLISHABLE[kind])
    assert data_from_text(item.type, bind_text(item), ORIGIN) == item


@given(st.binary(max_size=700))
@_patient
def test_text_of_any_bytes_can_leave(value: bytes) -> None:
    """Also what ptt's primary cannot keep: someone's own text must not be lost on the way out."""
    assert data_from_text("TXT", bind_text(TXT(value)), ORIGIN) == TXT(value)


@pytest.mark.parametrize("data", [MX(0, ROOT), HTTPS(1, NS1, (Port(8443),)), TXT(b'"\\')])
def test_what_the_primary_cannot_keep_can_leave(data: Data) -> None:
    assert data_from_text(data.type, bind_text(data), ORIGIN) == data


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=4))
@_patient
def test_names_of_any_bytes_can_leave(labels: list[bytes]) -> None:
    item = MX(1, Name((*labels, *ORIGIN.labels)))
    assert data_from_text("MX", bind_text(item), ORIGIN) == item


def test_glue_outside_the_zone_leaves_as_a_comment() -> None:
    text = export_bind(EVERYTHING)
    assert "; outside the zone: ns6.gandi.net. 3600 IN A 192.0.2.6\n" in text


EVERYTHING = zone(
    records("@", NS(NS1), NS(Name.of("ns6.gandi.net"))),
    a("ns6.gandi.net.", "192.0.2.6"),
    records("@", MX(10, NS1)),
    records("@", TXT(b"v=spf1 mx -all"), TXT("grüße; (ja)".encode())),
    records("@", CAA(True, b"issue", (b"letsencrypt.org; x=y",))),
    records("v6", AAAA(IPv6Address("2001:db8::1"))),
    records("long", TXT(b"k" * 600)),
    records("www", CNAME(ORIGIN)),
    records("25", PTR(NS1), ttl=60),
    records("_imaps._tcp", SRV(0, 1, 993, NS1)),
    records("_25._tcp.ns1", TLSA(3, 1, 1, b"\1" * 32)),
    records("ns1", SSHFP(4, 2, b"\2" * 32)),
    records("cut", NS(name("ns.cut"))),
    a("ns.cut", "192.0.2.7"),
    records("cut", DS(12345, 13, 2, b"\3" * 32)),
    records("here", LOC(MIDDLE + 3_600_001, MIDDLE - 7_200_000, SEA_LEVEL + 12_345)),
    records("web", HTTPS(1, NS1, (Alpn((b"h2", b"h3")), Ipv4Hint((IPv4Address("192.0.2.1"),))))),
    records("svc", SVCB(1, NS1, (KeyValue(65000, b"a-b"),))),
    records("raw", Generic(65280, b"\1\2\3")),
)


def test_the_zone_of_every_type_may_be_published() -> None:
    assert blocking(check_zone(EVERYTHING)) == ()


@pytest.mark.debian
@pytest.mark.parametrize("server", ["bind", "knot"])
def test_servers_checkers_accept_an_export(server: str, tmp_path: Path) -> None:
    file = tmp_path / "example.org"
    file.write_text(export_bind(EVERYTHING), encoding="ascii")
    if server == "bind":
        words = [program("named-checkzone"), "-i", "local", "example.org", str(file)]
    else:
        knot = tmp_path / "knot.conf"
        lines = ["database:", f"  storage: {tmp_path}", "zone:", "  - domain: example.org"]
        knot.write_text("\n".join([*lines, f"    storage: {tmp_path}", "    file: example.org"]) + "\n")
        words = [program("knotc"), "-c", str(knot), "zone-check", "example.org"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
