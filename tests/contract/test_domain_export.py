"""An export after a pass over a real git host: its files are those of relay.git, byte for byte."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tenants.actions import aliases, mailboxes
from tenants.actor import Actor
from tenants.desired_export import desired_export
from tenants.formats.way_out.files import files_of
from tenants.models import Mailbox
from tenants.secrets import Opener
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = "relay.git/"


def test_the_files_of_users_are_those_of_the_repository(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox], tmp_path: Path
) -> None:
    make_mailbox()
    mailboxes.switch_mailbox(actor=alice, mailbox=make_mailbox("off"), enabled=False)
    domain = world.repository.domain
    assert domain is not None
    aliases.create_alias(actor=alice, domain=domain, local_part="team", delivers_to=["ada"])
    assert world.reconcile() is Ending.AGREED
    files = files_of(desired_export(domain, Opener(), datetime.now(UTC)))
    exported = {name.removeprefix(FOLDER): files[name].decode() for name in files if name.startswith(FOLDER)}
    assert exported == world.files()
    assert set(exported) == {"ada", "team"}
    tip = world.tip()
    _run_its_script(files, world, tmp_path)
    assert world.tip() == tip
    world.somebody_writes({"ada": None})
    _run_its_script(files, world, tmp_path)
    assert world.files() == exported


def _run_its_script(files: dict[str, bytes], world: RelayWorld, folder: Path) -> None:
    """As a person would, but for the way to the repository, which is on this machine."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    script = (folder / "relay.sh").read_text().replace(world.repository.remote, str(world.folder))
    (folder / "relay.sh").write_text(script)
    names = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(
        ["sh", str(folder / "relay.sh")],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder), **names},
        check=True,
        capture_output=True,
        timeout=30,
    )
