"""The broker hangs or dies while people work: their request succeeds, and the sweep pushes it later."""

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

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240), pytest.mark.one_database]


def test_what_is_written_without_a_broker_is_pushed_when_it_is_back(
    workers: Crew, connect: Callable[[str], Relay], alice: Actor
) -> None:
    hung, dead = connect("hung"), connect("dead")
    for relay in (hung, dead):
        make_address(alice, relay.domain)
    _, key = accounts.create_token(actor=alice, name="program")
    # After it failed, a web process leaves the broker alone for a while.
    programs = {relay.domain: Visitor(workers.start_web(), key) for relay in (hung, dead)}
    for program in programs.values():
        program.call("GET", "account/")  # the first request of a process loads half of it
    workers.start_worker()
    beat = workers.start_beat()
    for relay in (hung, dead):
        relay.until_agreed()
    beat.kill()

    def change(relay: Relay, to: str) -> float:
        path = f"mailboxes/ada@{relay.domain}/passphrase/"
        return programs[relay.domain].call("PUT", path, password_hash=digest(to)).seconds

    # No sweep: a hint alone brings it there.
    change(hung, "first")
    hung.until_agreed()
    assert digest("first") in hung.git("show", "main:ada")

    workers.broker.signal(signal.SIGSTOP)
    assert change(hung, "second") < 8
    assert f"no hint for reconcile {hung.target.pk}" in workers.said()
    workers.broker.kill()
    assert change(dead, "third") < 5
    assert f"no hint for reconcile {dead.target.pk}" in workers.said()
    assert not dead.row().in_agreement
    workers.broker.start()
    workers.start_beat()
    for relay, last in ((hung, "second"), (dead, "third")):
        relay.until_agreed()
        assert digest(last) in relay.git("show", "main:ada")
    assert (hung.commits(), dead.commits()) == (3, 2)
    assert "/100)" not in workers.said(), "a worker waits for its broker as long as it takes"


def digest(passphrase: str) -> str:
    return hashlib.blake2b(passphrase.encode()).hexdigest()
