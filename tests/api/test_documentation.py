"""docs/api.md says what is so: each of its commands is run, by the shell and curl, against a real server."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache

from panel.api import bulk, fields, throttling
from panel.cli.failures import CODES
from tenants import answers
from tenants.actions import accounts
from tenants.actor import Actor
from tenants.formats.solo5_image import MOST_IMAGE
from tenants.models import Image, Mailbox
from tests.contract.host_world import own_images
from tests.hosting import WITH_DISK
from tests.world import World

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_the_commands_do_what_the_page_says(
    live_server: Any, world: World, alice: Actor, settings: Any, tmp_path: Path
) -> None:
    assert shutil.which("curl")
    own_images(settings, tmp_path)
    (tmp_path / "relay.hvt").write_bytes(WITH_DISK)
    cache.clear()
    _, key = accounts.create_token(actor=alice, name="documentation")
    script = "\n".join(["set -euo pipefail", *blocks()])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "ROOKERY": live_server.url, "TOKEN": key, "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
    mary, grace = Mailbox.objects.get(local_part="mary"), Mailbox.objects.get(local_part="grace")
    assert (mary.note, mary.trashed_at is not None) == ("Analyst", True)
    assert grace.note == "Navy"
    image = Image.objects.get(sha256=hashlib.sha256(WITH_DISK).hexdigest())
    assert (image.name, image.role) == ("relay", "relay")


@pytest.mark.django_db(transaction=True)
def test_the_command_line_does_what_its_page_says(
    live_server: Any, world: World, alice: Actor, tmp_path: Path
) -> None:
    cache.clear()
    _, key = accounts.create_token(actor=alice, name="documentation")
    page = PAGE.with_name("command-line.md").read_text()
    script = "\n".join(["set -euo pipefail", *re.findall(r"```sh\n(.*?)```", page, re.DOTALL)])
    path = f"{PAGE.parents[1] / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "ROOKERY_URL": live_server.url, "ROOKERY_TOKEN": key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
    mary = Mailbox.objects.get(local_part="mary")
    assert (mary.note, mary.expires_at) == ("Navy", None)
    assert Mailbox.objects.get(local_part="lynn").sealed_hash
    assert all(f"| {code} | {told} |" in page for code, told in CODES.items())


def test_the_limits_are_those_that_hold() -> None:
    text = " ".join(PAGE.read_text().split())
    limits = [
        f"may read {throttling.READS.count} and write {throttling.WRITES.count} times",
        f"ask {throttling.ANONYMOUS.count} times",
        f"up to {settings.DATA_UPLOAD_MAX_MEMORY_SIZE >> 20} MiB",
        f"up to {MOST_IMAGE >> 20} MiB",
        f"does up to {bulk.MOST} writes",
        f"{int(answers.LIFETIME.total_seconds()) // 3600} hours",
    ]
    assert [each for each in limits if each not in text] == []
    assert {throttling.READS.seconds, throttling.WRITES.seconds, throttling.ANONYMOUS.seconds} == {60}
    assert fields.LONGEST_WAIT == 10
    assert "(ten at most)" in text
    assert "(100 unless you say otherwise, 200 at most)" in text
    limit = fields.PageQuery().fields["limit"]
    assert (limit.default, limit.max_value) == (100, 200)


def test_every_section_has_its_commands() -> None:
    text = PAGE.read_text()
    for word in ("dry_run=true", "wait=", "If-Match", "Idempotency-Key", "/bulk/", "order=", "octet-stream"):
        assert any(word in block for block in blocks()), word
    assert len(text.splitlines()) < 130
