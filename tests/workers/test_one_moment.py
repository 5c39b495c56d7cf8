"""What is written outside is what was asked for at one moment, whatever people change while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection

from tenants.actions import mailboxes, repositories, unikernels
from tenants.actor import Actor
from tenants.desired import desired_relay
from tenants.desired_host import desired_host
from tenants.formats.relay_entry import RelayEntry
from tenants.models import Domain, Mailbox, Organization, SyncTarget
from tenants.one_moment import one_moment
from tests.conftest import make_address
from tests.hosting import Machine, add_host, share_of
from tests.tenants.test_at_once import at_once
from workers.assembly import opener

pytestmark = pytest.mark.django_db(transaction=True)
MOST_QUERIES = 9


@pytest.fixture
def target(domain: Domain) -> SyncTarget:
    repository = repositories.connect_repository(
        actor=Actor.rookery(), domain=domain, host="127.0.0.9", path="relay.git"
    )
    return repository.sync_target


@pytest.fixture
def machine(alice: Actor, organization: Organization) -> Machine:
    host = add_host(alice, organization, transport="ssh", host="rock.example", username="rookery")
    return Machine(alice, host, share_of(host, organization))


@contextmanager
def after_query(number: int, act: Callable[[], object]) -> Iterator[list[str]]:
    """Somebody does that, and it is done, after that query of this thread; what was asked."""
    asked: list[str] = []

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if sql.startswith("SELECT"):
            asked.append(sql)
            if len(asked) == number:
                at_once(act)
        return found

    with connection.execute_wrapper(watch):
        yield asked


def test_an_address_is_as_it_was_or_as_it_is(alice: Actor, domain: Domain, target: SyncTarget) -> None:
    """Where only what changed since the proof is read, what changes now must not come by halves: without
    its targets it would be taken away."""
    mailbox = make_address(alice, domain)
    for number in range(1, MOST_QUERIES + 1):
        target.refresh_from_db()
        target.observed_generation = target.generation
        digest = f"{number:0128x}"
        change = partial(mailboxes.set_passphrase, actor=alice, mailbox=mailbox, password_hash=digest)
        with after_query(number, change) as asked:
            found = desired_relay(target, opener(), names=())
        after = {b"ada": RelayEntry(targets=("ada@home.example",), password=digest)}
        assert found.absent == frozenset()
        assert found.entries in ({}, after)
    assert len(asked) < MOST_QUERIES


def test_a_unikernel_is_as_it_was_or_as_it_is(machine: Machine) -> None:
    row = machine.unikernel(arguments=["--seed={secret:s0}"], secrets={"s0": "0"})
    for number in range(1, MOST_QUERIES + 1):
        change = partial(
            unikernels.change_unikernel,
            actor=machine.actor,
            unikernel=row,
            arguments=[f"--seed={{secret:s{number}}}"],
            secrets={f"s{number - 1}": None, f"s{number}": str(number)},
        )
        target = machine.target
        with after_query(number, change) as asked:
            [found] = desired_host(target, opener()).unikernels
        assert found.arguments in ((b"--seed=%d" % (number - 1),), (b"--seed=%d" % number,))
        if len(asked) < number:
            break
    assert len(asked) < MOST_QUERIES


def test_nobody_waits_for_it_and_nothing_is_written_in_it(domain: Domain, alice: Actor) -> None:
    mailbox = make_address(alice, domain)
    switch = partial(mailboxes.switch_mailbox, actor=alice, mailbox=mailbox, enabled=False)
    connection.close()  # as after a task: it is opened again for this
    with one_moment():
        assert Mailbox.objects.get(pk=mailbox.pk).enabled
        at_once(switch)
        assert Mailbox.objects.get(pk=mailbox.pk).enabled
        with pytest.raises(DatabaseError):
            Mailbox.objects.filter(pk=mailbox.pk).update(note="written")
    mailbox.refresh_from_db()
    assert (mailbox.enabled, mailbox.note) == (False, "")
    Mailbox.objects.filter(pk=mailbox.pk).update(note="written")
