"""The way to a page, above its heading: a link for each page before it, and its own name."""

from __future__ import annotations

from django.urls import reverse

from tenants import access
from tenants.actor import Actor
from tenants.models import Mailbox


def below_domain(
    name: str, last: str, *between: tuple[str, str], home: str = "domain"
) -> list[dict[str, str]]:
    """The way to a page below that of the domain `name`.

    `between` are pages of the domain on the way, each by its label and the name of its URL. `home` is the
    page that the domain's own name leads to.
    """
    pages = ((name, home), *between)
    way = [{"label": label, "url": reverse(url, kwargs={"domain": name})} for label, url in pages]
    return [{"label": "Domains", "url": reverse("domains")}, *way, {"label": last}]


def stack_crumbs(name: str, last: str = "") -> list[dict[str, str]]:
    """The way to the page of the domain's mail stack, or to a page below it."""
    return below_domain(name, last, ("Mail stack", "stack")) if last else below_domain(name, "Mail stack")


def zone_crumbs(name: str, last: str) -> list[dict[str, str]]:
    return below_domain(name, last, ("DNS", "zone"))


def settings_crumbs(name: str, last: str) -> list[dict[str, str]]:
    return below_domain(name, last, ("Settings", "domain-settings"))


def address_crumbs(actor: Actor, mailbox: Mailbox, last: str) -> list[dict[str, str]]:
    """The way to a page below an address: for the team by its domain, for a holder by their own addresses."""
    domain = mailbox.domain
    here = reverse("address", kwargs={"domain": domain.name, "local_part": mailbox.local_part})
    if access.may(actor, access.Verb.VIEW, domain):
        *way, _ = below_domain(domain.name, last, home="addresses")
        return [*way, {"label": mailbox.local_part, "url": here}, {"label": last}]
    own = {"label": "Your addresses", "url": reverse("own-addresses")}
    return [own, {"label": str(mailbox), "url": here}, {"label": last}]
