"""`manage.py up`, whole: it starts, tells where it is, does the story, starts again and leaves nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.processes.running import (
    ROOT,
    START_SECONDS,
    Up,
    clean_environment,
    free_port,
    processes,
    running,
    until,
)

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    with running(tmp_path, ROOKERY_SWEEP_SECONDS="1") as up:
        yield up


def test_it_starts_tells_the_story_and_leaves_nothing_then_starts_again(up: Up) -> None:
    link = up.start()
    assert up.get("/healthz") == (200, '{"ok": true}')
    assert json.loads(up.get("/readyz")[1])["ok"]
    tell_the_story(up, link)
    assert up.stop(signal.SIGINT) == 0
    assert up.nothing_is_left(), processes(up.mark)
    assert not list(Path(tempfile.gettempdir()).glob("rookery-*/broker.sock"))
    assert "Traceback" not in up.text()

    again = up.start()
    assert again != link
    assert up.get("/healthz")[0] == 200
    assert up.text().count("seeded") == 1
    assert "Traceback" not in up.text()
    hanging_git_hosts_delay_neither_mails_nor_the_sweep(up)
    second = up.refusal(ROOKERY_PORT=str(free_port()))
    assert f"already (process {up.pid})" in second
    assert "choose another data folder" in second
    # Even killed, it takes its children along.
    up.stop(signal.SIGKILL)
    until(up.nothing_is_left, "the children of a killed parent end")


def test_stopped_while_it_starts_it_leaves_nothing_and_says_so_calmly(up: Up) -> None:
    up.spawn()
    until(lambda: "sandbox  process" in up.text(), "the first children", START_SECONDS)
    assert up.stop(signal.SIGTERM) == 0
    assert up.nothing_is_left(), processes(up.mark)
    assert up.text().splitlines()[-1] == "Stopped."
    assert "Traceback" not in up.text()


def test_what_cannot_be_used_is_answered_with_the_fix(up: Up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"ROOKERY_PORT={port + 1}" in up.refusal(ROOKERY_PORT=str(port))
    for wrong in ("0", "70000", "http"):
        assert "ROOKERY_PORT" in up.refusal(ROOKERY_PORT=wrong)
    assert "leave REDIS_URL out" in up.refusal(REDIS_URL="redis://127.0.0.1:1/0")
    assert up.nothing_is_left()


def tell_the_story(up: Up, link: str) -> None:
    for program in ("curl", "b2sum"):
        assert shutil.which(program), f"{program} is missing: the story is told by curl"
    done = subprocess.run(
        ["sh", str(ROOT / "docs" / "story.sh"), link, str(up.data)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{up.text()}"
    assert done.stdout.splitlines()[-1] == "arrived"


CONNECT = """
from tenants.actions import domains, repositories
from tenants.actor import Actor
from tenants.models import Organization
actor, organization = Actor.rookery(), Organization.objects.get(name="Analytical Society")
for number in range(5):
    domain = domains.create_domain(actor=actor, organization=organization, name=f"hangs{number}.example")
    repositories.connect_repository(
        actor=actor, domain=domain, host="127.0.0.1", port=%d, path=f"{number}.git"
    )
"""


def hanging_git_hosts_delay_neither_mails_nor_the_sweep(up: Up) -> None:
    with Tarpit() as tarpit:
        assert up.manage("shell", "-v", "0", "-c", CONNECT % tarpit.port) == ""
        # Nothing tells a worker of these but the sweep: they were connected by a process without a broker.
        until(lambda: len(tarpit.held) >= 3, "all places of the worker are taken")
        body = {
            "local_part": "quick",
            "target": "quick@harbour.example",
            "password_hash": hashlib.blake2b(b"quick-otter-slate").hexdigest(),
        }
        assert up.post("/api/v1/public/domains/example.org/requests/", body) == 202
        letters = up.data / "sandbox" / "mail" / "quick@harbour.example" / "new"
        until(lambda: letters.is_dir() and any(letters.iterdir()), "the mail arrives")
        assert tarpit.given_up == 0


class Tarpit:
    """Takes connections and says nothing, as a host does whose disk hangs."""

    def __init__(self) -> None:
        self.held: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Tarpit:
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self.held:
            each.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self.held.append(self._listener.accept()[0])

    @property
    def given_up(self) -> int:
        """How many of those who came have left."""
        return sum(1 for each in self.held if has_left(each))


def has_left(connection: socket.socket) -> bool:
    connection.setblocking(False)
    with suppress(BlockingIOError):
        while data := connection.recv(4096):
            assert data
        return True
    return False
