"""Kinds of work do not stand in each other's way: two hosts that hang delay no password change."""

from __future__ import annotations

from panel.management.commands.up import WORKERS
from tenants.models import SyncTarget
from workers.celery import QUEUES


def queues_of(words: list[str]) -> set[str]:
    [listed] = [word.removeprefix("--queues=") for word in words if word.startswith("--queues=")]
    return set(listed.split(","))


def test_every_queue_has_a_worker_and_every_kind_a_queue() -> None:
    served = [queues_of(words) for words in WORKERS.values()]
    assert set().union(*served) == set(QUEUES)
    assert set(SyncTarget.Kind.values) <= set(QUEUES)


def test_processes_that_wait_for_hosts_do_nothing_else() -> None:
    [keeper] = [queues_of(words) for words in WORKERS.values() if "albatross_host" in queues_of(words)]
    assert keeper == {"albatross_host", "firewall"}
    assert {"mail_checks"} in [queues_of(words) for words in WORKERS.values()]
