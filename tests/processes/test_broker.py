"""The broker dies or hangs while people work: their request succeeds, and the sweep pushes it later."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable

import pytest

from tenants.actions import accounts
from tenants.actor import Actor
from tests.conftest import make_address
from tests.processes.client import Visitor
from tests.processes.conftest import Relay
from tests.processes.crew import Crew

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


def test_what_is_written_without_a_broker_is_pushed_when_it_is_back(
    workers: Crew, connect: Callable[[str], Relay], alice: Actor
) -> None:
    relay = connect("example")
    make_address(alice, relay.domain)
    _, key = accounts.create_token(actor=alice, name="program")
    bases = [workers.start_web() for _ in range(3)]
    workers.start_worker()
    beat = workers.start_beat()
    relay.until_agreed()
    beat.kill()

    def change(base: str) -> tuple[str, float]:
        digest = hashlib.blake2b(base.encode()).hexdigest()
        done = Visitor(base, key).call(
            "PUT", f"mailboxes/ada@{relay.domain}/passphrase/", password_hash=digest
        )
        return digest, done.seconds

    # No sweep: hints alone bring it there.
    digest, _ = change(bases[0])
    relay.until_agreed()
    assert digest in relay.git("show", "main:ada")

    workers.broker.kill()
    digest, seconds = change(bases[1])
    assert seconds < 5
    assert "no hint for reconcile" in workers.said()
    assert not relay.row().in_agreement
    workers.broker.start()
    workers.start_beat()
    relay.until_agreed()
    assert digest in relay.git("show", "main:ada")

    workers.broker.signal(signal.SIGSTOP)
    digest, seconds = change(bases[2])
    assert seconds < 8
    workers.broker.signal(signal.SIGCONT)
    relay.until_agreed()
    assert digest in relay.git("show", "main:ada")
    assert relay.commits() == 4
