"""What ptt's primary makes of dynamic updates, where it differs from others: the sandbox's does the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.update
import pytest

from tenants.formats.zones.data.simple import CNAME, MX, NS, TXT, A
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tests.zone.world import (
    ROOT_KEY,
    ROOT_KEYS,
    TEXT,
    ZONE,
    RunningPrimary,
    key_line,
    running_primary,
    zone_key,
)
from workers.zone import (
    Change,
    NotAuthoritative,
    PrerequisiteFailed,
    RuleBroken,
    served_serial,
    transfer,
    update,
)
from workers.zone.keys import signer

FILES = {
    "example.org": TEXT,
    "_keys": ROOT_KEYS,
    "example.org._keys": key_line("u._update.example.org.") + key_line("t._transfer.example.org."),
}
MAIL, NS1 = Name.of("mail.example.org"), Name.of("ns1.example.org")
Fill = Callable[[dns.update.UpdateMessage], None]


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[RunningPrimary]:
    with running_primary(tmp_path, FILES) as running:
        yield running


def send(
    running: RunningPrimary, fill: Fill, zone: str = "example.org", key: str | None = "panel._update"
) -> str:
    """An update as any client may make it; the rcode."""
    message = dns.update.UpdateMessage(zone)
    if key is not None:
        message.use_tsig(signer(zone_key(key)))
    fill(message)
    answer = dns.query.tcp(message, running.server.address, port=running.server.port, timeout=5)
    assert answer.had_tsig is (key is not None)
    return dns.rcode.to_text(answer.rcode())


def serial(running: RunningPrimary, zone: Name = ZONE) -> int | None:
    return served_serial(running.server, zone).serial


@pytest.mark.parametrize(
    ("fill", "code"),
    [
        (lambda u: u.add("new", 300, "A", "192.0.2.9"), "NOERROR"),
        (lambda u: u.add("mail", 300, "CNAME", "www.example.net."), "YXRRSET"),
        (lambda u: u.add("www", 300, "A", "192.0.2.9"), "YXRRSET"),
        (lambda u: u.add("@", 300, "MX", "20 nobody.example.org."), "YXRRSET"),
        (lambda u: u.add("@", 300, "MX", "20 www.example.org."), "YXRRSET"),
        (lambda u: u.delete("ns1", "A"), "YXRRSET"),
        (lambda u: u.add("@", 300, "MX", "20 mx.example.net."), "NOERROR"),
        (lambda u: u.add("@", 300, "MX", "20 bad_name.example.net."), "FORMERR"),
        (lambda u: u.present("nobody"), "NXDOMAIN"),
        (lambda u: u.absent("mail"), "YXDOMAIN"),
        (lambda u: u.present("mail", "AAAA"), "NXRRSET"),
        (lambda u: u.absent("mail", "A"), "YXRRSET"),
        (lambda u: u.present("mail", "A", "192.0.2.2"), "NOERROR"),
        (lambda u: u.present("mail", "A", "192.0.2.3"), "NXRRSET"),
        (lambda u: u.present("mail", "A"), "NOERROR"),
        (lambda u: u.absent("nobody"), "NOERROR"),
    ],
)
def test_the_answers(primary: RunningPrimary, fill: Fill, code: str) -> None:
    assert send(primary, fill) == code
    assert primary.repository.serial() == serial(primary)


def test_names_outside_the_zone_section(primary: RunningPrimary) -> None:
    assert send(primary, lambda u: u.add("www.example.net.", 300, "A", "192.0.2.9")) == "NOTZONE"
    assert send(primary, lambda u: None, zone="_x.example.org") == "FORMERR"


def test_whom_it_lets(primary: RunningPrimary) -> None:
    def fill(made: dns.update.UpdateMessage) -> None:
        made.add("n", 300, "A", "192.0.2.9")

    assert send(primary, fill, key=None) == "NOTAUTH"
    assert send(primary, fill, key="t._transfer.example.org") == "NOTAUTH"
    assert send(primary, fill, key="u._update.example.org") == "NOERROR"
    with pytest.raises(NotAuthoritative):
        update(primary.server, Name.of("two.org"), zone_key("u._update.example.org"), [])


def test_our_own_words_for_a_broken_rule(primary: RunningPrimary) -> None:
    seen = transfer(primary.server, ZONE, ROOT_KEY)
    gone = Change(NS1, "A", seen.seen(NS1, "A"), None)
    with pytest.raises(RuleBroken):
        update(primary.server, ZONE, ROOT_KEY, [gone])
    alias = RecordSet(MAIL, 300, [CNAME(Name.of("www.example.net"))])
    with pytest.raises(PrerequisiteFailed) as caught:
        update(primary.server, ZONE, ROOT_KEY, [Change(MAIL, "CNAME", (), alias)])
    assert caught.value.or_rule
    sub = Name.of("sub.example.org")
    exchanger = RecordSet(sub, 300, [MX(10, Name.of("nobody.example.org"))])
    with pytest.raises(PrerequisiteFailed) as caught:
        update(primary.server, ZONE, ROOT_KEY, [Change(sub, "MX", (), exchanger)])
    assert caught.value.or_rule


def test_nothing_but_a_ttl_is_no_change(primary: RunningPrimary) -> None:
    tip = primary.repository.tip()
    seen = transfer(primary.server, ZONE, ROOT_KEY)
    other = RecordSet(MAIL, 60, seen.sets[MAIL, "A"].data)
    update(primary.server, ZONE, ROOT_KEY, [Change(MAIL, "A", seen.seen(MAIL, "A"), other)])
    assert serial(primary) == 7
    assert primary.repository.tip() == tip
    assert transfer(primary.server, ZONE, ROOT_KEY).sets[MAIL, "A"].ttl == 3600


def test_an_older_soa_makes_the_serial_go_back_and_is_not_written(primary: RunningPrimary) -> None:
    soa = "ns1.example.org. hostmaster.example.org. 2 86400 7200 1048576 3600"
    tip = primary.repository.tip()
    assert send(primary, lambda u: u.add("@", 3600, "SOA", soa)) == "NOERROR"
    assert serial(primary) == 3
    assert primary.repository.tip() == tip
    assert send(primary, lambda u: u.add("new", 300, "A", "192.0.2.9")) == "NOERROR"
    assert serial(primary) == primary.repository.serial() == 4


def test_a_newer_soa_is_kept_as_it_is(primary: RunningPrimary) -> None:
    soa = "ns1.example.org. hostmaster.example.org. 100 86400 7200 1048576 3600"
    assert send(primary, lambda u: u.add("@", 3600, "SOA", soa)) == "NOERROR"
    assert serial(primary) == primary.repository.serial() == 100


def test_records_of_a_zone_that_it_does_not_serve_go_into_the_one_above(primary: RunningPrimary) -> None:
    sub = Name.of("sub.example.org")
    item = RecordSet(sub, 300, [TXT(b"lost")])
    update(primary.server, sub, ROOT_KEY, [Change(sub, "TXT", (), item)])
    assert serial(primary) == 8
    assert transfer(primary.server, ZONE, ROOT_KEY).sets[sub, "TXT"] == item


def test_without_its_soa_a_zone_and_its_file_are_gone(tmp_path: Path) -> None:
    child = TEXT.replace("example.org", "child.example.org")
    with running_primary(tmp_path, {**FILES, "child.example.org": child}) as running:
        assert send(running, lambda u: u.delete("@", "SOA")) == "NOERROR"
        assert served_serial(running.server, ZONE).rcode == "NOTAUTH"
        assert serial(running, Name.of("child.example.org")) == 7
        assert running.repository.names() == {"_keys", "example.org._keys", "child.example.org"}


def test_an_soa_and_name_servers_make_a_zone_with_its_file(primary: RunningPrimary) -> None:
    def fill(made: dns.update.UpdateMessage) -> None:
        made.add("@", 3600, "SOA", "ns1.example.org. hostmaster.example.org. 5 86400 7200 1048576 3600")
        made.add("@", 3600, "NS", "ns1.example.org.")

    assert send(primary, fill, zone="fresh.org") == "NOERROR"
    assert serial(primary, Name.of("fresh.org")) is not None
    assert "fresh.org" in primary.repository.names()


def test_strings_of_one_text_are_joined(primary: RunningPrimary) -> None:
    assert send(primary, lambda u: u.add("t", 300, "TXT", '"a" "b"')) == "NOERROR"
    assert transfer(primary.server, ZONE, ROOT_KEY).seen(Name.of("t.example.org"), "TXT") == (b"\x02ab",)


def test_a_long_answer_over_udp_is_cut_at_400_bytes(primary: RunningPrimary) -> None:
    assert send(primary, lambda u: u.add("t", 300, "TXT", f'"{"x" * 250}" "{"y" * 250}"')) == "NOERROR"
    question = dns.message.make_query("t.example.org", "TXT", use_edns=0, payload=4096)
    where, port = primary.server.address, primary.server.port
    cut = dns.query.udp(question, where, port=port, timeout=5)
    assert cut.flags & dns.flags.TC
    assert not cut.answer
    assert dns.query.tcp(question, where, port=port, timeout=5).answer[0][0].strings == (
        b"x" * 250 + b"y" * 5,
        b"y" * 245,
    )


def test_open_transfers_need_no_key_and_are_not_signed(tmp_path: Path) -> None:
    with running_primary(tmp_path, FILES, open_transfers=True) as running:
        assert transfer(running.server, ZONE, None).sets[ZONE, "NS"].data == (NS(NS1),)


def test_the_zones_names_are_answered_with_their_authority(primary: RunningPrimary) -> None:
    def ask(name: str, kind: str) -> dns.message.Message:
        query = dns.message.make_query(name, kind)
        return dns.query.udp(query, primary.server.address, port=primary.server.port, timeout=5)

    assert ask("www.example.org", "A").answer[0].rdtype == dns.rdatatype.CNAME
    assert ask("nobody.example.org", "A").rcode() == dns.rcode.NXDOMAIN
    nothing = ask("mail.example.org", "AAAA")
    assert (nothing.rcode(), nothing.answer) == (dns.rcode.NOERROR, [])
    assert nothing.authority[0].rdtype == dns.rdatatype.SOA
    assert [str(found.name) for found in ask("example.org", "MX").additional] == ["mail.example.org."]
    assert ask("example.net", "A").rcode() == dns.rcode.NOTAUTH
    assert ask("example.org", "AXFR").rcode() == dns.rcode.REFUSED


def test_a_race_of_many_updates_loses_none(primary: RunningPrimary) -> None:
    def one(number: int) -> None:
        name = Name.of(f"n{number}.example.org")
        address = RecordSet(name, 300, [A(IPv4Address(f"192.0.2.{number}"))])
        update(primary.server, ZONE, ROOT_KEY, [Change(name, "A", (), address)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(1, 25)))
    assert serial(primary) == primary.repository.serial() == 7 + 24
    found = transfer(primary.server, ZONE, ROOT_KEY)
    assert all((Name.of(f"n{number}.example.org"), "A") in found.sets for number in range(1, 25))
