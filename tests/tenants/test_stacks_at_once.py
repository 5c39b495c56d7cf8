"""A mail stack made while somebody else changes its domain: both end."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from tenants.actions.locking import lock, lock_kept
from tenants.actor import Actor
from tenants.models import Domain, Stack, Zone
from tests.contract.host_world import own_images
from tests.stacking import build_site
from tests.tenants.test_at_once import at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stack_waits_for_its_domain_before_it_holds_anything(
    settings: Any, tmp_path: Path, alice: Actor, domain: Domain
) -> None:
    own_images(settings, tmp_path)
    site = build_site(alice, domain)
    held = threading.Event()

    def hold_the_domain_then_its_zone() -> None:
        with transaction.atomic():
            lock(Domain.objects.get(pk=domain.pk))
            held.set()
            if connection.vendor == "postgresql":
                until_somebody_waits()
            lock_kept(Zone.objects.get(domain=domain))

    def make() -> Stack:
        held.wait(10)
        return site.make()

    results = at_once(hold_the_domain_then_its_zone, make)
    assert refusals(results) == []
    assert Stack.objects.get() == results[1]


def until_somebody_waits() -> None:
    """Another transaction waits for a lock."""
    ends = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < ends:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
            time.sleep(0.02)
    raise AssertionError("nobody waited for the domain")
