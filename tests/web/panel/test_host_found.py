"""What was found on a host, on its page: taken over from there; and the question that comes with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actor import Actor
from tenants.models import Organization, Unikernel
from tests.contract.host_world import own_images
from tests.hosting import Machine, add_host, share_of
from tests.web.people import check_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(olga: Actor, organization: Organization, settings: Any, tmp_path: Any) -> Machine:
    own_images(settings, tmp_path)
    host = add_host(olga, organization)
    made = Machine(olga, host, share_of(host, organization))
    said = "It runs there, and Rookery did not start it."
    for unit, takeable in (("mail", True), ("old", True), ("two-cpus", False)):
        made.target.findings.create(
            unit=unit,
            kind="foreign",
            sentence=f"{said} Of its arguments these are sealed: dns-key."
            if takeable
            else f"{said} <b>No.</b>",
            outside="memory 32 MB\nargument --dns-key=…",
            outside_id="5f" * 16,
            takeable=takeable,
            since=timezone.now(),
        )
    return made


def decisions(machine: Machine) -> dict[str, str]:
    return dict(machine.target.findings.values_list("unit", "decision"))


def test_one_is_taken_over_then_all(machine: Machine, as_alice: Client, as_bob: Client) -> None:
    url = f"/hosts/{machine.share.pk}"
    check_page(as_alice.get(url))
    text = as_alice.get(url).content.decode()
    assert "Found here, not made by Rookery" in text
    assert "Take over all 2 that can be" in text
    assert "&lt;b&gt;No.&lt;/b&gt;" in text
    offered = as_bob.get(url).content.decode()
    assert "two-cpus" in offered
    assert "Take it over" not in offered
    answer = as_alice.post(f"{url}/found", {"unit": "mail"}, follow=True)
    check_page(answer)
    assert "Being taken over" in answer.content.decode()
    assert decisions(machine) == {"mail": "adopt", "old": "", "two-cpus": ""}
    assert (
        "cannot be decided"
        in as_alice.post(f"{url}/found", {"unit": "two-cpus"}, follow=True).content.decode()
    )
    as_alice.post(f"{url}/found", {"all": "1"})
    assert decisions(machine) == {"mail": "adopt", "old": "adopt", "two-cpus": ""}


def test_the_question_about_its_name(machine: Machine, as_alice: Client, as_bob: Client) -> None:
    row = machine.unikernel("mail")
    url = f"/unikernels/{row.pk}"
    assert "pgrep" not in as_alice.get(url).content.decode()
    Unikernel.objects.update(add_name=None)
    asked = as_alice.get(url)
    check_page(asked)
    assert "pgrep -af 'acme:mail.img'" in asked.content.decode()
    assert "pgrep" not in as_bob.get(url).content.decode()
    assert as_alice.post(f"{url}/name", {"add_name": "perhaps"}, follow=True).status_code == 200
    assert Unikernel.objects.get().add_name is None
    answered = as_alice.post(f"{url}/name", {"add_name": "yes"}, follow=True)
    check_page(answered)
    assert "--name=mail" in answered.content.decode()
    assert "--no-add-name" not in answered.content.decode()
    assert Unikernel.objects.get().add_name is True
