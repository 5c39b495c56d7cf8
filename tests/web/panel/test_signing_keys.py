"""The page of a domain's DKIM keys: the seed is shown once, the record as soon as it is computed."""

from __future__ import annotations

import pytest
from django.test import Client

from tenants.models import Domain, SigningKey
from tenants.secrets import Opener, Purpose
from tests.web.people import check_page, text_of
from workers.errands import key_smith

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/settings/signing-keys"


def test_from_nothing_to_a_record_and_its_end(as_alice: Client, domain: Domain) -> None:
    empty = as_alice.get(PAGE)
    check_page(empty)
    assert "No key yet" in text_of(empty)
    made = as_alice.post(PAGE, {"selector": "s1", "algorithm": "ed25519", "seed": ""})
    check_page(made)
    key = SigningKey.objects.get()
    seed = Opener().open(Purpose.DKIM_SEED, bytes(key.sealed_seed))
    assert seed in text_of(made)
    waiting = as_alice.get(PAGE)
    check_page(waiting)
    assert "Being computed" in text_of(waiting)
    assert seed not in text_of(waiting)
    key_smith.compute(key.pk, Opener())
    key.refresh_from_db()
    shown = as_alice.get(PAGE)
    check_page(shown)
    assert key.record in text_of(shown)
    assert "data-live-final" in as_alice.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    check_page(as_alice.post(f"{PAGE}/{key.pk}/remove", follow=True))
    assert SigningKey.objects.exists(), "it is retired first"
    retired = as_alice.post(f"{PAGE}/{key.pk}/switch", {"in_use": "off"}, follow=True)
    assert "Retired" in text_of(retired)
    as_alice.post(f"{PAGE}/{key.pk}/remove")
    assert not SigningKey.objects.exists()


def test_a_seed_that_is_refused_does_not_come_back_in_the_page(as_alice: Client, domain: Domain) -> None:
    answer = as_alice.post(PAGE, {"selector": "s1", "algorithm": "rsa-2048", "seed": "no base64: canary"})
    check_page(answer)
    assert "The seed is not base64." in text_of(answer)
    assert "canary" not in answer.content.decode()
    assert 'value="s1"' in answer.content.decode()
