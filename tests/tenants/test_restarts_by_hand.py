"""Which lines restart what reads a relay repository: real names where known, and the words of the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tenants.actions import domains
from tenants.actor import Actor
from tenants.models import Domain, Host, Image, Repository, Unikernel
from tenants.same_by_hand.hosts import host_by_hand, policy_by_hand, unikernel_by_hand
from tenants.same_by_hand.restarts import readers_by_hand
from tests.contract.host_world import own_images
from tests.stacking import Site, build_site

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
TLS = "-d rock.example:1025 --ca=ca.pem --ca-key=ca.key --server-ca=cacert.pem"


@pytest.fixture
def site(alice: Actor, domain: Domain, settings: Any, tmp_path: Path) -> Site:
    own_images(settings, tmp_path)
    return build_site(alice, domain)


def relay_of(domain: Domain) -> Repository:
    return Repository.objects.get(domain=domain, kind="relay")


def told(site: Site) -> list[str]:
    """The commands, without comments."""
    _, lines = readers_by_hand(relay_of(site.domain))
    assert lines[0].startswith("# ")
    return [line for line in lines if not line.startswith("#")]


def unikernel(site: Site, role: str, name: str, *arguments: str) -> Unikernel:
    image = Image.objects.get()
    Image.objects.filter(pk=image.pk).update(role=role)
    row = site.machine.unikernel(name, image=image, networks={"service": site.choices.network})
    Unikernel.objects.filter(pk=row.pk).update(arguments=list(arguments))
    return row


def test_of_a_stack_by_their_names_submission_first(site: Site) -> None:
    labels = site.make().release.labels  # type: ignore[union-attr]
    names, _ = readers_by_hand(relay_of(site.domain))
    assert names == [f"acme:{labels['submission']}", f"acme:{labels['relay']}"]
    assert told(site) == [f"albatross-client restart {name}" for name in names]
    Host.objects.update(release="2.5.1")  # whose restart loses compressed images
    first, second = told(site)
    assert first.startswith(f"albatross-client create {names[0]} ./")
    assert second.startswith(f"albatross-client create {names[1]} ./")
    assert first.endswith(" --force")
    assert "${SECRET_" in first + second
    Host.objects.update(release="1.5.3")
    assert all(line.startswith("albatross-client-local create acme:") for line in told(site))


def test_whoever_says_so_in_its_arguments_and_nobody_else_s(site: Site, alice: Actor) -> None:
    unknown = ['albatross-client restart "${SUBMISSION:?}"', 'albatross-client restart "${RELAY:?}"']
    assert told(site) == unknown
    assert readers_by_hand(relay_of(site.domain))[0] == ["submission", "relay"]
    row = unikernel(site, "submission", "door", f"--domain={site.domain}")
    assert told(site) == ["albatross-client restart acme:door", unknown[1]]
    Unikernel.objects.update(arguments=["--domain", str(site.domain)])
    assert told(site) == ["albatross-client restart acme:door", unknown[1]]
    Unikernel.objects.update(arguments=[f"--domain=not.{site.domain}"])
    assert told(site) == unknown
    other = domains.create_domain(actor=alice, organization=site.domain.organization, name="other.example")
    Unikernel.objects.update(arguments=[f"--domain={other}"])
    assert told(site) == unknown
    Unikernel.objects.filter(pk=row.pk).update(
        arguments=[f"--domain={site.domain}"], deleted_at=row.changed_at
    )
    assert told(site) == unknown


def test_a_host_that_is_reached_by_tls_is_spoken_to_there(site: Site) -> None:
    row = unikernel(site, "submission", "door", f"--domain={site.domain}")
    Host.objects.update(transport="tls", host="rock.example", port=1025, release="2.7.2")
    assert told(site)[0] == f"albatross-client restart {TLS} :door"
    share = site.machine.share
    share.host.refresh_from_db()
    seen = host_by_hand(share).split("\n")
    assert seen[1:] == [f"albatross-client {command} {TLS}" for command in ("info", "policy", "block")]
    assert "every command" in policy_by_hand(share)
    assert "albatross-client" not in policy_by_hand(share)
    row = Unikernel.objects.select_related("share__host").get(pk=row.pk)
    lines = unikernel_by_hand(row).split("\n")
    assert "group albatross" not in lines[0]
    assert any(line.startswith(f"albatross-client create {TLS} :door ./") for line in lines)
    assert f"albatross-client console {TLS} :door" in lines
    assert all(TLS in line for line in lines if "albatross-client " in line)
    Host.objects.update(release="1.5.3")  # its client for TLS is another one: on the host itself
    row = Unikernel.objects.select_related("share__host").get(pk=row.pk)
    assert "group albatross" in unikernel_by_hand(row)
    assert TLS not in unikernel_by_hand(row)
