"""The plan of a zone: what is written, what is left alone, which serial it gets. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tenants.desired_zones import DesiredKeys, DesiredZone
from tenants.formats.zones.keyfile import TsigKey, read_keys
from tenants.formats.zones.merge import Holder
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.primary.dialect import NEW
from tenants.formats.zones.primary.verdict import judge
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.stored import set_digest, typed_data
from tenants.formats.zones.zone import Soa, Zone
from tenants.formats.zones.zone_file import emit, read_zone
from workers.plan import Action
from workers.zone_plan.decide import DecidedZone, decide_zone
from workers.zone_plan.keys import decide_keys
from workers.zone_plan.outside import ObservedZone, by_key, outside_sets
from workers.zone_plan.plan import ZoneLimits, zone_plan

ORIGIN = Name.of("example.org")
SOA = Soa(Name.of("ns1.example.org"), Name.of("hostmaster.example.org"), 0)
SECRET = "QUJD" * 8
Key = tuple[str, str]


def records(owner: str, kind: str, *texts: str, ttl: int = 3600) -> RecordSet:
    return RecordSet(Name.of(owner), ttl, [typed_data(kind, text, ORIGIN) for text in texts])


NS, NS1 = records("example.org", "NS", "ns1"), records("ns1.example.org", "A", "192.0.2.1")
MX, MAIL = records("example.org", "MX", "10 mail"), records("mail.example.org", "A", "192.0.2.25")
WWW, WWW2 = records("www.example.org", "A", "192.0.2.80"), records("www.example.org", "A", "192.0.2.81")
DKIM = records("s._domainkey.example.org", "TXT", "v=DKIM1")


def key(item: RecordSet) -> Key:
    return str(item.owner).removesuffix("."), item.type


def desired(*sets: RecordSet, base: tuple[RecordSet, ...] = (), **more: Any) -> DesiredZone:
    """Ours are all of `sets` and of `base` but the DKIM key."""
    ours = [item for item in (*sets, *base) if item is not DKIM]
    holders: Mapping[Key, Holder] = {key(item): Holder.MANAGED for item in ours} | more.pop("holders", {})
    wanted = DesiredZone(
        pk=1,
        origin=ORIGIN,
        soa=SOA,
        known_serial=7,
        sets={key(item): item for item in sets},
        holders=holders,
        base={key(item): set_digest(item) for item in base},
        frozen=False,
        dropped="",
        dialects=(NEW,),
    )
    return replace(wanted, **more)


def file_of(*sets: RecordSet, serial: int = 7) -> Zone:
    return Zone(ORIGIN, SOA.with_serial(serial), sets)


def observed(*sets: RecordSet, serial: int = 7, served: int | None = 7, **more: Any) -> ObservedZone:
    return ObservedZone(ORIGIN, "blob", file_of(*sets, serial=serial), served=served, **more)


def decided(wanted: DesiredZone, seen: ObservedZone, *, overwrite: bool = False) -> DecidedZone:
    return decide_zone(wanted, seen, may_overwrite=lambda unit, outside: overwrite)


def written(decision: DecidedZone) -> Zone:
    assert decision.content is not None
    assert judge(decision.content, ORIGIN).survives
    return read_zone(decision.content, ORIGIN)


def test_agreement_is_an_empty_plan() -> None:
    found = decided(desired(NS, NS1, base=(NS, NS1)), observed(NS, NS1))
    assert (found.changes, found.content, found.serial) == ((), None, 7)


def test_a_new_zone_gets_the_first_serial() -> None:
    found = decided(desired(NS, NS1, known_serial=0), ObservedZone(ORIGIN))
    assert written(found).soa.serial == 1
    assert {each.action for each in found.changes} == {Action.CREATE}


@pytest.mark.parametrize(
    ("file", "served", "known", "next_one"),
    [(7, 7, 7, 8), (7, 9, 7, 10), (9, 7, 7, 10), (7, 7, 12, 13), (2**32 - 1, 2**32 - 1, 2**32 - 1, 1)],
)
def test_the_serial_is_above_all_that_was_seen(file: int, served: int, known: int, next_one: int) -> None:
    wanted = desired(NS, NS1, WWW, base=(NS, NS1), known_serial=known)
    assert written(decided(wanted, observed(NS, NS1, serial=file, served=served))).soa.serial == next_one


def test_serials_that_lie_too_far_apart_need_a_person() -> None:
    wanted = desired(NS, NS1, WWW, base=(NS, NS1), known_serial=2**31)
    found = decided(wanted, observed(NS, NS1, serial=1, served=2**31 + 2**30))
    assert found.content is None or written(found)
    wanted = desired(NS, NS1, WWW, base=(NS, NS1), known_serial=0)
    found = decided(wanted, observed(NS, NS1, serial=2**31, served=2**31))
    assert found.content is None
    assert [each.reason for each in found.apart] == ["unsafe"]


def test_a_file_that_was_not_taken_up_is_told_of() -> None:
    found = decided(desired(NS, NS1, base=(NS, NS1)), observed(NS, NS1, serial=8, served=7))
    assert (found.content, found.serial, len(found.changes)) == (None, 8, 1)
    assert found.changes[0].unit == "example.org (take up)"


def test_a_file_that_is_never_taken_up_is_pushed_anew() -> None:
    wanted, seen = desired(NS, NS1, base=(NS, NS1)), observed(NS, NS1, serial=8, served=7)
    found = decide_zone(wanted, seen, push_again=True, may_overwrite=lambda unit, outside: False)
    assert written(found).soa.serial == 9
    agreed = observed(NS, NS1, serial=8, served=8)
    found = decide_zone(wanted, agreed, push_again=True, may_overwrite=lambda unit, outside: False)
    assert found.content is None


def test_what_the_primary_has_and_git_lacks_is_taken() -> None:
    """A push of the primary's was refused: only the transfer shows what a unikernel wrote."""
    served = {(item.owner, item.type): item for item in (NS, NS1, DKIM)}
    seen = observed(NS, NS1, serial=7, served=8, transferred=served)
    found = decided(desired(NS, NS1, WWW, base=(NS, NS1)), seen)
    assert set(written(found).sets) == {NS, NS1, WWW, DKIM}
    assert found.serial == 9


def test_our_push_and_their_update_at_once_lose_nothing() -> None:
    """Both have the same serial, and differ: each set comes from the side that changed it."""
    served = {(item.owner, item.type): item for item in (NS, NS1, DKIM)}
    seen = observed(NS, NS1, WWW, serial=8, served=8, transferred=served)
    found = decided(desired(NS, NS1, WWW, base=(NS, NS1)), seen)
    assert set(written(found).sets) == {NS, NS1, WWW, DKIM}


def test_glue_that_no_transfer_shows_is_kept() -> None:
    cut, glue = records("sub.example.org", "NS", "ns.sub"), records("ns.sub.example.org", "A", "192.0.2.7")
    outer = records("ns6.gandi.net", "A", "192.0.2.6")
    both = records("example.org", "NS", "ns1", "ns6.gandi.net.")
    served = {(item.owner, item.type): item for item in (both, NS1, cut)}
    seen = observed(both, NS1, cut, glue, outer, serial=7, served=8, transferred=served)
    sets = outside_sets(seen, {})
    assert set(sets.values()) == {both, NS1, cut, glue, outer}


def test_drift_and_conflict_are_left_and_the_rest_goes_on() -> None:
    base = (NS, NS1, MAIL, WWW)
    theirs = records("mail.example.org", "A", "192.0.2.99")
    drift = decided(desired(NS, NS1, MAIL, WWW2, base=base), observed(NS, NS1, theirs, WWW))
    assert [(each.unit, each.reason) for each in drift.apart] == [("mail.example.org A", "drift")]
    assert set(written(drift).sets) == {NS, NS1, theirs, WWW2}
    assert drift.left == {("mail.example.org", "A")}
    other = records("mail.example.org", "A", "192.0.2.26")
    conflict = decided(desired(NS, NS1, other, WWW, base=base), observed(NS, NS1, theirs, WWW))
    assert [each.reason for each in conflict.apart] == ["conflict"]
    repaired = decided(desired(NS, NS1, MAIL, WWW, base=base), observed(NS, NS1, theirs, WWW), overwrite=True)
    assert set(written(repaired).sets) == {NS, NS1, MAIL, WWW}


def test_a_set_that_somebody_else_made_first_is_no_ones_to_overwrite() -> None:
    found = decided(desired(NS, NS1, WWW2, base=(NS, NS1)), observed(NS, NS1, WWW))
    assert [each.reason for each in found.apart] == ["conflict"]
    assert found.content is None


def test_what_unikernels_write_is_theirs_even_where_a_row_says_ours() -> None:
    mine = records("s._domainkey.example.org", "TXT", "v=DKIM1; p=mine")
    wanted = desired(NS, NS1, mine, base=(NS, NS1, DKIM))
    found = decided(wanted, observed(NS, NS1, DKIM))
    assert (found.content, found.apart) == (None, ())


def test_a_frozen_zone_is_not_written() -> None:
    found = decided(desired(NS, NS1, WWW2, base=(NS, NS1, WWW), frozen=True), observed(NS, NS1, WWW))
    assert (found.changes, found.content) == ((), None)


def test_a_zone_that_would_be_dropped_is_not_written() -> None:
    found = decided(desired(NS, NS1, MX, base=(NS, NS1)), observed(NS, NS1))
    assert found.content is None
    assert [each.reason for each in found.apart] == ["unsafe"]
    assert "mail.example.org has none" in found.apart[0].sentence


def test_content_that_was_dropped_is_not_sent_again() -> None:
    first = decided(desired(NS, NS1, WWW, base=(NS, NS1)), observed(NS, NS1))
    again = decided(desired(NS, NS1, WWW, base=(NS, NS1), dropped=first.identity), observed(NS, NS1))
    assert again.content is None
    assert "exactly this" in again.apart[0].sentence


def test_a_file_that_cannot_be_read_is_left_until_a_person_decides() -> None:
    seen = ObservedZone(ORIGIN, "blob", None, "It has a quote that is not closed.")
    left = decided(desired(NS, NS1), seen)
    assert [each.reason for each in left.apart] == ["conflict"]
    assert decided(desired(NS, NS1), seen, overwrite=True).content is not None


def test_the_soa_is_compared_with_what_was_proved() -> None:
    theirs = replace(SOA, minimum=60)
    file = Zone(ORIGIN, theirs.with_serial(7), [NS, NS1])
    seen = ObservedZone(ORIGIN, "blob", file, served=7)
    wanted = desired(NS, NS1, base=(NS, NS1))
    mended = decide_zone(wanted, seen, may_overwrite=lambda unit, outside: False)
    assert written(mended).soa.minimum == 3600
    proved = mended.soa
    left = decide_zone(wanted, seen, proved_soa=proved, may_overwrite=lambda unit, outside: False)
    assert [(each.unit, each.reason) for each in left.apart] == [("example.org SOA", "drift")]


_SETS = [MX, MAIL, WWW, DKIM, records("a.example.org", "TXT", "x"), records("b.example.org", "CNAME", "mail")]
_subsets = some.lists(some.sampled_from(_SETS), unique_by=id).map(tuple)


@settings(deadline=None)
@given(_subsets, _subsets, _subsets)
def test_others_records_survive_whatever_is_wanted(
    base: tuple[RecordSet, ...], wanted: tuple[RecordSet, ...], there: tuple[RecordSet, ...]
) -> None:
    """What is outside and not ours is in the file afterwards; and a second look plans nothing."""
    ours = tuple(item for item in wanted if item is not DKIM)
    proved = tuple(item for item in base if item is not DKIM)
    zone = desired(NS, NS1, *ours, base=(NS, NS1, *proved))
    found = decided(zone, observed(NS, NS1, *there))
    if any(each.reason == "unsafe" for each in found.apart):
        assert found.content is None
        return
    foreign = {item for item in there if key(item) not in zone.holders}
    assert foreign <= set(found.sets.values())
    after = read_zone(found.content, ORIGIN) if found.content else file_of(NS, NS1, *there)
    assert by_key(after) == dict(found.sets)
    # What was left keeps its base (see record_zones); the rest was proved.
    kept = {each: digest for each, digest in zone.base.items() if each in found.left}
    proved_now = {each: set_digest(item) for each, item in found.sets.items() if each not in found.left}
    again = replace(zone, base=kept | proved_now)
    seen = ObservedZone(ORIGIN, "blob", after, served=after.soa.serial)
    assert decided(again, seen).content is None


# the whole repository, and keys ------------------------------------------------------------------------


def test_losing_all_name_servers_needs_a_person() -> None:
    other = records("example.org", "NS", "ns.other.net.")
    change = decided(desired(other, NS1, base=(NS, NS1)), observed(NS, NS1))
    plan = zone_plan([change], [])
    assert any("all its name servers" in each for each in ZoneLimits().objections(plan))
    more = records("example.org", "NS", "ns1", "ns.other.net.")
    harmless = zone_plan([decided(desired(more, NS1, base=(NS, NS1)), observed(NS, NS1))], [])
    assert ZoneLimits().objections(harmless) == []


def test_only_files_of_zones_and_keys_are_written() -> None:
    zone = decided(desired(NS, NS1, known_serial=0), ObservedZone(ORIGIN))
    keys = decide_keys(DesiredKeys(ROOT, (own_key("a"),), frozenset()), None)
    plan = zone_plan([zone], [keys])
    assert set(plan.files) == {b"example.org", b"_keys"}
    assert SECRET not in str(plan.as_dict())
    assert any("ns1.example.org. 3600 IN A 192.0.2.1" in (change.after or "") for change in plan.changes)


def own_key(label: str) -> TsigKey:
    return TsigKey(Name.of(f"{label}._update"), "SHA256", SECRET)


def test_lines_of_others_stay_in_a_key_file() -> None:
    there = (
        f"; by hand\nold._update. DNSKEY 0 3 163 {SECRET}\nmine._update. DNSKEY 0 3 163 {SECRET}\n".encode()
    )
    found = decide_keys(DesiredKeys(ROOT, (own_key("new"),), frozenset({Name.of("mine._update")})), there)
    assert found.content is not None
    assert found.content.startswith(b"; by hand\nold._update.")
    names = {key.name.short for key in read_keys(found.content, ROOT).keys}
    assert names == {"old._update", "new._update"}
    assert decide_keys(DesiredKeys(ROOT, (own_key("new"),), frozenset()), found.content).content is None


def test_a_key_file_that_cannot_be_read_is_left_alone() -> None:
    found = decide_keys(DesiredKeys(ROOT, (own_key("new"),), frozenset()), b"$INCLUDE x\n")
    assert (found.content, found.changes) == (None, ())
    assert [each.reason for each in found.apart] == ["unsafe"]


def test_the_last_key_takes_its_file_along() -> None:
    mine = decide_keys(DesiredKeys(ROOT, (own_key("mine"),), frozenset()), None).content
    gone = decide_keys(DesiredKeys(ROOT, (), frozenset({Name.of("mine._update")})), mine)
    assert gone.content == b""
    assert zone_plan([], [gone]).files == {b"_keys": None}


def test_emitting_is_what_the_primary_reads() -> None:
    assert emit(read_zone(emit(file_of(NS, NS1, DKIM)), ORIGIN)) == emit(file_of(NS, NS1, DKIM))
