"""What is exported as commands does what it says: real nsupdate at BIND, Knot and ptt's, real sh and git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenants.formats.zones.commands import GitPlace, git_commands, nsupdate_commands
from tenants.formats.zones.data.digests import Generic
from tenants.formats.zones.data.simple import CAA, MX, SRV, TXT
from tenants.formats.zones.zone import Soa, Zone
from tests.zone.servers import program, running_bind, running_knot
from tests.zone.world import ROOT_KEYS, SECRET, TEXT, ZONE, key_line, running_primary, zone_key
from tests.zones.examples import NS1, a, name, records, zone
from workers.zone import Server, served_serial, transfer

pytestmark = pytest.mark.debian
KEY = zone_key("rookery._update.example.org")
FULL = zone(
    records("@", MX(10, name("mail"))),
    a("mail", "192.0.2.25", ttl=300),
    records("text", TXT("v=spf1 mx; grüße (all) $x `id` 'y'".encode()), ttl=60),
    records("@", CAA(False, b"issue", (b"letsencrypt.org",))),
    records("_sip._tcp", SRV(0, 5, 5060, name("mail"))),
    records("raw", Generic(65280, bytes(range(8)))),
    *(records(f"n{number}", TXT(b"%0200d" % number)) for number in range(450)),
)


@pytest.fixture(params=["bind", "knot", "primary"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    if request.param == "bind":
        with running_bind(tmp_path, {ZONE: TEXT}, [KEY]) as running:
            yield running
    elif request.param == "knot":
        with running_knot(tmp_path, {ZONE: TEXT}, [KEY]) as running:
            yield running
    else:
        files = {"example.org": TEXT, "example.org._keys": key_line(f"{KEY.name}")}
        with running_primary(tmp_path, files) as primary:
            yield primary.server


def test_nsupdate_makes_another_primary_say_the_same(server: Server, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(f'key "{KEY.name}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n')
    script = tmp_path / "example.org.nsupdate"
    script.write_text(nsupdate_commands(FULL, server.address, server.port))
    assert script.read_text().count("\nsend\n") > 2
    words = [program("nsupdate"), "-v", "-k", str(key), str(script)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = transfer(server, ZONE, KEY).sets
    for item in FULL.sets:
        if item.owner != ZONE or item.type != "NS":
            assert found[item.key] == item


def test_the_shell_commands_publish_the_zone(tmp_path: Path) -> None:
    with running_primary(tmp_path / "p", {"example.org": TEXT, "_keys": ROOT_KEYS}) as primary:
        serial = primary.repository.serial() + 5
        wanted = Zone(ZONE, Soa(NS1, name("hostmaster"), serial), FULL.sets)
        place = GitPlace(str(primary.repository.path), "main", primary.server.address, primary.server.port)
        key = tmp_path / "key"
        key.write_text(f'key "panel._update." {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n')
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "KEYFILE": str(key),
            **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
        }
        done = subprocess.run(
            ["sh"],
            input=git_commands(wanted, place),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        assert str(serial) in done.stdout
        served = served_serial(primary.server, ZONE).soa
        assert served is not None
        assert served.serial == serial
        assert "grüße (all) $x `id` 'y'" in primary.repository.show("example.org")


def test_nothing_from_outside_is_run_by_the_shell(tmp_path: Path) -> None:
    programs, clone = tmp_path / "bin", tmp_path / "clone"
    clone.mkdir()
    programs.mkdir()
    for name_, does in (("git", "echo ran"), ("dig", "echo ran"), ("mktemp", f"echo {clone}")):
        (programs / name_).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name_).chmod(0o755)
    place = GitPlace("ssh://git@h:22/~/a'; touch owned; '", "m;touch owned", "127.0.0.1;touch owned", 1)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "KEYFILE": "$(touch owned)"}
    words = ["sh", "-c", git_commands(FULL, place)]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path, env=environment
    )
    assert (done.returncode, done.stdout.count("ran")) == (0, 6)
    assert {path.name for path in tmp_path.rglob("*")} == {
        "bin",
        "clone",
        "git",
        "dig",
        "mktemp",
        "example.org",
    }
