"""Which certificate a unikernel uses, on its page and the zone's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tenants.actor import Actor
from tenants.models import CertificateUse, Domain
from tests.hosting import build_rock, waiting_use
from tests.tenants.zoning import begin
from tests.web.people import text_of
from tests.world import HOST_KEY

pytestmark = pytest.mark.django_db
ZONE = reverse("zone", kwargs={"domain": "example.org"})


@pytest.fixture
def use(alice: Actor, domain: Domain) -> CertificateUse:
    return waiting_use(begin(alice, domain), build_rock(domain.organization, HOST_KEY).unikernel)


def test_a_restart_is_proposed_and_pressed(as_alice: Client, use: CertificateUse) -> None:
    at = f"/unikernels/{use.unikernel_id}"
    page = text_of(as_alice.get(at))
    assert "it goes on with the old one until it starts again" in page
    assert "relay, which needs a restart for it" in text_of(as_alice.get(ZONE))
    page = text_of(as_alice.post(f"{at}/certificate/restart", follow=True))
    assert "It restarts now, and takes the renewed certificate." in page
    use.refresh_from_db()
    assert use.due_at is not None
    CertificateUse.objects.update(taken=use.wanted, due_at=None)
    page = text_of(as_alice.post(f"{at}/certificate/restart", follow=True))
    assert "No renewed certificate waits for relay." in page
    assert "It has the certificate that is in the zone." in page


def test_it_is_chosen_and_let_go(as_alice: Client, use: CertificateUse) -> None:
    at, (certificate,) = f"/unikernels/{use.unikernel_id}", use.zone.certificates.all()
    given = {"certificate": str(certificate.pk), "automatic": "on"}
    page = text_of(as_alice.post(f"{at}/certificate", given, follow=True))
    assert "It restarts by itself after each renewal." in page
    use.refresh_from_db()
    assert (use.is_automatic, use.due_at is None) == (True, False), "what waits already goes, too"
    assert "Choose one of the list." in text_of(
        as_alice.post(f"{at}/certificate", {"certificate": "999999"}, follow=True)
    )
    page = text_of(as_alice.post(f"{at}/certificate/unlink", follow=True))
    assert "Link a certificate" in page
    assert "relay, which needs" not in text_of(as_alice.get(ZONE))
