"""The traps of ptt's primary, in the sandbox's: each does to us what the real one does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tenants.formats.zones.data.services import HTTPS, Port
from tenants.formats.zones.data.simple import MX, SRV, TXT, A, Data
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.record_set import RecordSet
from tests.zone.world import (
    OTHER_SECRET,
    ROOT_KEY,
    ROOT_KEYS,
    SECRET,
    TEXT,
    ZONE,
    RunningPrimary,
    key_line,
    running_primary,
    zone_key,
)
from workers.zone import (
    BadKey,
    BadSignature,
    Change,
    ClockSkew,
    NotAuthoritative,
    notify,
    served_serial,
    transfer,
    update,
)

WWW2 = Name.of("www2.example.org")
FILES = {"example.org": TEXT, "_keys": ROOT_KEYS}


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[RunningPrimary]:
    with running_primary(tmp_path, FILES) as running:
        yield running


def address(name: Name, value: str = "192.0.2.9", ttl: int = 300) -> RecordSet:
    return RecordSet(name, ttl, [A(IPv4Address(value))])


def add(running: RunningPrimary, name: Name = WWW2) -> None:
    update(running.server, ZONE, ROOT_KEY, [Change(name, "A", (), address(name))])


def serial(running: RunningPrimary, zone: Name = ZONE) -> int | None:
    return served_serial(running.server, zone).serial


def newer(text: str = TEXT, *, serial: int = 8) -> str:
    return text.replace("hostmaster 7 ", f"hostmaster {serial} ")


def test_it_serves_what_is_in_the_repository(primary: RunningPrimary) -> None:
    assert serial(primary) == 7
    found = transfer(primary.server, ZONE, ROOT_KEY)
    assert set(found.sets) == {
        (ZONE, "NS"),
        (ZONE, "MX"),
        (ZONE, "TXT"),
        (Name.of("ns1.example.org"), "A"),
        (Name.of("mail.example.org"), "A"),
        (Name.of("www.example.org"), "CNAME"),
    }


def test_a_signed_notify_pulls_and_others_only_say_yes(primary: RunningPrimary, tmp_path: Path) -> None:
    primary.repository.commit({**FILES, "example.org": newer()})
    assert not notify(primary.server, ZONE, None).signed
    assert (primary.pulls, serial(primary)) == (0, 7)
    assert notify(primary.server, ZONE, ROOT_KEY).signed
    assert (primary.pulls, serial(primary)) == (1, 8)


def test_a_key_of_another_zone_is_told_yes_and_does_nothing(primary: RunningPrimary) -> None:
    other = zone_key("p._update.other.org")
    files = {**FILES, "other.org._keys": key_line("p._update.other.org.")}
    primary.repository.commit({**files, "example.org": newer()})
    notify(primary.server, ZONE, ROOT_KEY)
    primary.repository.commit({**files, "example.org": newer(serial=9)})
    before = primary.pulls
    assert notify(primary.server, ZONE, other).signed
    assert primary.pulls == before
    assert serial(primary) == 8
    assert notify(primary.server, Name.of("unknown.other.org"), other).signed  # under the key: pulls
    assert serial(primary) == 9


@pytest.mark.parametrize(("right", "pulls"), [("_notify", True), ("_transfer", True), ("_update", True)])
def test_every_right_may_notify(tmp_path: Path, right: str, pulls: bool) -> None:
    keys = {"example.org._keys": key_line(f"a.{right}.example.org.")}
    with running_primary(tmp_path, {**FILES, **keys}) as running:
        running.repository.commit({**FILES, **keys, "example.org": newer()})
        notify(running.server, ZONE, zone_key(f"a.{right}.example.org"))
        assert (serial(running) == 8) is pulls
        if right == "_notify":
            with pytest.raises(NotAuthoritative):
                transfer(running.server, ZONE, zone_key(f"a.{right}.example.org"))
        if right != "_update":
            with pytest.raises(NotAuthoritative):
                update(running.server, ZONE, zone_key(f"a.{right}.example.org"), [])


def test_a_file_that_cannot_be_read_takes_the_zone_off_the_air_and_is_deleted_later(tmp_path: Path) -> None:
    two = TEXT.replace("example.org", "two.org")
    files = {**FILES, "two.org": two, "README.md": "Zones.\n", ".gitignore": "x\n", "docs/note": "kept\n"}
    with running_primary(tmp_path, files) as running:
        assert serial(running) == 7
        running.repository.commit({**files, "example.org": newer(TEXT.replace("$TTL 3600", "$TTL 1h"))})
        notify(running.server, ZONE, ROOT_KEY)
        answer = served_serial(running.server, ZONE)
        assert (answer.serial, answer.rcode, answer.dropped) == (None, "NOTAUTH", True)
        assert serial(running, Name.of("two.org")) == 7
        assert "ignoring zone example.org (line 2)" in running.console()
        name = Name.of("new.two.org")
        update(running.server, Name.of("two.org"), ROOT_KEY, [Change(name, "A", (), address(name))])
        assert running.repository.names() == {"_keys", "two.org", ".gitignore", "docs"}


def test_keys_stay_when_their_zone_is_dropped(primary: RunningPrimary) -> None:
    primary.repository.commit({**FILES, "example.org": TEXT.replace("mail A", "other A")})
    notify(primary.server, ZONE, ROOT_KEY)
    assert served_serial(primary.server, ZONE).dropped
    primary.repository.commit({**FILES, "example.org": newer(serial=9)})
    notify(primary.server, ZONE, ROOT_KEY)
    assert serial(primary) == 9


def test_a_failed_pull_keeps_the_old_data_and_says_yes(primary: RunningPrimary) -> None:
    primary.repository.commit({**FILES, "example.org": newer()})
    primary.host.fault.refuse_keys = True
    assert notify(primary.server, ZONE, ROOT_KEY).signed
    assert serial(primary) == 7
    assert "pull failed" in primary.console()


def test_a_tip_that_is_older_than_what_it_has_cannot_be_pulled(primary: RunningPrimary) -> None:
    primary.repository.commit({**FILES, "example.org": newer()}, when=int(time.time()) - 3600)
    notify(primary.server, ZONE, ROOT_KEY)
    assert serial(primary) == 7
    assert "no commits selected for shallow requests" in primary.console()
    primary.repository.commit({**FILES, "example.org": newer(serial=9)})
    notify(primary.server, ZONE, ROOT_KEY)
    assert serial(primary) == 9


def test_a_tip_of_the_very_same_second_can_be_pulled(primary: RunningPrimary) -> None:
    when = int(primary.repository.last("%at"))
    primary.repository.commit({**FILES, "example.org": newer()}, when=when)
    notify(primary.server, ZONE, ROOT_KEY)
    assert serial(primary) == 8


def test_its_push_goes_over_a_newer_tip(primary: RunningPrimary) -> None:
    primary.repository.allow_rewriting()
    ours = primary.repository.commit({**FILES, "example.org": newer(serial=20)})
    add(primary)
    assert primary.repository.serial() == 8
    assert ours not in primary.repository.git("rev-list", "main")
    assert primary.repository.git("cat-file", "-t", ours).strip() == "commit"


def test_a_refused_push_is_believed_and_lost_at_the_next_pull(primary: RunningPrimary) -> None:
    old = int(time.time()) - 100
    ours = primary.repository.commit({**FILES, "example.org": newer(serial=20)}, when=old)
    add(primary)
    assert serial(primary) == 8
    assert primary.repository.tip() == ours
    assert "Push got an error: non-fast-forward" in primary.console()
    add(primary, Name.of("www3.example.org"))  # on top of its own commit: refused again
    assert (serial(primary), primary.repository.tip()) == (9, ours)
    notify(primary.server, ZONE, ROOT_KEY)
    assert serial(primary) == 9  # our commit is older than the one that was not pushed
    primary.repository.commit({**FILES, "example.org": newer(serial=20)})
    notify(primary.server, ZONE, ROOT_KEY)
    assert serial(primary) == 20
    assert (WWW2, "A") not in transfer(primary.server, ZONE, ROOT_KEY).sets


def test_an_update_is_committed_in_its_own_format_and_name(primary: RunningPrimary) -> None:
    add(primary)
    assert primary.repository.serial() == serial(primary) == 8
    assert primary.repository.show("example.org") == (
        "$ORIGIN example.org.\n$TTL 3600\n"
        "@\tSOA\tns1\thostmaster\t8\t86400\t7200\t1048576\t3600\n"
        '@\tNS\tns1\n@\tMX\t10\tmail\n@\tTXT\t"v=spf1 mx -all"\n'
        "mail\tA\t192.0.2.2\nns1\tA\t192.0.2.1\nwww\tCNAME\tmail\nwww2\t300\tA\t192.0.2.9\n\n\n\n"
    )
    assert primary.repository.show("_keys") == ROOT_KEYS
    assert primary.repository.last("%an|%ae|%s") == (
        "panel._update via primary git|git-noreply@robur.coop|changed by 127.0.0.1"
    )


BAD_ONES = [
    (MX(0, ROOT), "sub\t300\tMX\t0\t\n"),
    (SRV(0, 0, 0, ROOT), "sub\t300\tSRV\t0\t0\t0\t\n"),
    (HTTPS(1, Name.of("www.example.org"), (Port(8443),)), "sub\t300\tHTTPS\t1\twww\tkey8443\n"),
    (TXT(b'say "hi" to all'), 'sub\t300\tTXT\t"say "hi" to all"\n'),
]


@pytest.mark.parametrize(("data", "line"), BAD_ONES, ids=["null MX", "SRV", "port", "quotes"])
def test_what_it_cannot_write_back_ends_the_zone_and_then_its_file(
    tmp_path: Path, data: Data, line: str
) -> None:
    """The whole way: accepted, served, written wrongly; off the air at the next pull; then deleted."""
    two = Name.of("two.org")
    with running_primary(tmp_path, {**FILES, "two.org": TEXT.replace("example.org", "two.org")}) as running:
        sub = Name.of("sub.example.org")
        update(running.server, ZONE, ROOT_KEY, [Change(sub, data.type, (), RecordSet(sub, 300, [data]))])
        assert transfer(running.server, ZONE, ROOT_KEY).sets[sub, data.type].data == (data,)
        assert line in running.repository.show("example.org")
        notify(running.server, ZONE, ROOT_KEY)
        assert served_serial(running.server, ZONE).rcode == "NOTAUTH"
        name = Name.of("new.two.org")
        update(running.server, two, ROOT_KEY, [Change(name, "A", (), address(name))])
        assert running.repository.names() == {"_keys", "two.org"}


def test_an_odd_quote_in_text_comes_back_changed(primary: RunningPrimary) -> None:
    sub = Name.of("sub.example.org")
    text = RecordSet(sub, 300, [TXT(b'a " b')])
    update(primary.server, ZONE, ROOT_KEY, [Change(sub, "TXT", (), text)])
    notify(primary.server, ZONE, ROOT_KEY)
    assert transfer(primary.server, ZONE, ROOT_KEY).sets[sub, "TXT"].data == (TXT(b'a b"'),)


def test_glue_below_a_delegation_is_lost_at_the_first_update(tmp_path: Path) -> None:
    text = TEXT + "sub NS ns.sub\nns.sub A 192.0.2.53\n"
    with running_primary(tmp_path, {**FILES, "example.org": text}) as running:
        glue = (Name.of("ns.sub.example.org"), "A")
        assert glue not in transfer(running.server, ZONE, ROOT_KEY).sets
        assert "ns.sub A" in running.repository.show("example.org")
        add(running)
        assert "192.0.2.53" not in running.repository.show("example.org")


def test_a_broken_key_file_shows_its_secrets_on_the_console_and_nowhere_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = key_line("p._update.example.org.", OTHER_SECRET).replace(" 0 3 ", " 0 4 ")
    with running_primary(tmp_path, {**FILES, "example.org._keys": broken}) as running:
        assert OTHER_SECRET in running.console()
        assert OTHER_SECRET not in repr(running.primary.status()) + repr(running.primary.held)
        assert SECRET not in repr(running.primary.held)
    assert OTHER_SECRET not in caplog.text + "".join(capfd.readouterr())


def test_git_away_at_boot_is_the_end_and_a_missing_branch_is_nothing(tmp_path: Path) -> None:
    with running_primary(tmp_path / "a", FILES) as running:
        running.host.fault.refuse_keys = True
        told = running.restart()
        assert told["state"] == "dead"
        assert "exit 64" in str(told["reason"])
        running.host.fault.refuse_keys = False
        assert running.restart()["state"] == "running"
    with running_primary(tmp_path / "b", None) as running:
        assert served_serial(running.server, ZONE).rcode == "NOTAUTH"
        running.repository.commit(FILES)
        with pytest.raises(BadKey):
            notify(running.server, ZONE, ROOT_KEY)
        running.restart()
        assert serial(running) == 7


def test_keys_that_do_not_fit_are_named(tmp_path: Path) -> None:
    keys = (
        key_line("a._update.example.org.", number=165)
        + key_line("twice._update.example.org.")
        + key_line("twice._update.example.org.", OTHER_SECRET)
        + key_line("b._update.two.org.")
        + key_line("md5._update.example.org.", number=157)
    )
    with running_primary(tmp_path, {**FILES, "example.org._keys": keys}) as running:
        update(running.server, ZONE, zone_key("a._update.example.org", "SHA512"), [])
        for name, algorithm in (
            ("a._update.example.org", "SHA256"),
            ("twice._update.example.org", "SHA256"),
            ("b._update.two.org", "SHA256"),
            ("md5._update.example.org", "SHA256"),
            ("nobody._update.example.org", "SHA256"),
        ):
            with pytest.raises(BadKey) as caught:
                notify(running.server, ZONE, zone_key(name, algorithm))
            assert caught.value.rcode == "BADKEY"
        with pytest.raises(BadSignature):
            notify(running.server, ZONE, zone_key("panel._update", secret=OTHER_SECRET))
        assert running.pulls == 0


@pytest.mark.parametrize("ahead", [1000, -1000])
def test_a_clock_that_is_wrong_is_told_with_its_difference(tmp_path: Path, ahead: int) -> None:
    with running_primary(tmp_path, FILES, clock_ahead=ahead) as running:
        for ask in (notify, lambda server, zone, key: update(server, zone, key, []), transfer):
            with pytest.raises(ClockSkew) as caught:
                ask(running.server, ZONE, ROOT_KEY)
            assert caught.value.seconds is not None
            assert abs(caught.value.seconds - ahead) < 30


def test_the_root_is_no_zone_but_its_key_covers_all(primary: RunningPrimary) -> None:
    assert served_serial(primary.server, ROOT).rcode == "NOTAUTH"
    assert notify(primary.server, Name.of("anything.test"), ROOT_KEY).signed
    assert primary.pulls == 1
