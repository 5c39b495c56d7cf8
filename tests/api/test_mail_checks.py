"""Whether mail works, by the API: lines, waiting for a look, mutes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from panel.api import waiting
from tenants.actions import mail_checks
from tenants.actor import Actor
from tenants.formats.mail_checks import Finding, Level
from tests.api.client import Api
from tests.world import World

pytestmark = pytest.mark.django_db
CHECKS = "domains/example.org/mail-checks/"


def test_a_look_can_be_waited_for(
    api: Callable[..., Api], alice: Actor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api(alice)
    assert client.get(CHECKS).json()["level"] == "fail"

    def works(seconds: float) -> None:
        row = mail_checks.checks_of(world.domain)
        row.next_look_at = row.looked_at
        row.save()
        found = [Finding("mx", Level.OK, "Mail goes where it should.")]
        mail_checks.record_findings(
            actor=Actor.rookery(), check=row, findings=found, only=["mx"], at=row.looked_at
        )

    late = client.post(f"{CHECKS}again/?wait=0", {"check": "mx"})
    assert (late.status_code, late["Rookery-Observed"], late.json()["under_way"]) == (202, "false", True)
    monkeypatch.setattr(waiting, "pause", works)
    done = client.post(f"{CHECKS}again/?wait=5", {"check": "mx"})
    assert (done["Rookery-Observed"], done.json()["under_way"], done.json()["level"]) == ("true", False, "ok")
    [change] = client.get(f"{CHECKS}changes/?line=mx").json()["results"]
    assert (change["before"], change["after"]) == ("fail", "ok")


def test_muted_lines_count_no_more(api: Callable[..., Api], alice: Actor, world: World) -> None:
    client = api(alice)
    mute = {"line": "mx", "reason": "We move.", "until": world.names["soon"]}
    muted = client.post(f"{CHECKS}mute/", mute).json()
    assert (muted["level"], [each["line"] for each in muted["mutes"]]) == ("ok", ["mx", "spf"])
    assert client.post(f"{CHECKS}unmute/", {"line": "mx"}).json()["level"] == "fail"
    assert client.post(f"{CHECKS}unmute/", {"line": "mx"}).status_code == 409
    assert client.put(f"{CHECKS}elsewhere/", {"elsewhere": True}).json()["dns_elsewhere"] is True
