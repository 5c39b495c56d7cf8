"""What there is to know about where an address's mail goes, and the checks of a whole domain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences
from panel.web.caution_lines import WORDS, caution_line
from panel.web.domains import domain_context, get_domain
from panel.web.fragments import load_mailbox
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.mail_checks import checks_context
from tenants import access, cautions
from tenants.actions import warnings
from tenants.cautions import Caution
from tenants.errors import Absent, Conflict
from tenants.models import AddressWarning, Domain, TargetAddress


@page(methods=("POST",))
def address_target_accept(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    """Send mail to the target although ptt's relay may mix it up with another."""
    actor = actor_of(request)
    mailbox = load_mailbox(actor, domain__name=domain.lower(), local_part=local_part)
    address = request.POST.get("address", "")
    if not address or "\0" in address or len(address) > 254:
        raise Absent
    try:
        warnings.accept_shared_exchange(actor=actor, mailbox=mailbox, address=address)
        tell(request, f"Mail goes to {address} too. It stands in the log that this risk was accepted.")
    except Conflict as error:
        refuse(request, error)
    return redirect("address", domain=mailbox.domain.name, local_part=mailbox.local_part)


# The checks of a domain ---------------------------------------------------------------------------------


@page()
def domain_checks(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    access.require(actor_of(request), access.Verb.VIEW, row.domain)
    now = timezone.now()
    found = [_warned(each, now) for each in cautions.warnings_of(row.domain)[: cautions.SHOWN_OF_DOMAIN]]
    held = [_held(each) for each in cautions.held_targets(row.domain)[: cautions.SHOWN_OF_DOMAIN]]
    hosts = [
        {
            "host": each.host,
            "count": sentences.amount(each.targets, "target", "targets"),
            "lines": [caution_line(caution, now) for caution in each.cautions],
            "url": f"{reverse('addresses', kwargs={'domain': row.domain.name})}?q=%40{each.host}",
        }
        for each in cautions.host_cautions(row.domain)
    ]
    mail = checks_context(request, row.domain, now)
    context = {
        **domain_context(request, row, "domain-checks"),
        **mail,
        "headline": headline(
            row.domain,
            len(found) + len(held) + mail["mail_broken"],
            hosts,
            was_looked=bool(mail["mail_topics"]),
        ),
        "warned": found,
        "held": held,
        "hosts": hosts,
        "most": cautions.SHOWN_OF_DOMAIN,
    }
    return render(request, "panel/domain/checks.html", context)


def headline(domain: Domain, addresses: int, hosts: list[dict[str, Any]], *, was_looked: bool) -> str:
    """What is true of the whole domain, in a sentence."""
    serious = sum(any(each["badge"] == "fail" for each in host["lines"]) for host in hosts)
    if addresses:
        return f"{sentences.amount(addresses, 'thing', 'things')} to look at in {domain.name}."
    if serious:
        places = sentences.amount(serious, "place", "places")
        return f"Mail of {domain.name} is sent to {places} where it is lost."
    if not was_looked:
        return f"{domain.name} was not looked at yet."
    return f"Nothing goes astray in {domain.name}, as far as Rookery can see."


def _warned(row: AddressWarning, now: datetime) -> dict[str, Any]:
    serious = row.kind != AddressWarning.Kind.REUSED_PASSPHRASE
    caution = Caution(row.kind, row.sentence, serious, since=row.since)
    return {
        **caution_line(caution, now),
        "address": str(row.mailbox),
        "url": _url(row.mailbox.local_part, row),
    }


def _held(row: TargetAddress) -> dict[str, Any]:
    waits = row.exchange == TargetAddress.Exchange.CHECKING
    return {
        "address": str(row.mailbox),
        "url": _url(row.mailbox.local_part, row),
        "badge": "live" if waits else "fail",
        "word": WORDS[f"exchange-{row.exchange}"],
        "sentence": f"{row.address}: {row.get_exchange_display()}.",
    }


def _url(local_part: str, row: AddressWarning | TargetAddress) -> str:
    at = {"domain": row.mailbox.domain.name, "local_part": local_part}
    return reverse("address", kwargs=at)
