"""The checks in a sandbox: everything that they ask is on this machine, and what they say of it is true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import domains
from tenants.actions.mail_checks import checks_of
from tenants.actor import Actor
from tenants.formats.mail_checks import Level
from tenants.formats.zones.data.simple import A
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.models import Domain, MailCheck, Organization
from tests.sandbox.world import UserRepository, entry
from workers import check_assembly
from workers.sandbox.control import Addresses, Sandbox
from workers.sandbox.git_host import GitHost
from workers.sandbox.names import HostedView
from workers.zone import Change, Server, parse_key, update

pytestmark = pytest.mark.django_db
NAME = "handmade.example"


@pytest.fixture
def sandbox(tmp_path: Path, settings: Any) -> Iterator[Sandbox]:
    repository = UserRepository(tmp_path / "repositories" / "our.git")
    repository.commit({"john": entry("jane@ext.test")})
    addresses = Addresses(block=46, free_ports=True)
    host = GitHost(tmp_path / "repositories", addresses.git()[0])
    with Sandbox(
        tmp_path, git_host=host, repositories=tmp_path / "repositories", addresses=addresses
    ) as made:
        made.add_domain(NAME, repository.path, "main")
        status = made.status()
        name_servers, resolver = status["primary"], status["resolver"]
        servers: dict[str, list[object]] = {
            "submission" if role["role"] == "submission" else "incoming": [role["host"], role["port"]]
            for role in status["roles"]
        }
        registry = name_servers["registry"]
        told = {
            "primary": {
                "address": [name_servers["host"], name_servers["port"]],
                "above": [registry["host"], registry["port"]],
            },
            "domains": {NAME: servers},
            "door": list(status["door"].values()),
            "ca_file": status["ca_file"],
        }
        (tmp_path / "addresses.json").write_text(json.dumps(told))
        settings.SANDBOX, settings.SANDBOX_CONTROL = True, tmp_path / "control.sock"
        settings.RESOLVERS = ((resolver["host"], resolver["port"]),)
        check_assembly.the_checker.cache_clear()
        yield made
        check_assembly.the_checker.cache_clear()


def lead(sandbox: Sandbox, name: str, address: IPv4Address, before: IPv4Address | None) -> None:
    """Lead a name of the zone, which was made by hand, to another mail server."""
    primary = sandbox.status()["primary"]
    owner = Name.of(name)
    there = (before.packed,) if before else ()
    changes = [Change(owner, "A", there, RecordSet(owner, 300, [A(address)]))]
    server = Server(primary["host"], primary["port"])
    update(server, Name.of(NAME), parse_key(sandbox.root_key()), changes)


def look(domain: Domain) -> dict[str, str]:
    row = checks_of(domain)
    MailCheck.objects.filter(pk=row.pk).update(next_look_at=timezone.now() - timedelta(seconds=1))
    assert check_assembly.the_checker().look(row.pk)
    return dict(row.lines.values_list("line", "level"))


def test_the_checks_of_a_domain_of_the_sandbox(
    sandbox: Sandbox, alice: Actor, organization: Organization
) -> None:
    relay = IPv4Address(next(role["host"] for role in sandbox.status()["roles"] if role["role"] == "relay"))
    lead(sandbox, f"mx.{NAME}", relay, IPv4Address(HostedView().ask(f"mx.{NAME}", "A").records[0]))
    lead(sandbox, f"smtp.{NAME}", relay, None)
    domain = domains.create_domain(actor=alice, organization=organization, name=NAME)
    Domain.objects.filter(pk=domain.pk).update(submission_host=f"smtp.{NAME}")
    domain.refresh_from_db()
    levels = look(domain)
    bad = {line.partition(":")[0] for line, level in levels.items() if level in (Level.FAIL, Level.WARN)}
    assert bad == {"port-25", "open-relay"}, "as ptt's servers are: no TLS, and they take mail for anybody"
    assert not {Level.UNKNOWN, Level.WAITING} & set(levels.values())
    door = sandbox.status()["door"]["host"]
    lead(sandbox, f"mx.{NAME}", IPv4Address(door), relay)
    levels = look(domain)
    assert not {Level.FAIL, Level.WARN, Level.UNKNOWN} & set(levels.values())
    assert levels[f"port-25:mx.{NAME} {door}"] == levels[f"open-relay:mx.{NAME} {door}"] == Level.OK
