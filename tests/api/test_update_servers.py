"""The zone of a domain is begun at a name server of the same organization only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants.actions import domains, update_servers
from tenants.actor import Actor
from tenants.models import Domain, Organization, Zone
from tests.api.client import Api
from tests.world import UPDATE_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def test_what_another_organization_connected_does_not_exist(
    api: Callable[..., Api], alice: Actor, charlie: Actor, domain: Domain
) -> None:
    theirs = Organization.objects.get(name="Difference Works")
    domains.create_domain(actor=charlie, organization=theirs, name="difference.example")
    server = update_servers.connect_update_server(
        actor=alice, organization=domain.organization, name="ns1", address="9.9.9.9", key=UPDATE_KEY
    )
    for number in (server.pk, server.pk + 1000):
        answer = api(charlie).put("domains/difference.example/zone/", {"server": number})
        assert answer.status_code == 400
        assert [each["field"] for each in answer.json()["problems"]] == ["server"]
    assert not Zone.objects.exists()
    assert api(alice).put("domains/example.org/zone/", {"server": server.pk}).status_code == 201
