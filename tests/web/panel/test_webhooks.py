"""Pages of webhooks: the secret once, a test that is followed, what was answered as text, and replays."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import webhooks
from tenants.actor import Actor
from tenants.models import Organization, Webhook, WebhookDelivery

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
URL = "https://hooks.example.net/rookery?key=path-canary"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def browser(alice: Actor) -> Client:
    client = Client()
    assert alice.account is not None
    client.force_login(alice.account)
    return client


def test_a_webhook_from_its_first_to_its_last_day(
    browser: Client, alice: Actor, organization: Organization
) -> None:
    typed = {"name": "Chat", "url": URL, "organization": organization.pk, "domain": "", "types": "mailbox.*"}
    refused = browser.post("/webhooks/new", {**typed, "url": "http://10.0.0.1/", "types": "nothing.*"})
    assert refused.status_code == 400
    assert "Only https addresses are sent to." in refused.content.decode()
    made = browser.post("/webhooks/new", typed).content.decode()
    row = Webhook.objects.get()
    assert "whsec_" in made
    home = f"/webhooks/{row.pk}"
    for page in ("/webhooks", home):
        shown = browser.get(page).content.decode()
        assert "whsec_" not in shown
        assert "https://hooks.example.net" in shown
    assert "path-canary" not in browser.get("/webhooks").content.decode()

    sent = browser.post(f"{home}/test", follow=True)
    delivery = WebhookDelivery.objects.get(type="webhook.test")
    assert "A worker sends it in a moment" in sent.content.decode()
    delivery.attempts.create(at=timezone.now(), status=500, answer=HOSTILE, milliseconds=12)
    WebhookDelivery.objects.update(state="failed", tries=1, problem=HOSTILE)
    now = browser.get(f"{home}/deliveries/{delivery.pk}", headers={"HX-Request": "true"}).content.decode()
    assert "data-live-final" in now
    assert HOSTILE not in now
    assert now.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    browser.post(f"{home}/deliveries/{delivery.pk}/replay")
    delivery.refresh_from_db()
    assert delivery.state == "waiting"

    assert "whsec_" in browser.post(f"{home}/rotate").content.decode()
    browser.post(f"{home}/switch", {"enabled": "off"})
    assert "Switched off" in browser.get(home).content.decode()
    browser.post(f"{home}/remove")
    assert "No program is told yet" in browser.get("/webhooks").content.decode()


def test_another_organization_s_is_nowhere(browser: Client, charlie: Actor) -> None:
    theirs = Organization.objects.get(memberships__account=charlie.account)
    row, _ = webhooks.add_webhook(actor=charlie, organization=theirs, url=URL, name="Chat")
    assert browser.get(f"/webhooks/{row.pk}").status_code == 404
    assert "Chat" not in browser.get("/webhooks").content.decode()
