"""One thing done to many addresses of the list: first what and how many, then exactly that is done."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from panel.web import sentences
from panel.web.domains import domain_context, get_domain
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.mailboxes import chosen_addresses, list_url
from tenants.actions.bulk import DEEDS, Done, change_mailboxes
from tenants.actions.new_mailboxes import require_may_make
from tenants.errors import Conflict, Invalid
from tenants.models import Domain, Mailbox

SHOWN = 20
# What is asked, and the button that does it.
WORDS = {
    "switch_on": ("Switch on {count}?", "Switch on"),
    "switch_off": ("Switch off {count}?", "Switch off"),
    "trash": ("Put {count} into the trash?", "Put into the trash"),
    "restore": ("Restore {count}?", "Restore"),
    "set_note": ("Give {count} this note?", "Set the note"),
}
MEANS = {
    "switch_on": "Mail flows again to everybody who agreed to get it.",
    "switch_off": "No login, no mail; everything is kept here.",
    "trash": "They are gone from the mail server, and can come back as they were.",
    "restore": "They come back as they were, with their passphrases.",
    "set_note": "It is for you and your team, and is never written to the mail server.",
}


@page(methods=("POST",))
def addresses_many(request: HttpRequest, domain: str) -> HttpResponse:
    """First what it would do, with a digest; sent back with that digest, it is done."""
    row = get_domain(request, domain)
    thing = row.domain
    require_may_make(actor_of(request), thing)
    deed = request.POST.get("action", "")[:20]
    back = list_url(thing, request.POST)
    digest = request.POST.get("digest", "")[:64]
    if deed in DEEDS and DEEDS[deed].takes_note and "note" not in request.POST:
        return _show(request, row, {"deed": deed, "asks_note": True, "back": back})
    try:
        done = _do(request, thing, deed, digest)
    except (Conflict, Invalid) as error:
        refuse(request, error)
        return redirect(back)
    if digest:
        number = sentences.exact_amount(done.count("changed"), "address was", "addresses were")
        tell(request, f"{number} {DEEDS[deed].done}.")
        return redirect(back)
    return _show(request, row, {"deed": deed, "done": done, "back": back})


def _do(request: HttpRequest, domain: Domain, deed: str, digest: str) -> Done:
    return change_mailboxes(
        actor=actor_of(request),
        domain=domain,
        chosen=_chosen(request, domain),
        deed=deed,
        note=request.POST.get("note", "")[:1000],
        rehearse=not digest,
        leave_out_refused=True,
        digest=digest or None,
    )


def _chosen(request: HttpRequest, domain: Domain) -> QuerySet[Mailbox]:
    """The checked rows, or all that the list's search and filter find."""
    if request.POST.get("all") == "1":
        return chosen_addresses(request, domain, request.POST)
    ids = [each for each in request.POST.getlist("pk")[:500] if each.isascii() and each.isdigit()]
    return Mailbox.objects.filter(domain=domain, pk__in=[int(each) for each in ids if len(each) < 19])


def _show(request: HttpRequest, row: Any, found: dict[str, Any]) -> HttpResponse:
    deed, done = found["deed"], found.get("done")
    changed = done.count("changed") if done is not None else 0
    number = (
        sentences.exact_amount(changed, "address", "addresses") if done is not None else "these addresses"
    )
    question, button = WORDS[deed]
    results = done.results if done is not None else ()
    sent = ("all", "only", "q", "note")
    context = {
        **domain_context(request, row, "addresses"),
        **found,
        "question": question.format(count=number) if changed or done is None else "There is nothing to do.",
        "means": MEANS[deed],
        "button": button,
        "changed": changed,
        "unchanged": done.count("unchanged") if done is not None else 0,
        "shown": [each.address for each in results if each.changed][:SHOWN],
        "more": max(0, changed - SHOWN),
        "refused": done.refused[:100] if done is not None else [],
        "refused_count": len(done.refused) if done is not None else 0,
        "sent": [(name, request.POST[name][:1000]) for name in sent if name in request.POST],
        "ids": [] if request.POST.get("all") == "1" else request.POST.getlist("pk")[:500],
        # Back to the list as it was when they were chosen.
        "crumbs": [
            {"label": "Domains", "url": reverse("domains")},
            {"label": row.domain.name, "url": found["back"]},
            {"label": button},
        ],
    }
    return render(request, "panel/address/many.html", context)
