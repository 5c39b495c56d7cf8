"""What a person takes along: files that other programs read, sealed so that only they can open them."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import tarfile
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from stat import S_IMODE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.firewall.rules import Chain, Rule, Target
from tenants.formats.relay_entry import NO_LOGIN, RelayEntry, emit
from tenants.formats.solo5_image import read_image
from tenants.formats.text import FormatError
from tenants.formats.unikernels import WantedUnikernel
from tenants.formats.way_out.archive import new_key, opened, packed, sealed
from tenants.formats.way_out.export import (
    DomainExport,
    ExportedHost,
    ExportedUnikernel,
    IdleAddress,
    KnownCertificate,
    PublicKey,
    SignerKey,
)
from tenants.formats.way_out.files import files_of
from tenants.formats.way_out.postfix import virtual_alias_maps
from tenants.formats.zones.commands import GitPlace
from tenants.formats.zones.keyfile import TsigKey, read_keys
from tenants.formats.zones.names import Name
from tests.hosting import NETWORKED
from tests.zone.servers import program
from tests.zones.examples import ORIGIN, zone

HASH, SEED, SECRET = "2f" * 64, "c2VlZCBvZiBhIHNpZ25lciwgc2VjcmV0Lg==", b64encode(bytes(32)).decode()
AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
PLACE = GitPlace("ssh://git@git.example:22/~/zone.git", "main", "192.0.2.53", 53)
RELAY = WantedUnikernel(
    "relay",
    "ab" * 32,
    read_image(NETWORKED),
    64,
    arguments=(b"--seed=top secret", b"--two=lines\nhere"),
    shown=("--seed={secret:seed}",),
)
WHOLE = DomainExport(
    domain="example.org",
    made_at=AT,
    entries={
        "ada": RelayEntry(("ada@home.example", "a@work.example"), HASH),
        "team": RelayEntry(("t@x.example",), NO_LOGIN),
    },
    idle=(IdleAddress("babbage", "switched off", ("charles@engine.example",), HASH),),
    users=GitPlace("ssh://git@git.example:22/~/relay.git", "main", "", 0),
    zone=zone(),
    zones=PLACE,
    keys=(
        TsigKey(Name.of("a._update.example.org"), "SHA256", SECRET),
        TsigKey(Name.of("b._transfer.example.org"), "SHA512", SECRET),
    ),
    signers=(
        SignerKey("s1", "rsa-2048", "s1._domainkey.example.org", "v=DKIM1; p=AA", False, SEED, "PEM\n"),
    ),
    certificates=(KnownCertificate("example.org", "It is valid."),),
    public_keys=(PublicKey("Rookery writes relay.git", "ssh-ed25519 AAAA rookery-1"),),
    hosts=(
        ExportedHost(
            "a rock/../b",
            "acme",
            (2, 7),
            (ExportedUnikernel("acme:relay", RELAY, True, {"seed": "top secret"}),),
            (("mail", 8),),
            {4: (Rule(Chain.DNAT, Target.DNAT, IPv4Network("192.0.2.1/32"), to="10.0.0.5:25"),), 6: ()},
        ),
    ),
    gaps=("The keys of the whole repository.",),
)


def test_each_file_says_the_same_as_rookery() -> None:
    files = files_of(WHOLE)
    assert files["relay.git/ada"] == emit(WHOLE.entries["ada"])
    users = {row["address"]: row for row in json.loads(files["users.json"])}
    assert users["babbage@example.org"]["state"] == "switched off"
    assert [users[f"{name}@example.org"]["blake2b_512"] for name in ("ada", "team")] == [HASH, ""]
    assert set(read_keys(files["dns/ptt/example.org._keys"], ORIGIN).keys) == set(WHOLE.keys)
    assert f'key "a._update.example.org" {{ algorithm hmac-sha256; secret "{SECRET}"' in str(
        files["dns/named.conf"], "ascii"
    )
    assert 'allow-update { key "a._update.example.org"; }' in files["dns/named.conf"].decode()
    assert files["dkim/s1.seed"].decode().strip() == SEED
    assert "'--arg=--seed=top secret'" in files["albatross/a-rock-..-b.sh"].decode()
    assert "-A ROOKERY-DNAT" in files["firewall/a-rock-..-b.iptables.sh"].decode()
    assert json.loads(files["seeds.json"]) == {"a-rock-..-b acme:relay": {"seed": "top secret"}}
    assert files["postfix/sender_login"] == b"ada@example.org\tada\n"


def test_the_guide_names_every_file_the_days_and_what_is_missing() -> None:
    files = files_of(WHOLE)
    guide = files["README.md"].decode()
    for said in ("2026-11-21", "2026-11-23", "2026-11-30", "BLAKE2b-512", "Dovecot", "The keys of the whole"):
        assert said in guide
    told = [line.split("`")[1].rstrip("*") for line in guide.splitlines() if line.startswith("- `")]
    assert [path for path in files if path != "README.md" and not path.startswith(tuple(told))] == []
    assert HASH not in guide
    assert SECRET not in guide
    small = files_of(DomainExport("example.org", AT))
    assert set(small) == {
        "README.md",
        "users.json",
        "postfix/main.cf",
        "postfix/virtual",
        "postfix/sender_login",
    }


def test_every_script_is_one_and_no_repr_has_a_secret() -> None:
    for path, content in files_of(WHOLE).items():
        if path.endswith(".sh"):
            subprocess.run(["sh", "-n"], input=content, check=True, timeout=10)
    for secret in (HASH, SEED, SECRET, "top secret"):
        assert secret not in repr(WHOLE)


@pytest.mark.debian
def test_bind_loads_the_zone_and_takes_the_keys(tmp_path: Path) -> None:
    files = files_of(WHOLE)
    (tmp_path / "example.org.zone").write_bytes(files["dns/example.org.zone"])
    (tmp_path / "named.conf").write_bytes(
        b'options { directory "%s"; };\n' % bytes(tmp_path) + files["dns/named.conf"]
    )
    words = [program("named-checkconf"), "-z", str(tmp_path / "named.conf")]
    done = subprocess.run(words, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"zone example.org/IN: loaded serial 2026112101" in done.stdout


_LOCAL = st.from_regex(r"[a-z0-9](?:[._+-]?[a-z0-9]){0,20}", fullmatch=True)
_TARGETS = st.lists(st.builds("{}@{}.example".format, _LOCAL, st.sampled_from(["home", "work"])), max_size=4)


@given(st.dictionaries(_LOCAL, _TARGETS.map(lambda found: RelayEntry(tuple(found), NO_LOGIN)), max_size=5))
def test_postfix_reads_what_was_meant(entries: dict[str, RelayEntry]) -> None:
    read = {}
    for line in virtual_alias_maps("example.org", entries).splitlines():
        assert not line.startswith((" ", "\t", "#"))
        key, _, value = line.partition("\t")
        read[key] = tuple(each.strip() for each in value.split(","))
    wanted = {f"{name}@example.org": each.targets for name, each in entries.items() if each.targets}
    assert read == wanted


def test_only_the_key_opens_the_archive_and_only_the_owner_reads_the_files() -> None:
    key = new_key()
    archive = packed({"a.sh": b"#!/bin/sh\n", "b/c": b"secret"}, "example.org", AT)
    box = sealed(archive, key.public)
    assert b"secret" not in box
    assert key.private not in repr(key)
    assert opened(box, f" {key.private}\n") == archive
    for wrong in ("", "é", key.private[:-2], new_key().private, "!" * 43):
        with pytest.raises(FormatError) as refused:
            opened(box, wrong)
        assert key.private not in str(refused.value)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {each.name: S_IMODE(each.mode) for each in tar}
    assert found == {"example.org/a.sh": 0o700, "example.org/b/c": 0o600}
    assert packed({"b/c": b"secret", "a.sh": b"#!/bin/sh\n"}, "example.org", AT) == archive


def test_a_script_of_a_host_does_nothing_to_what_is_stopped() -> None:
    host = replace(WHOLE.hosts[0], unikernels=(replace(WHOLE.hosts[0].unikernels[0], is_running=False),))
    text = files_of(replace(WHOLE, hosts=(host,)))["albatross/a-rock-..-b.sh"].decode()
    done = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert done == ["set -eu", shlex.join(["albatross-client", "create-block", "acme:mail", "8"])]
