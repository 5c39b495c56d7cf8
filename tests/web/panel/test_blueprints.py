"""The blueprint's page: what is missing first, the plan after the choice, a problem beside its field."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Domain, Stack
from tests.contract.host_world import own_images
from tests.stacking import Site, build_site
from tests.web.people import check_page, nothing_written

pytestmark = pytest.mark.django_db
URL = "/d/example.org/stack/new"


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture
def site(alice: Actor, domain: Domain) -> Site:
    return build_site(alice, domain)


def chosen(site: Site, **changes: str) -> dict[str, str]:
    image = str(site.choices.images["relay"].pk)
    return {
        "network": str(site.choices.network.pk),
        "public": str(site.choices.public.pk),
        "production": "staging",
        "selector": "s1",
        **{f"image_{role}": image for role in ROLES},
        **changes,
    }


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def test_without_a_host_it_says_where_to_get_one(as_alice: Client, domain: Domain) -> None:
    response = as_alice.get(URL)
    check_page(response)
    assert "There is no host on which you may run anything." in text_of(response)


def test_the_whole_plan_is_shown_and_nothing_is_written(as_alice: Client, site: Site) -> None:
    assert as_alice.get(URL).status_code == 200
    with nothing_written():
        response = as_alice.post(URL, chosen(site))
    assert response.status_code == 200
    check_page(response)
    text = text_of(response)
    for step in site.preview().plan.steps:
        assert step.title in text
        assert all(line in text for line in step.what)
        assert all(line in text for line in step.commands)
    assert "Port 25 stays closed" in text
    assert "Before it can begin" not in text


def test_what_is_lacking_stands_above_the_plan(as_alice: Client, site: Site) -> None:
    repository = site.domain.relay
    repository.host_key = ""
    repository.save()
    text = text_of(as_alice.post(URL, chosen(site)))
    assert "Before it can begin" in text
    assert "Nobody has compared the host key of git.example.org yet." in text


def test_a_choice_that_cannot_be_is_said_beside_its_field(as_alice: Client, site: Site) -> None:
    for change, field, words in (
        ({"image_signer": ""}, "image_signer", "The DKIM signer is missing."),
        ({"submission_host": "smtp.elsewhere.example"}, "submission_host", "does not lie below"),
    ):
        response = as_alice.post(URL, chosen(site, **change))
        assert response.status_code == 400
        check_page(response)
        assert words in response.context["form"].errors[field][0]
    response = as_alice.post(URL, chosen(site, image_signer="", service_signer="10.0.0.300"))
    assert "is no address that unikernels can reach" in text_of(response)


def test_a_domain_with_a_stack_gets_no_second(as_alice: Client, site: Site) -> None:
    site.make()
    assert Stack.objects.count() == 1
    response = as_alice.post(URL, chosen(site))
    # Its public address is not free any more.
    assert response.status_code == 400
    assert "public" in response.context["form"].errors
    assert Stack.objects.count() == 1
