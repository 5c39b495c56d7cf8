"""Serial, transfer, update and NOTIFY against real BIND, real Knot, and the sandbox's primary alike."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from tenants.formats.zones.data.digests import DS, SSHFP, TLSA, Generic
from tenants.formats.zones.data.location import LOC
from tenants.formats.zones.data.services import HTTPS, SVCB, Alpn, Ipv4Hint, KeyValue
from tenants.formats.zones.data.simple import AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT, A, Data
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tests.zone.servers import program, running_bind, running_knot
from tests.zone.world import OTHER_SECRET, TEXT, ZONE, key_line, running_primary, zone_key
from workers.zone import (
    BadKey,
    BadSignature,
    Change,
    ClockSkew,
    NotAllowed,
    NotAuthoritative,
    NotSendable,
    PrerequisiteFailed,
    Refusal,
    Requirement,
    Server,
    Signatures,
    batches,
    dig_serial,
    notify,
    notify_command,
    nsupdate_script,
    served_serial,
    transfer,
    update,
)

pytestmark = pytest.mark.debian

KEY = zone_key("rookery._update.example.org")
STRONG = zone_key("strong._update.example.org", "SHA512")
BIG = Name.of("big.org")
BIG_KEY = zone_key("rookery._update.big.org")
MANY = 2_000
BIG_TEXT = TEXT.replace("example.org", "big.org") + "".join(
    f'h{number} 300 TXT "{number:0100d}"\n' for number in range(MANY)
)
ZONES = {ZONE: TEXT, BIG: BIG_TEXT}
KEYS = [KEY, STRONG, BIG_KEY]
WWW = Name.of("www.example.org")
NEW = Name.of("new.example.org")


@pytest.fixture(scope="module", params=["bind", "knot", "primary"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(kind)
    if kind == "bind":
        with running_bind(folder, ZONES, KEYS) as running:
            yield running
    elif kind == "knot":
        with running_knot(folder, ZONES, KEYS) as running:
            yield running
    else:
        files = {
            "example.org": TEXT,
            "big.org": BIG_TEXT,
            "example.org._keys": key_line("rookery._update.example.org.")
            + key_line("strong._update.example.org.", number=165),
            "big.org._keys": key_line("rookery._update.big.org."),
        }
        with running_primary(folder, files) as primary:
            yield primary.server


def address(name: Name, value: str = "192.0.2.9", ttl: int = 300) -> RecordSet:
    return RecordSet(name, ttl, [A(IPv4Address(value))])


def change(server: Server, owner: Name, record_type: str, after: RecordSet | None) -> Change:
    """As it is there now → `after`."""
    return Change(owner, record_type, transfer(server, ZONE, KEY).seen(owner, record_type), after)


def test_the_serial_is_read_and_an_unknown_zone_is_told(server: Server, kind: str) -> None:
    found = served_serial(server, ZONE)
    assert found.serial is not None
    assert found.authoritative
    assert found.soa is not None
    assert found.soa.mailbox == Name.of("hostmaster.example.org")
    unknown = served_serial(server, Name.of("unknown.test"))
    assert (unknown.serial, unknown.dropped) == (None, True)
    assert unknown.rcode == ("NOTAUTH" if kind == "primary" else "REFUSED")
    inside = served_serial(server, Name.of("www.example.org"))
    assert (inside.serial, inside.dropped) == (None, False)


def test_a_zone_is_transferred_whole(server: Server) -> None:
    for key in (KEY, STRONG):
        found = transfer(server, ZONE, key)
        assert found.signatures is Signatures.ONE
        assert found.soa.serial == served_serial(server, ZONE).serial
        assert found.sets[ZONE, "MX"] == RecordSet(ZONE, 3600, [MX(10, Name.of("mail.example.org"))])
        assert found.sets[WWW, "CNAME"].data == (CNAME(Name.of("mail.example.org")),)
        assert found.seen(ZONE, "TXT") == (b"\x0ev=spf1 mx -all",)
        assert found.seen(ZONE, "SOA")
        assert found.seen(ZONE, "CAA") == ()
        assert found.strange == ()


def test_a_transfer_of_many_messages_is_read_in_either_way_of_signing(server: Server, kind: str) -> None:
    found = transfer(server, BIG, BIG_KEY)
    assert found.octets > 3 * 65_536
    assert found.messages > 3
    assert found.signatures is (Signatures.EACH if kind == "primary" else Signatures.CHAINED)
    texts = {owner: item.data for (owner, kind), item in found.sets.items() if kind == "TXT"}
    assert len(texts) == MANY + 1
    assert all(
        texts[Name.of(f"h{number}.big.org")] == (TXT(f"{number:0100d}".encode()),) for number in range(MANY)
    )


def test_a_set_is_added_replaced_and_removed(server: Server) -> None:
    first = served_serial(server, ZONE).serial
    assert first is not None
    update(server, ZONE, KEY, [Change(NEW, "A", (), address(NEW))])
    assert transfer(server, ZONE, KEY).sets[NEW, "A"] == address(NEW)
    other = RecordSet(NEW, 600, [A(IPv4Address("192.0.2.10")), A(IPv4Address("192.0.2.11"))])
    update(server, ZONE, STRONG, [change(server, NEW, "A", other)])
    assert transfer(server, ZONE, KEY).sets[NEW, "A"] == other
    update(server, ZONE, KEY, [change(server, NEW, "A", None)])
    assert (NEW, "A") not in transfer(server, ZONE, KEY).sets
    assert served_serial(server, ZONE).serial == first + 3


def test_nothing_is_written_over_what_somebody_else_changed(server: Server) -> None:
    seen = transfer(server, ZONE, KEY)
    update(server, ZONE, KEY, [Change(NEW, "A", (), address(NEW))])
    serial = served_serial(server, ZONE).serial
    absent = Change(NEW, "A", (), address(NEW, "192.0.2.20"))
    with pytest.raises(PrerequisiteFailed) as caught:
        update(server, ZONE, KEY, [absent])
    assert (caught.value.rcode, caught.value.or_rule) == ("YXRRSET", True)
    other = Change(NEW, "A", (b"\xc0\x00\x02\x63",), None)
    with pytest.raises(PrerequisiteFailed) as caught:
        update(server, ZONE, KEY, [other])
    assert (caught.value.rcode, caught.value.or_rule) == ("NXRRSET", False)
    whole = Requirement(ZONE, "SOA", seen.seen(ZONE, "SOA"))
    with pytest.raises(PrerequisiteFailed):
        update(server, ZONE, KEY, [change(server, NEW, "A", None)], [whole])
    # all or nothing: one set that is as it was does not go without the other
    mail = Name.of("mail.example.org")
    with pytest.raises(PrerequisiteFailed):
        update(server, ZONE, KEY, [change(server, mail, "A", address(mail)), other])
    assert served_serial(server, ZONE).serial == serial
    now = transfer(server, ZONE, KEY)
    assert now.sets[mail, "A"].data == (A(IPv4Address("192.0.2.2")),)
    update(
        server,
        ZONE,
        KEY,
        [Change(NEW, "A", now.seen(NEW, "A"), None)],
        [Requirement(ZONE, "SOA", now.seen(ZONE, "SOA"))],
    )


def test_an_alias_becomes_a_host_in_one_message(server: Server) -> None:
    seen = transfer(server, ZONE, KEY)
    host = [
        Change(WWW, "CNAME", seen.seen(WWW, "CNAME"), None),
        Change(WWW, "A", (), address(WWW)),
    ]
    update(server, ZONE, KEY, host)
    assert {kind for owner, kind in transfer(server, ZONE, KEY).sets if owner == WWW} == {"A"}
    alias = RecordSet(WWW, 3600, [CNAME(Name.of("mail.example.org"))])
    back = [change(server, WWW, "CNAME", alias), change(server, WWW, "A", None)]
    update(server, ZONE, KEY, back)
    assert {kind for owner, kind in transfer(server, ZONE, KEY).sets if owner == WWW} == {"CNAME"}


def test_the_name_servers_of_the_zone_are_replaced_one_by_one(server: Server) -> None:
    """A server ignores the deletion of the whole set."""
    ns1, ns2 = Name.of("ns1.example.org"), Name.of("ns2.example.org")
    both = [
        Change(ns2, "A", (), address(ns2)),
        change(server, ZONE, "NS", RecordSet(ZONE, 3600, [NS(ns2)])),
    ]
    update(server, ZONE, KEY, both)
    assert transfer(server, ZONE, KEY).sets[ZONE, "NS"].data == (NS(ns2),)
    back = [
        change(server, ZONE, "NS", RecordSet(ZONE, 3600, [NS(ns1)])),
        change(server, ns2, "A", None),
    ]
    update(server, ZONE, KEY, back)
    assert transfer(server, ZONE, KEY).sets[ZONE, "NS"].data == (NS(ns1),)


TYPES: list[list[Data]] = [
    [A(IPv4Address("192.0.2.1")), A(IPv4Address("192.0.2.7"))],
    [AAAA(IPv6Address("2001:db8::1"))],
    [
        CAA(True, b"issue", (b"letsencrypt.org;validationmethods=dns-01",)),
        CAA(False, b"iodef", (b"mailto:a@b.c",)),
    ],
    [PTR(Name.of("host.example.net"))],
    [SRV(0, 5, 993, Name.of("mail.example.org"))],
    [TXT(b"k" * 700), TXT("sömething; with (signs)".encode())],
    [TLSA(3, 255, 0, bytes(range(200)) * 5), TLSA(3, 0, 0, b"\x01\x02")],
    [SSHFP(4, 2, b"\x07" * 32)],
    [LOC(2_332_887_285, 2_146_974_245, 10_000_000)],
    [HTTPS(1, Name.of("www.example.net"), (Alpn((b"h2", b"h3")), Ipv4Hint((IPv4Address("192.0.2.1"),))))],
    [SVCB(1, Name.of("svc.example.net"), (Alpn((b"dot",)), KeyValue(667, b"hello")))],
    [Generic(35, bytes.fromhex("0064000a0173085349502b44325500000473697073076578616d706c65036f726700"))],
    [Generic(65400, b"\x00\x01\x02")],
]


@pytest.mark.parametrize("data", TYPES, ids=lambda data: data[0].type)
def test_every_type_comes_back_as_it_was_sent(server: Server, data: list[Data]) -> None:
    # BIND takes addresses for names of hosts only.
    owner = Name.of("host.example.org" if data[0].type in {"A", "AAAA"} else "_25._tcp.types.example.org")
    wanted = RecordSet(owner, 1234, data)
    update(server, ZONE, KEY, [change(server, owner, wanted.type, wanted)])
    found = transfer(server, ZONE, KEY)
    assert found.sets[owner, wanted.type] == wanted
    # … and can be named exactly as it is there, to be taken away again
    update(server, ZONE, KEY, [Change(owner, wanted.type, found.seen(owner, wanted.type), None)])
    assert (owner, wanted.type) not in transfer(server, ZONE, KEY).sets


def test_a_delegation_with_its_digest(server: Server) -> None:
    sub = Name.of("sub.example.org")
    sets = [
        RecordSet(sub, 300, [NS(Name.of("ns.example.net"))]),
        RecordSet(sub, 300, [DS(12345, 13, 2, b"\x05" * 32)]),
    ]
    update(server, ZONE, KEY, [Change(sub, item.type, (), item) for item in sets])
    found = transfer(server, ZONE, KEY)
    assert [found.sets[item.key] for item in sets] == sets
    update(
        server, ZONE, KEY, [Change(sub, item.type, found.seen(*item.key), None) for item in reversed(sets)]
    )


def test_keys_that_do_not_fit_are_told_apart(server: Server) -> None:
    unknown = zone_key("nobody._update.example.org")
    wrong = zone_key("rookery._update.example.org", secret=OTHER_SECRET)
    weaker = zone_key("rookery._update.example.org", "SHA1")
    for key, error in ((unknown, BadKey), (wrong, BadSignature), (weaker, BadKey)):
        with pytest.raises(error):
            transfer(server, ZONE, key)
        with pytest.raises(error):
            update(server, ZONE, key, [])
        with pytest.raises(error):
            notify(server, ZONE, key)


def test_a_transfer_without_a_key_is_refused(server: Server, kind: str) -> None:
    with pytest.raises(NotAuthoritative if kind in {"primary", "knot"} else NotAllowed):
        transfer(server, ZONE, None)


def test_an_unknown_zone_is_refused(server: Server) -> None:
    with pytest.raises(Refusal):
        transfer(server, Name.of("unknown.test"), KEY)
    with pytest.raises(Refusal):
        update(server, Name.of("unknown.test"), KEY, [])


def test_an_update_without_changes_tests_the_key(server: Server) -> None:
    before = served_serial(server, ZONE).serial
    update(server, ZONE, KEY, [])
    assert served_serial(server, ZONE).serial == before


@pytest.mark.parametrize("kind", ["bind", "knot"], indirect=True)
@pytest.mark.parametrize("ahead", [5000, -5000])
def test_a_wrong_clock_is_told_with_its_difference(
    server: Server, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + ahead)
    monkeypatch.setattr("workers.zone.messages.time", lambda: real() + ahead)
    for ask in (notify, transfer, lambda server, zone, key: update(server, zone, key, [])):
        with pytest.raises(ClockSkew) as caught:
            ask(server, ZONE, KEY)
        assert caught.value.rcode == "BADTIME"
        assert caught.value.seconds is not None
        assert abs(caught.value.seconds + ahead) < 60
        assert f"{abs(caught.value.seconds)} seconds" in caught.value.sentence


@pytest.mark.parametrize("data", TYPES, ids=lambda data: data[0].type)
def test_the_same_by_hand_makes_the_same_change(server: Server, tmp_path: Path, data: list[Data]) -> None:
    """Real nsupdate with the words that people are shown; then it refuses them, for things have changed."""
    owner = Name.of("hand.example.org")
    wanted = RecordSet(owner, 1234, data)
    script = nsupdate_script(server, ZONE, [Change(owner, wanted.type, (), wanted)])
    assert nsupdate(tmp_path, script).returncode == 0
    found = transfer(server, ZONE, KEY)
    assert found.sets[owner, wanted.type] == wanted
    again = nsupdate(tmp_path, script)
    assert "YXRRSET" in again.stderr
    gone = nsupdate_script(
        server,
        ZONE,
        [Change(owner, wanted.type, found.seen(owner, wanted.type), None)],
        [Requirement(ZONE, "SOA", found.seen(ZONE, "SOA"))],
    )
    assert nsupdate(tmp_path, gone).stderr == ""
    assert (owner, wanted.type) not in transfer(server, ZONE, KEY).sets


def test_the_name_servers_by_hand(server: Server, tmp_path: Path) -> None:
    ns1, ns2 = Name.of("ns1.example.org"), Name.of("ns.example.net")
    for target in (ns2, ns1):
        after = RecordSet(ZONE, 3600, [NS(target)])
        done = nsupdate(tmp_path, nsupdate_script(server, ZONE, [change(server, ZONE, "NS", after)]))
        assert done.stderr == ""
        assert transfer(server, ZONE, KEY).sets[ZONE, "NS"].data == (NS(target),)


def test_the_commands_by_hand(server: Server, tmp_path: Path) -> None:
    key = key_file(tmp_path)
    for command in (dig_serial(server, ZONE), notify_command(server, ZONE).replace("FILE", str(key))):
        words = command.split()
        done = run([program(words[0]), *words[1:]])
        assert "status: NOERROR" in done.stdout, done.stderr


def key_file(folder: Path) -> Path:
    path = folder / "key"
    path.write_text(f'key "{KEY.name}" {{ algorithm hmac-sha256; secret "{KEY.secret}"; }};\n')
    return path


def nsupdate(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    words = [program("nsupdate"), "-v", "-k", str(key_file(folder))]
    return run(words, script)


def run(words: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=30, check=False)


def test_many_changes_go_in_groups_that_fit(server: Server) -> None:
    sets = [
        RecordSet(Name.of(f"n{number}.example.org"), 300, [TXT(f"{number:0200d}".encode())])
        for number in range(600)
    ]
    groups = list(batches([Change(item.owner, "TXT", (), item) for item in sets]))
    assert len(groups) > 1
    for group in groups:
        update(server, ZONE, KEY, group)
    found = transfer(server, ZONE, KEY)
    assert all(found.sets[item.key] == item for item in sets)
    for group in batches([Change(item.owner, "TXT", found.seen(item.owner, "TXT"), None) for item in sets]):
        update(server, ZONE, KEY, group)
    with pytest.raises(NotSendable, match="does not fit"):
        update(server, ZONE, KEY, [Change(item.owner, "TXT", (), item) for item in sets])


def test_a_secondary_takes_the_zone_from_the_primary_when_it_is_told(tmp_path: Path) -> None:
    """BIND as a secondary of the sandbox's primary: signed transfers of one message, and NOTIFY."""
    keys = {"example.org._keys": key_line("x._transfer.example.org.")}
    transfer_key = zone_key("x._transfer.example.org")
    with running_primary(tmp_path / "p", {"example.org": TEXT, "big.org": BIG_TEXT, **keys}) as primary:
        where = f"{primary.server.address} port {primary.server.port}"
        extra = (
            f'key "x._transfer.example.org" {{ algorithm hmac-sha256; secret "{transfer_key.secret}"; }};\n'
            f'zone "example.org" {{ type secondary; file "s"; masterfile-format text;'
            f' primaries {{ {where} key "x._transfer.example.org"; }};'
            f' allow-notify {{ key "x._transfer.example.org"; }}; }};\n'
        )
        with running_bind(tmp_path / "b", {}, [], extra) as secondary:
            assert _within(10, lambda: served_serial(secondary, ZONE).serial == 7)
            text = TEXT.replace("hostmaster 7 ", "hostmaster 8 ")
            primary.repository.commit({"example.org": text, "big.org": BIG_TEXT, **keys})
            notify(primary.server, ZONE, transfer_key)
            assert served_serial(primary.server, ZONE).serial == 8
            assert notify(secondary, ZONE, transfer_key).signed
            assert _within(10, lambda: served_serial(secondary, ZONE).serial == 8)


def test_a_secondary_refuses_a_long_signed_transfer_and_takes_an_open_one(tmp_path: Path) -> None:
    """Why a secondary of a zone with many certificates goes stale: signatures that are not as in the RFC."""
    files = {"big.org": BIG_TEXT, "_keys": key_line("x._transfer.")}
    key = f'key "x._transfer" {{ algorithm hmac-sha256; secret "{KEY.secret}"; }};\n'
    with running_primary(tmp_path / "signed", files) as primary:
        where = f'{primary.server.address} port {primary.server.port} key "x._transfer"'
        with running_bind(tmp_path / "b", {}, [], key + secondary_of(where)) as secondary:
            log = tmp_path / "b" / "log"
            assert _within(10, lambda: "tsig verify failure" in log.read_text())
            assert served_serial(secondary, BIG).serial is None
    with running_primary(tmp_path / "open", files, open_transfers=True) as primary:
        where = f"{primary.server.address} port {primary.server.port}"
        with running_bind(tmp_path / "c", {}, [], secondary_of(where)) as secondary:
            assert _within(10, lambda: served_serial(secondary, BIG).serial == 7)


def secondary_of(where: str) -> str:
    return f'zone "big.org" {{ type secondary; primaries {{ {where}; }}; }};\n'


def _within(seconds: float, done: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.05)
    return False
