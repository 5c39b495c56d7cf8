"""docs/integrate.py and the commands of its page: run as a person would, against a real git host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from panel.cli.main import main
from tenants.actions import accounts
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.models import Domain, Repository
from tenants.secrets import Opener
from tests.contract.relay_world import RelayWorld
from tests.outward.servers import HOST, Server
from workers.errands.webhook_sender import WebhookSender, due_webhooks
from workers.sandbox.git_host import GitHost

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = pytest.mark.django_db(transaction=True)
DOMAIN = "integrated.example"


class Worker:
    """Does what a worker would, beside a program that waits for it."""

    def __init__(self, host: GitHost, folder: Path) -> None:
        self.host = host
        self.receiver = Server(folder)
        self.sender = WebhookSender(self.receiver.poster(), Opener())
        self.folder = folder
        self.world: RelayWorld | None = None

    def until_it_ends(self, words: list[str], **environment: str) -> str:
        with (self.folder / "said").open("w+") as said:
            program = subprocess.Popen(
                words,
                cwd=self.folder,
                env={**os.environ, "no_proxy": "*", **environment},
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            end = time.monotonic() + 60
            try:
                while program.poll() is None and time.monotonic() < end:
                    self._pass()
                    time.sleep(0.05)
            finally:
                program.kill()
            said.seek(0)
            text = said.read()
        assert program.wait() == 0, text[-3000:]
        return text

    def _pass(self) -> None:
        for webhook in due_webhooks(timezone.now()):
            self.sender.serve(webhook.pk)
        repository = Repository.objects.filter(path="relay.git").first()
        if repository is None:
            return
        if self.world is None:
            self.host.authorize(repository.public_key)
            self.world = RelayWorld.make(self.host, repository, self.folder / "mirrors")
        target = self.world.target
        target.refresh_from_db()
        if target.observed_generation < target.generation:
            self.world.reconcile()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with GitHost(tmp_path / "host", "127.0.0.1") as host:
        host.create_repository("relay.git")
        running = Worker(host, tmp_path)
        yield running
        if running.world is not None:
            running.world.kind.close()
        running.receiver.listener.close()


def test_the_way_from_nothing_to_the_proof(
    live_server: Any,
    olga: Actor,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cache.clear()
    _, key = accounts.create_token(actor=olga, name="integrating")
    host = worker.host
    place = [f"{host.host}:{host.port}", "relay.git", fingerprint(host.public_key)]
    script = [sys.executable, str(DOCS / "integrate.py"), "Integrated Society", DOMAIN, *place]
    hook = f"https://{HOST}:{worker.receiver.port}/told"
    there = {"ROOKERY_URL": live_server.url, "ROOKERY_TOKEN": key, "ROOKERY_WEBHOOK": hook}
    said = worker.until_it_ends(script, **there)
    assert worker.world is not None
    assert len(worker.world.files()) == 10
    assert f"commit {worker.world.tip()}" in said
    assert said.count(": proved, ") == 10
    assert f"{hook} was told, and answered: 10 × mailbox.created" in said
    assert len(worker.receiver.requests) >= 11
    assert all(b"webhook-signature: v1," in each for each in worker.receiver.requests)
    # Once more: it finds all of it done.
    again = worker.until_it_ends(script, **there)
    assert f"commit {worker.world.tip()}" in again
    assert Domain.objects.filter(name=DOMAIN).count() == 1
    _page(worker, live_server.url, key)
    _command_line(worker, monkeypatch, capsys, **there)


def _page(worker: Worker, url: str, key: str) -> None:
    page = (DOCS / "integrate.md").read_text()
    [python] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (worker.folder / "page.py").write_text(python)
    shell = [*re.findall(r"```sh\n(.*?)```", page, re.DOTALL), f"{sys.executable} page.py"]
    script = "\n".join(["set -euo pipefail", *shell])
    there = {"ROOKERY": url, "TOKEN": key, "DOMAIN": DOMAIN}
    said = worker.until_it_ends(["bash", "-c", script], **there)
    assert worker.world is not None
    assert f'"commit":"{worker.world.tip()}"' in said


def _command_line(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **there: str
) -> None:
    """`--wait` waits for the worker and prints the commit; what is asked in vain ends with another code."""
    change = ["mailboxes", "change", f"ada@{DOMAIN}", "--wait"]
    rookery = str(DOCS.parent / "bin" / "rookery")
    said = worker.until_it_ends([rookery, *change, "30", "--enabled", "no"], **there)
    assert worker.world is not None
    assert f"commit {worker.world.tip()}" in said
    assert "ada" not in worker.world.files()
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    assert main([*change, "0", "--note", "on leave"]) == 0
    assert "Nothing outside had to change." in capsys.readouterr().out
    assert main([*change, "0", "--enabled", "yes"]) == 7
    assert "accepted, but not proved" in capsys.readouterr().err


def test_the_page_has_its_commands() -> None:
    finder: Callable[[str], list[str]] = lambda kind: re.findall(  # noqa: E731
        rf"```{kind}\n", (DOCS / "integrate.md").read_text()
    )
    assert (len(finder("sh")), len(finder("python"))) == (2, 1)
