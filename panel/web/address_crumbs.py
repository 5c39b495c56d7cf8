"""The way to a page below an address: the same for all of them. The team knows the domain's pages, a holder
only their own addresses."""

from __future__ import annotations

from django.urls import reverse

from tenants import access
from tenants.actor import Actor
from tenants.models import Mailbox


def address_crumbs(actor: Actor, mailbox: Mailbox, leaf: str) -> list[dict[str, str]]:
    """Crumbs that end with `leaf`, the page where one is."""
    at = {"domain": mailbox.domain.name, "local_part": mailbox.local_part}
    here = reverse("address", kwargs=at)
    if access.may(actor, access.Verb.VIEW, mailbox.domain):
        way = [
            {"label": "Domains", "url": reverse("domains")},
            {"label": at["domain"], "url": reverse("addresses", kwargs={"domain": at["domain"]})},
            {"label": at["local_part"], "url": here},
        ]
    else:
        way = [
            {"label": "Your addresses", "url": reverse("own-addresses")},
            {"label": str(mailbox), "url": here},
        ]
    return [*way, {"label": leaf}]
