"""What people type: real dig and nsupdate at the sandbox's primary."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.zone.servers import program
from tests.zone.world import ROOT_KEY, ROOT_KEYS, SECRET, TEXT, ZONE, RunningPrimary, running_primary
from workers.zone import dig_argument, served_serial

pytestmark = pytest.mark.debian
BIG = TEXT + "".join(f'h{number} TXT "{"x" * 250}"\n' for number in range(800))


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[RunningPrimary]:
    with running_primary(tmp_path, {"example.org": TEXT, "_keys": ROOT_KEYS}) as running:
        yield running


def dig(running: RunningPrimary, *words: str) -> str:
    where = [f"@{running.server.address}", "-p", str(running.server.port), "+time=10", "+tries=1"]
    done = subprocess.run(
        [program("dig"), "-r", *where, *words], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def test_dig_asks_over_udp_and_tcp(primary: RunningPrimary) -> None:
    for way in ("+notcp", "+tcp"):
        assert dig(primary, "example.org", "MX", "+short", way) == "10 mail.example.org.\n"
    assert dig(primary, "www.example.org", "A", "+short") == "mail.example.org.\n"
    assert "status: NOTAUTH" in dig(primary, "example.net", "SOA")
    assert "status: NXDOMAIN" in dig(primary, "nobody.example.org", "A")


def test_dig_transfers_a_zone_with_the_key_and_warns_of_a_long_one(tmp_path: Path) -> None:
    key = dig_argument(ROOT_KEY)
    with running_primary(tmp_path, {"example.org": TEXT, "_keys": ROOT_KEYS}) as running:
        said = dig(running, "example.org", "AXFR", "-y", key)
        assert "XFR size: 8 records" in said
        assert "Couldn't verify signature" not in said
        assert "failed" in dig(running, "example.org", "AXFR").lower()
    with running_primary(tmp_path / "big", {"example.org": BIG, "_keys": ROOT_KEYS}) as running:
        assert "Some TSIG could not be validated" in dig(running, "example.org", "AXFR", "-y", key)


def test_the_words_that_people_give_each_other_make_it_pull(primary: RunningPrimary) -> None:
    files = {"example.org": TEXT.replace("hostmaster 7 ", "hostmaster 8 "), "_keys": ROOT_KEYS}
    primary.repository.commit(files)
    notify = ("SOA", "example.org", "+opcode=notify")
    assert "status: NOERROR" in dig(primary, *notify)
    assert served_serial(primary.server, ZONE).serial == 7
    assert "status: NOERROR" in dig(primary, *notify, "-y", dig_argument(ROOT_KEY))
    assert served_serial(primary.server, ZONE).serial == 8


def test_nsupdate_changes_the_zone(primary: RunningPrimary) -> None:
    words = f"""server {primary.server.address} {primary.server.port}
zone example.org
update add new.example.org 300 A 192.0.2.9
send
"""
    done = subprocess.run(
        [program("nsupdate"), "-v", "-y", dig_argument(ROOT_KEY)],
        input=words,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert SECRET not in done.stdout + done.stderr
    assert dig(primary, "new.example.org", "A", "+short") == "192.0.2.9\n"
    assert "new\t300\tA\t192.0.2.9" in primary.repository.show("example.org")
