"""The demo's albatross after a stop and a start: what ran runs again, as after an upgrade of the real one."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.albatross.conftest import QUICK
from tests.albatross.test_client import POLICY, WEB, config
from workers.albatross import Client, LocalDialer, dialect_of
from workers.albatross.names import Name
from workers.sandbox.albatross.demo import RELEASE, DemoHost


def client(folder: Path) -> Client:
    return Client(LocalDialer(folder), dialect_of(RELEASE), QUICK)


def test_unikernels_and_policies_come_back(tmp_path: Path) -> None:
    host = DemoHost(tmp_path / "albatross")
    host.start("127.0.0.1", 0)
    asked = client(host.folder)
    asked.set_policy(Name(("alice",)), POLICY)
    asked.create(WEB, config())
    policies, (before,) = asked.policies(), asked.unikernels()
    host.stop()
    kept = host.folder / "state"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600  # arguments are secrets
    again = DemoHost(host.folder)
    again.start("127.0.0.1", 0)
    try:
        assert asked.policies() == policies
        (after,) = asked.unikernels()
        assert (after.name, after.digest, after.settings) == (before.name, before.digest, before.settings)
    finally:
        again.stop()


def test_what_cannot_be_read_is_no_state(tmp_path: Path) -> None:
    host = DemoHost(tmp_path / "albatross")
    host.folder.mkdir()
    (host.folder / "state").write_bytes(b"\x00\x00\x00\x04abcd")
    host.start("127.0.0.1", 0)
    try:
        assert client(host.folder).unikernels() == ()
    finally:
        host.stop()
