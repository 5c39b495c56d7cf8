"""The plan of a zone at a conventional name server: what is sent, in which order, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from tenants.desired_zones import DesiredZone
from tenants.formats.zones.data.simple import CNAME, MX, TXT, A, Data
from tenants.formats.zones.merge import Holder
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.stored import owner_text, set_digest
from tenants.formats.zones.zone import Soa
from workers.zone import Change, Transferred, batches
from workers.zone.records import rdata_of
from workers.zone_plan.plan import ZoneLimits
from workers.zone_plan.updating import SeenZone, decide_updates, in_order, not_taken, update_plan

ZONE = Name.of("example.org")
SOA = Soa(Name.of("ns1.example.org"), Name.of("hostmaster.example.org"), 7)


def made(owner: str, *data: Data, ttl: int = 300) -> RecordSet:
    return RecordSet(Name.of(owner), ttl, data)


def address(owner: str, last: int = 1, ttl: int = 300) -> RecordSet:
    return made(owner, A(IPv4Address(f"192.0.2.{last}")), ttl=ttl)


def seen(*sets: RecordSet) -> SeenZone:
    exact = {item.key: tuple(sorted(rdata_of(data).to_wire() or b"" for data in item.data)) for item in sets}
    return SeenZone(ZONE, Transferred(ZONE, SOA, {item.key: item for item in sets}, exact))


def wanted(
    *sets: RecordSet,
    base: Mapping[tuple[str, str], str] | None = None,
) -> DesiredZone:
    ours = {(owner_text(item.owner), item.type): item for item in sets}
    return DesiredZone(
        pk=1,
        origin=ZONE,
        soa=SOA,
        known_serial=7,
        sets=ours,
        holders=dict.fromkeys(ours, Holder.MANAGED),
        base=base or {},
        frozen=False,
        dropped="",
        dialects=(),
    )


def never(unit: str, outside_id: str) -> bool:
    return False


def decide(desired: DesiredZone, found: SeenZone, may: Callable[[str, str], bool] = never):  # type: ignore[no-untyped-def]
    return decide_updates(desired, found, may_overwrite=may)


def test_only_what_differs_is_sent_on_condition_of_what_was_seen() -> None:
    old = address("www.example.org")
    others = made("acme.example.org", TXT(b"token"))
    desired = wanted(address("www.example.org", 2), base={("www.example.org", "A"): set_digest(old)})
    found, [message] = decide(desired, seen(old, others))
    [change] = message
    assert (change.owner, change.type) == (Name.of("www.example.org"), "A")
    assert change.before == (b"\xc0\x00\x02\x01",)
    assert change.after == address("www.example.org", 2)
    assert [each.unit for each in found.changes] == ["www.example.org A"]
    assert found.sets["acme.example.org", "TXT"] == others, "what others wrote stays"


def test_a_set_that_others_changed_is_left_alone_and_the_rest_is_sent() -> None:
    base = {("www.example.org", "A"): set_digest(address("www.example.org"))}
    desired = wanted(address("www.example.org", 2), address("new.example.org"), base=base)
    found, [message] = decide(desired, seen(address("www.example.org", 9)))
    assert [owner_text(each.owner) for each in message] == ["new.example.org"]
    assert [(each.unit, each.reason) for each in found.apart] == [("www.example.org A", "conflict")]
    _, [message] = decide(desired, seen(address("www.example.org", 9)), lambda unit, there: True)
    assert len(message) == 2


def test_a_zone_that_cannot_be_read_says_why_and_sends_nothing() -> None:
    found, messages = decide(wanted(address("www.example.org")), SeenZone(ZONE, None, "It is not there."))
    assert messages == ()
    assert found.serial is None
    assert [(each.reason, each.sentence) for each in found.apart] == [("unsafe", "It is not there.")]


def test_rules_hold_for_our_sets_and_not_for_what_others_wrote() -> None:
    nowhere = made("example.org", MX(10, Name.of("gone.example.org")))
    _, [message] = decide(wanted(address("www.example.org")), seen(nowhere))
    assert len(message) == 1, "an MX of others that points nowhere is theirs to mend"
    found, messages = decide(wanted(nowhere), seen())
    assert messages == ()
    assert "gone.example.org has none" in found.apart[0].sentence


def test_what_fits_into_no_message_is_told_before_anything_is_sent() -> None:
    long = [TXT(bytes([65 + number]) * 20_000) for number in range(3)]
    other = [TXT(bytes([97 + number]) * 20_000) for number in range(3)]
    key = ("big.example.org", "TXT")
    desired = wanted(made(key[0], *long), base={key: set_digest(made(key[0], *other))})
    found, messages = decide(desired, seen(made(key[0], *other)))
    assert messages == ()
    assert "does not fit into one DNS message" in found.apart[0].sentence
    assert "Remove some records of it first" in found.apart[0].sentence


def test_names_get_addresses_first_and_lose_them_last() -> None:
    def change(owner: str, kind: str, after: RecordSet | None) -> Change:
        return Change(Name.of(owner), kind, (), after)

    order = in_order(
        [
            change("a-old.example.org", "A", None),
            change("example.org", "MX", made("example.org", MX(10, Name.of("z-new.example.org")))),
            change("web.example.org", "CNAME", made("web.example.org", CNAME(ZONE))),
            change("web.example.org", "A", None),
            change("z-new.example.org", "A", address("z-new.example.org")),
        ]
    )
    assert [f"{owner_text(each.owner)} {each.type}" for each in order] == [
        "z-new.example.org A",
        "example.org MX",
        "a-old.example.org A",
        "web.example.org A",
        "web.example.org CNAME",
    ]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["A", "TXT", "MX", "CAA"])), unique=True))
def test_no_change_is_lost_and_names_stay_together(keys: list[tuple[int, str]]) -> None:
    changes = [Change(Name.of(f"n{number}.example.org"), kind, (b"x" * 40,), None) for number, kind in keys]
    order = in_order(changes)
    groups = list(batches(order, most_bytes=600))
    assert sorted(map(repr, order)) == sorted(map(repr, changes))
    assert [change for group in groups for change in group] == order
    owners = [{change.owner for change in group} for group in groups]
    assert all(not owners[index] & owners[index + 1] for index in range(len(owners) - 1))


def test_what_was_not_made_is_told_from_a_ttl_that_was_kept() -> None:
    base = {("www.example.org", "A"): set_digest(address("www.example.org"))}
    before = seen(address("www.example.org"))
    sent, _ = decide(wanted(address("www.example.org", ttl=60), base=base), before)
    assert not_taken(sent, before.sets) == ([], ["www.example.org A"])
    sent, _ = decide(wanted(address("www.example.org", 2), base=base), before)
    assert not_taken(sent, before.sets) == (["www.example.org A"], [])
    assert not_taken(sent, sent.sets) == ([], [])


def test_a_zone_does_not_lose_its_name_servers_without_a_person() -> None:
    from tenants.formats.zones.data.simple import NS

    key = ("example.org", "NS")
    old = made(key[0], NS(Name.of("ns1.elsewhere.net")))
    new = made(key[0], NS(Name.of("ns2.elsewhere.net")))
    decided = decide(wanted(new, base={key: set_digest(old)}), seen(old))
    assert ZoneLimits().objections(update_plan([decided])) == ["example.org would lose all its name servers."]
