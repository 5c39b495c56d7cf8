"""What is written is read back, by us and by the primary; what would not be is refused beforehand."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.formats.text import printable
from tenants.formats.zones.data.simple import AAAA, MX, TXT
from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.dialect import NEW
from tenants.formats.zones.primary.verdict import judge
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.rules.check import FAULT, check_zone
from tenants.formats.zones.rules.problem import blocking
from tenants.formats.zones.zone import Zone
from tenants.formats.zones.zone_file import emit, read_zone
from tests.zones.examples import ORIGIN, name, records, zone
from tests.zones.recorded import Recorded, all_recorded
from tests.zones.strategies import PUBLISHABLE, WILD, set_of, wild_zones, zones

_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def kept_by_the_primary(any_zone: Zone) -> list[RecordSet]:
    """What is left when the primary has written the file: all but glue below delegations."""
    return [
        item
        for item in any_zone.sets
        if not (item.owner.within(any_zone.origin) and any_zone.is_glue(*item.key))
    ]


@given(zones())
@_patient
def test_a_zone_is_read_back_as_it_was_written(any_zone: Zone) -> None:
    assert blocking(check_zone(any_zone)) == ()
    assert read_zone(emit(any_zone), any_zone.origin) == any_zone


@given(zones())
@_patient
def test_what_the_primary_writes_back_is_what_was_there(any_zone: Zone) -> None:
    verdict = judge(emit(any_zone), any_zone.origin)
    assert verdict.survives
    assert verdict.dropped == ()
    assert verdict.written_back is not None
    back = read_zone(verdict.written_back, any_zone.origin)
    assert back.soa == any_zone.soa
    assert [item for item in back.sets if item in any_zone.sets] == list(back.sets)
    assert set(kept_by_the_primary(any_zone)) <= set(back.sets)


@given(zones())
@_patient
def test_a_zone_without_delegations_is_the_same_file_before_and_after_an_update(any_zone: Zone) -> None:
    whole = any_zone.with_sets((), [item.key for item in any_zone.sets if any_zone.delegation(item.owner)])
    assert judge(emit(whole), whole.origin).written_back == emit(whole)


@pytest.mark.parametrize("kind", sorted(PUBLISHABLE))
@given(st.data())
@_patient
def test_every_type_is_read_back(kind: str, data: st.DataObject) -> None:
    owner = name("x.y") if kind != "DS" else name("cut")
    item = data.draw(set_of(kind, st.just(owner)))
    more = [data.draw(set_of("NS", st.just(owner)))] if kind == "DS" else []
    whole = zone(item, *more)
    assert blocking(check_zone(whole)) == ()
    assert item in read_zone(emit(whole), ORIGIN).sets
    assert judge(emit(whole), ORIGIN).written_back == emit(whole)


@given(wild_zones())
@settings(_patient, max_examples=400)
def test_whatever_would_be_rejected_changed_or_lost_is_refused_by_a_rule(any_zone: Zone) -> None:
    problems = check_zone(any_zone)
    assert [problem for problem in problems if problem.fix == FAULT] == []
    for problem in problems:
        for sentence in (problem.problem, problem.fix):
            assert sentence.endswith((".", ".)"))
            assert printable(sentence, 2000) == sentence


@pytest.mark.parametrize("kind", sorted(WILD))
@given(st.data())
@_patient
def test_any_data_of_a_type_is_refused_or_kept(kind: str, data: st.DataObject) -> None:
    item = RecordSet(name("x.y"), 3600, [data.draw(WILD[kind])])
    problems = check_zone(zone(item))
    assert [problem for problem in problems if problem.fix == FAULT] == []
    if not blocking(problems):
        assert item in read_zone(emit(zone(item)), ORIGIN).sets


@given(st.binary(min_size=1, max_size=600))
@settings(deadline=None, max_examples=300)
def test_text_of_any_bytes_is_refused_or_served_byte_for_byte(value: bytes) -> None:
    whole = zone(records("x", TXT(value)))
    if not blocking(check_zone(whole)):
        back = judge(emit(whole), ORIGIN).written_back
        assert back is not None
        assert read_zone(back, ORIGIN).get(name("x"), "TXT") == records("x", TXT(value))
    else:
        printable = value.decode("utf-8", "replace").replace("\ufffd", "\n")
        assert not printable.isprintable() or {*'"\\'} & {*printable}


@pytest.mark.parametrize("byte", range(256))
def test_each_byte_in_text_is_published_or_refused(byte: int) -> None:
    blocked = bool(blocking(check_zone(zone(records("x", TXT(bytes([byte])))))))
    assert blocked is (not 0x20 <= byte <= 0x7E or byte in b'"\\')


@pytest.mark.parametrize("length", [255, 256, 511, 4000, 64000])
def test_long_text_is_one_string_in_the_file(length: int) -> None:
    whole = zone(records("x", TXT(b"k" * length)))
    assert blocking(check_zone(whole)) == ()
    assert b'"' + b"k" * length + b'"\n' in emit(whole)
    assert read_zone(emit(whole), ORIGIN) == whole


@given(zones(), zones())
@_patient
def test_equal_zones_have_equal_files_however_they_came_about(one: Zone, other: Zone) -> None:
    gone = [item.key for item in one.sets]
    changed = one.with_sets(other.sets, gone).with_soa(other.soa)
    assert changed == other
    assert hash(changed) == hash(other)
    assert emit(changed) == emit(other)
    assert (one == other) is (emit(one) == emit(other))


def test_a_changed_set_changes_its_own_lines_only() -> None:
    before = zone(*(records(f"h{number}", TXT(b"a")) for number in range(50)))
    after = before.with_sets([records("h7", TXT(b"b"))])
    changed = set(emit(before).splitlines()) ^ set(emit(after).splitlines())
    assert changed == {b'h7\tTXT\t"a"', b'h7\tTXT\t"b"'}


WRITTEN = [item for item in all_recorded() if item.accepted and item.written_back and item.survives]
GROWS = "TXT trailing glued"
"""Text with a quotation mark: the primary puts quotes around it again with each update."""


@pytest.mark.parametrize("recorded", WRITTEN, ids=str)
def test_a_file_of_the_primary_is_written_again_as_it_was(recorded: Recorded) -> None:
    """Recorded files, as the real primary wrote them."""
    assert recorded.written_back is not None
    found = read_zone(recorded.written_back, recorded.origin, recorded.dialect)
    if recorded.case == GROWS:
        assert blocking(check_zone(found))
        return
    again = read_zone(emit(found), recorded.origin, recorded.dialect)
    assert again == found
    assert emit(again) == emit(found)
    if recorded.dialect is NEW:
        assert emit(found) == recorded.written_back


def test_the_case_of_names_is_not_a_difference() -> None:
    upper = records("WWW", MX(1, Name.of("NS1.Example.ORG")))
    assert upper == records("www", MX(1, Name.of("ns1.example.org")))


def test_a_mapped_address_is_refused_for_what_comes_after_an_update() -> None:
    whole = zone(records("x", AAAA(IPv6Address("::ffff:192.0.2.9"))))
    assert blocking(check_zone(whole))
    assert not judge(emit(whole), ORIGIN).survives
