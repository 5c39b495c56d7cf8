"""DNS by hand, run for real: keys in zone.git, record sets and secondaries by nsupdate, at ptt's primary."""

from __future__ import annotations

import os
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

from tenants.formats.by_hand import dns, git
from tenants.formats.git_access import git_only_line
from tenants.formats.sshkeys import fingerprint
from tenants.formats.zones.commands import GitPlace
from tenants.formats.zones.data.simple import TXT
from tenants.formats.zones.keyfile import TsigKey, read_keys
from tenants.formats.zones.names import ROOT, Name
from tests.zone.world import PUBLIC, ROOT_KEYS, SECRET, TEXT, ZONE, running_primary, zone_key
from tests.zones.examples import name, records
from workers.zone import transfer

pytestmark = pytest.mark.debian
KEY = Name.of("a._update.example.org")
OTHER = Name.of("b._transfer.example.org")


def run(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "Ada", f"GIT_{who}_EMAIL": "ada@example.org"}
    return subprocess.run(
        ["sh"],
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment | more,
        cwd=folder,
    )


def test_keys_records_and_secondaries(tmp_path: Path) -> None:
    with running_primary(tmp_path / "p", {"example.org": TEXT, "_keys": ROOT_KEYS}) as primary:
        at = (primary.server.address, primary.server.port)
        place = GitPlace(str(primary.repository.path), "main", *at)

        def do(script: str, **more: str) -> str:
            assert SECRET not in script
            done = run(script, tmp_path, **more)
            assert done.returncode == 0, done.stderr
            return done.stdout

        # The file of a key that is known, from its secret.
        do(dns.key_file_commands("panel._update.", "SHA256", "look there"), SECRET=SECRET)
        root = str((tmp_path / "rookery.key").rename(tmp_path / "root.key"))

        # A new key, then another beside it; a second time its secret is another one.
        for key in (KEY, OTHER):
            do(dns.make_key_commands(place, ZONE, key, "SHA256"), KEYFILE=root)
        first = {each.name: each.secret for each in keys_of(primary.repository.show("example.org._keys"))}
        assert set(first) == {KEY, OTHER}
        do(dns.make_key_commands(place, ZONE, KEY, "SHA512"), KEYFILE=root)
        second = {each.name: each for each in keys_of(primary.repository.show("example.org._keys"))}
        assert second[KEY].algorithm == "SHA512"
        assert second[KEY].secret != first[KEY]
        assert second[OTHER].secret == first[OTHER]

        # The primary took it up: it changes records with it.
        do(dns.key_file_commands(str(KEY), "SHA512", "look there"), SECRET=second[KEY].secret)
        own = str(tmp_path / "rookery.key")
        text = records("text", TXT("'$(touch owned)` END\\ é".encode()), ttl=60)
        assert "touch owned" in do(dns.record_set_commands(*at, ZONE, text), KEYFILE=own)
        secondary = dns.secondary_commands(at, ZONE, name("ns2"), ip_address("127.0.71.9"))
        run(secondary, tmp_path, KEYFILE=own)  # nobody answers at the secondary itself
        do(dns.remove_record_set_commands(*at, ZONE, name("www"), "CNAME"), KEYFILE=own)
        looked = do(dns.zone_look_commands(*at, ZONE), KEYFILE=own)
        assert "ns2.example.org" in looked
        found = transfer(primary.server, ZONE, zone_key(str(KEY), "SHA512", second[KEY].secret)).sets
        assert found[text.key] == text
        assert (name("ns2"), "A") in found
        assert (name("www"), "CNAME") not in found
        assert not list(tmp_path.rglob("owned"))

        # Without its line in zone.git it opens nothing.
        do(dns.remove_key_commands(place, ZONE, KEY), KEYFILE=root)
        assert [each.name for each in keys_of(primary.repository.show("example.org._keys"))] == [OTHER]
        refused = run(dns.remove_record_set_commands(*at, ZONE, name("text"), "TXT"), tmp_path, KEYFILE=own)
        assert "BADKEY" in refused.stdout + refused.stderr

        # The git host's own key, as a person compares it.
        host = primary.host
        there = git.Repository(
            host.host, host.port, "git", "zone.git", "main", place.remote, git_only_line(PUBLIC)
        )
        scanned = run(git.reach_lines(there).splitlines()[1], tmp_path)
        assert fingerprint(host.public_key) in scanned.stdout, scanned.stderr


def keys_of(text: str) -> tuple[TsigKey, ...]:
    return read_keys(text.encode(), ROOT).keys
