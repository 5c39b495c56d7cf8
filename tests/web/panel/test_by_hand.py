"""Every object shows the lines that do the same by hand, to those who may know the place they are about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tenants.actions import aliases, mailboxes, secondaries, signing_keys
from tenants.actor import Actor
from tenants.models import (
    AddressRequest,
    Domain,
    Host,
    Mailbox,
    Organization,
    SyncTarget,
    TsigKey,
)
from tests.contract.host_world import own_images
from tests.hosting import build_rock
from tests.tenants.zoning import MAIL, begin, put
from tests.web.people import check_page, text_of
from tests.world import HOST_KEY

pytestmark = pytest.mark.django_db
ZONE = "/d/example.org/dns"


def lines(client: Client, url: str) -> str:
    page = client.get(url)
    check_page(page)
    return text_of(page)


def test_addresses(
    as_alice: Client,
    ada: Client,
    alice: Actor,
    own: Mailbox,
    target: SyncTarget,
    waiting_request: AddressRequest,
) -> None:
    aliases.create_alias(actor=alice, domain=own.domain, local_part="team", delivers_to=["ada"])
    assert '"$HASH"' in lines(as_alice, "/d/example.org/addresses/ada")
    team = lines(as_alice, "/d/example.org/addresses/team")
    assert "> ./team" in team
    assert "HASH" not in team
    # Who only holds it is not told where the team keeps it.
    assert "git clone" not in lines(ada, "/d/example.org/addresses/ada")
    mailboxes.switch_mailbox(actor=alice, mailbox=own, enabled=False)
    assert "git rm --quiet --ignore-unmatch -- ./ada" in lines(as_alice, "/d/example.org/addresses/ada")
    assert f"> ./{waiting_request.local_part}" in lines(as_alice, f"/requests/{waiting_request.pk}")
    assert "ssh-keyscan -t ed25519 -- git.example.org" in lines(
        as_alice, "/d/example.org/settings/repository"
    )


def test_zones(as_alice: Client, alice: Actor, domain: Domain) -> None:
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    secondaries.add_secondary(
        actor=alice, zone=zone, host="ns6.gandi.example", address="127.0.0.40", transfer="key"
    )
    signing_keys.make_signing_key(actor=alice, domain=domain, selector="s1", algorithm="ed25519")
    shown = lines(as_alice, ZONE)
    assert "cat > example.org <<'END-OF-ZONE'" in shown
    assert "AXFR" in shown
    assert "update add example.org. 3600 MX 10 mail.example.org." in lines(
        as_alice, f"{ZONE}/record?owner=example.org&type=MX"
    )
    assert "update delete new.example.org. A" in lines(
        as_alice, f"{ZONE}/record?owner=new.example.org&type=A"
    )
    keys = lines(as_alice, f"{ZONE}/keys")
    key = TsigKey.objects.get(secondary__isnull=False)
    assert f"'Make the key {key.name}'" in keys
    assert "update add example.org. 3600 NS ns6.gandi.example." in lines(as_alice, f"{ZONE}/servers")
    assert "dig +short s1._domainkey.example.org TXT" in lines(
        as_alice, "/d/example.org/settings/signing-keys"
    )
    repository = zone.target.repository
    assert repository is not None
    assert "git config" not in lines(as_alice, f"{ZONE}/repository/{repository.pk}")
    assert "config receive.denyNonFastForwards true" in lines(
        as_alice, f"/d/example.org/git-host/{repository.pk}"
    )


def test_hosts(
    settings: Any, tmp_path: Path, as_alice: Client, as_olga: Client, organization: Organization
) -> None:
    own_images(settings, tmp_path)
    rock = build_rock(organization, HOST_KEY)
    share = rock.share
    Host.objects.update(release="2.7.2")
    host = lines(as_alice, f"/hosts/{share.pk}")
    assert f"albatross-client info --name={share.prefix}" in host
    assert f"albatross-client add-policy {share.prefix}" in host
    assert "ip link set dev spare up" in host
    unikernel = lines(as_alice, f"/unikernels/{rock.unikernel.pk}")
    assert '--arg=--seed="${SECRET_SEED:?}"' in unikernel
    assert "hunter2" not in unikernel
    Host.objects.update(release="1.5.0")
    volume = lines(as_alice, f"/hosts/{share.pk}/volumes/{rock.volume.pk}")
    assert f"albatross-client-local create_block {share.prefix}mail 8" in volume
    assert "sha256sum -c" in lines(as_alice, f"/images/{rock.image.pk}")
    rule = lines(as_olga, f"/hosts/{share.pk}/firewall/rules/{rock.firewall_rule.pk}")
    assert "iptables -t nat -C ROOKERY-DNAT -d 192.0.2.1/32" in rule
