"""A small file server for tests that need a real browser, and a domain with a relay."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tenants.actions import accounts
from tenants.models import Account, Domain, Mailbox, Repository, SyncTarget
from tests.web.people import signed_in

PROJECT = Path(__file__).resolve().parents[2]


class _QuietFiles(SimpleHTTPRequestHandler):
    """Files of one folder; module scripts get their media type whatever the machine's table says."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}
    timeout = 10

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture(autouse=True, scope="session")
def collected_static_folder() -> None:
    """WhiteNoise wants the folder of collected files to exist, also when it is empty."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def make_relay(domain: Domain) -> Callable[[], SyncTarget]:
    """Gives the domain a relay repository, as connecting one leaves it; no worker has looked yet."""

    def make() -> SyncTarget:
        repository = Repository.objects.create(
            organization=domain.organization,
            domain=domain,
            host="git.example.org",
            path="relay.git",
            public_key="ssh-ed25519 AAAA",
            sealed_key=b"x",
        )
        return SyncTarget.objects.create(
            kind=SyncTarget.Kind.RELAY_REPOSITORY,
            organization=domain.organization,
            repository=repository,
            marked_at=timezone.now(),
        )

    return make


@pytest.fixture
def holder() -> Account:
    """Somebody who holds an address and is member of nothing."""
    return accounts.account_for("ada@home.example")


@pytest.fixture
def own(make_mailbox: Callable[..., Mailbox], holder: Account) -> Mailbox:
    return make_mailbox(holder=holder)


@pytest.fixture
def ada(holder: Account) -> Client:
    return signed_in(holder)


@pytest.fixture
def quick_passwords(settings: Any) -> None:
    """A hasher that costs nothing, for tests that try many passwords."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def static_files_url() -> Iterator[str]:
    """The base URL, without a slash at the end, under which `static/` is served on 127.0.0.1."""
    handler = functools.partial(_QuietFiles, directory=str(PROJECT / "static"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(timeout=5)
