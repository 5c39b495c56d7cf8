"""The page that says whether a host is ready, and has it prepared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tenants.actor import Actor
from tenants.models import Domain, HostPreparation
from tests.as_if import CHECKSUM
from tests.hosting import build_rock
from tests.web.people import check_page, text_of
from tests.world import HOST_KEY

pytestmark = pytest.mark.django_db


def test_from_a_look_to_what_was_agreed(
    as_olga: Client, as_alice: Client, alice: Actor, domain: Domain
) -> None:
    rock = build_rock(domain.organization, HOST_KEY)
    at = f"/hosts/{rock.bare_host.pk}/prepare"
    page = as_olga.get(at)
    check_page(page)
    for said in ("The tender of Solo5 answers", "Its SSH key was compared", "has no network there"):
        assert said in text_of(page)
    assert "sysctl -w net.ipv4.ip_forward=1" in text_of(page)
    check_page(as_alice.get(at))
    assert "Do exactly this" not in text_of(as_alice.get(at))
    assert as_alice.post(at, {"username": "root"}).status_code == 403
    bad = as_olga.post(at, {"username": "a b", "key_fingerprint": "zz"})
    assert bad.status_code == 400
    assert "is no fingerprint" in text_of(bad)
    done = as_olga.post(f"{at}/do", {"plan": CHECKSUM}, follow=True)
    check_page(done)
    assert HostPreparation.objects.get().asked == "prepare"
    assert "data-live-final" not in as_olga.get(at, headers={"HX-Request": "true"}).content.decode()
    waiting = as_olga.get(f"/hosts/{rock.share.pk}/prepare")
    check_page(waiting)
    assert "Nothing is sent" in text_of(waiting)


def test_the_sandbox_needs_no_preparation(
    as_olga: Client, domain: Domain, settings: Any, tmp_path: Path
) -> None:
    rock = build_rock(domain.organization, HOST_KEY)
    host = rock.bare_host.host
    told: dict[str, Any] = {"release": "2.7.2", "bridges": [], "host_key": HOST_KEY, "images": []}
    told["ways"] = {"ssh": {"host": host.host, "port": host.port}, "tls": {}, "local": {}}
    (tmp_path / "addresses.json").write_text(json.dumps({"albatross": told}))
    settings.SANDBOX, settings.SANDBOX_CONTROL = True, tmp_path / "control.sock"
    page = as_olga.get(f"/hosts/{rock.bare_host.pk}/prepare")
    check_page(page)
    assert "Nothing to prepare" in text_of(page)
    assert "Look at the host" not in text_of(page)
    assert "Nothing to prepare" not in text_of(as_olga.get(f"/hosts/{rock.share.pk}/prepare"))
