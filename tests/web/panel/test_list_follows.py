"""The list of addresses while changes are on their way: a few rows ask alone, many ask together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.models import Mailbox, SyncTarget
from tests.web.panel.world import Outside

pytestmark = pytest.mark.django_db
LIST = "/d/example.org/addresses"


def test_many_rows_ask_in_one_request(
    as_alice: Client, target: SyncTarget, make_mailbox: Callable[..., Mailbox], outside: Outside
) -> None:
    for number in range(5):
        make_mailbox(f"m{number}")
    few = as_alice.get(LIST).content.decode()
    assert (few.count("/row?look=1"), f"{LIST}?look=" in few) == (5, False)
    make_mailbox("m5")
    many = as_alice.get(f"{LIST}?q=m").content.decode()
    assert (many.count("/row?look="), many.count(f'hx-get="{LIST}?q=m&amp;look=1"')) == (0, 1)
    together = {"HX-Request": "true", "HX-Target": "address-rows"}
    again = as_alice.get(f"{LIST}?q=m&look=7", headers=together).content.decode()
    assert again.count(f'hx-get="{LIST}?q=m&amp;look=8"') == 1
    assert "<html" not in again
    # It stops one day, also when nothing is ever proved.
    assert f'hx-get="{LIST}' not in as_alice.get(f"{LIST}?q=m&look=30", headers=together).content.decode()
    outside.reconcile(target)
    assert 'aria-live="off">' in as_alice.get(f"{LIST}?q=m", headers=together).content.decode()
