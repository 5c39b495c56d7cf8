"""The addresses of a domain: one flat list, found as one types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences
from panel.web.address_rows import ROW_LOOKS, AddressRow, address_row, for_list
from panel.web.domains import domain_context, get_domain
from panel.web.frame import offer_undo, shows
from panel.web.handling import actor_of, page
from panel.web.new_addresses import offer
from panel.web.slices import by_name
from panel.web.standing import DomainRow
from tenants import access
from tenants.bounded import count, counts
from tenants.lists import matching
from tenants.models import Domain, Mailbox
from tenants.relay_states import RelayState, relay_state

PAGE = 100
LONGEST_SEARCH = 100
# Where in the list a page begins.
PLACE = ("after", "before")
MOST_ASKING_ALONE = 5
Kind, Verb = access.Kind, access.Verb

FILTERS: dict[str, tuple[str, Q]] = {
    "": ("All", Q(trashed_at=None)),
    "off": ("Off", Q(trashed_at=None, enabled=False)),
    "unconfirmed": ("Unconfirmed", Q(enabled=True, trashed_at=None, reached=False)),
    "alias": ("Aliases", Q(trashed_at=None, kind=Mailbox.Kind.ALIAS)),
    "ending": ("Ending", Q(trashed_at=None, expires_at__isnull=False)),
    "trash": ("Trash", Q(trashed_at__isnull=False)),
}


def _addresses(request: HttpRequest, domain: Domain) -> QuerySet[Mailbox]:
    return access.mailboxes_in(actor_of(request), domain)


def chosen_addresses(request: HttpRequest, domain: Domain, given: QueryDict) -> QuerySet[Mailbox]:
    """What the list finds with the `only` and `q` that it was given."""
    only = given.get("only", "")
    typed = given.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    found = _addresses(request, domain).filter(FILTERS.get(only, FILTERS[""])[1])
    return matching(found, domain, typed) if typed else found


def list_url(domain: Domain, given: QueryDict) -> str:
    """The list as it was when something was chosen in it."""
    url = reverse("addresses", kwargs={"domain": domain.name})
    wanted = {name: given.get(name, "")[:LONGEST_SEARCH] for name in ("q", "only", *PLACE)}
    found = {name: value for name, value in wanted.items() if value}
    return f"{url}?{urlencode(found)}" if found else url


@page()
def addresses(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, now = row.domain, timezone.now()
    relay = relay_state(thing)
    only = request.GET.get("only", "")
    only = only if only in FILTERS else ""
    typed = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    everything = _addresses(request, thing)
    numbers = _counts(everything, relay)
    found = chosen_addresses(request, thing, request.GET)
    url = reverse("addresses", kwargs={"domain": thing.name})
    shown = by_name(
        for_list(found),
        request.GET,
        url,
        "local_part",
        size=PAGE,
        kept={"q": typed, "only": only},
    )
    rows = [address_row(each, relay, thing, now) for each in shown.rows]
    rows, again = _asking_together(rows, list_url(thing, request.GET), _looks(request))
    context: dict[str, Any] = {
        "rows": rows,
        "again_url": again,
        "domain": thing,
        "may_change": shows(request, Verb.CHANGE, Kind.MAILBOX, thing.organization_id),
        "q": typed,
        "only": only,
        "url": url,
        "pages": shown.pages,
        "is_narrowed": bool(typed or only),
        "new_url": reverse("alias-new" if only == "alias" else "address-new", kwargs={"domain": thing.name}),
        "shows_aliases": only == "alias",
        "found": sentences.counted_in_words(count(found)),
        "has_more": any(shown.pages[name] for name in ("previous_url", "next_url")),
        "place": {name: request.GET[name][:LONGEST_SEARCH] for name in PLACE if name in request.GET},
        "deeds": _deeds(only),
    }
    asked_by = request.headers.get("HX-Target") if request.headers.get("HX-Request") == "true" else ""
    if asked_by in {"address-list", "address-rows"}:
        return render(request, "panel/address/rows.html", context)
    _offer_undo(request, thing)
    context |= domain_context(request, row, "addresses")
    context |= {
        "headline": headline(thing, row, numbers),
        "chips": [
            {
                "label": label,
                "count": sentences.counted_in_words(numbers[key or "all"]),
                "url": reverse("domain-trash", kwargs={"domain": thing.name})
                if key == "trash"
                else f"{url}?{urlencode({k: v for k, v in (('only', key), ('q', typed)) if v})}",
                "current": key == only,
            }
            for key, (label, _) in FILTERS.items()
        ],
        "unconfirmed": _waiting(numbers["unconfirmed"]),
        "has_any": bool(numbers["all"] or numbers["trash"] or typed or only),
        "offer": offer(request, thing, numbers["all"]),
    }
    return render(request, "panel/address/list.html", context)


def _looks(request: HttpRequest) -> int:
    """How often this was asked again by itself."""
    looks = request.GET.get("look", "0")
    return int(looks) if looks.isascii() and looks.isdigit() and len(looks) < 4 else ROW_LOOKS


def _asking_together(rows: list[AddressRow], url: str, look: int) -> tuple[list[AddressRow], str]:
    """The rows, and the address that all of them ask again together, where many are on their way."""
    if sum(bool(row.row_url) for row in rows) <= MOST_ASKING_ALONE:
        return rows, ""
    again = f"{url}{'&' if '?' in url else '?'}look={look + 1}" if look < ROW_LOOKS else ""
    return [replace(row, row_url="") for row in rows], again


def _deeds(only: str) -> list[tuple[str, str]]:
    """What the bar below the list offers for the chosen ones."""
    if only == "trash":
        return [("restore", "Restore")]
    deeds = [
        ("switch_on", "Switch on"),
        ("switch_off", "Switch off"),
        ("set_note", "Set a note"),
        ("trash", "Into the trash"),
    ]
    return [deed for deed in deeds if only != "off" or deed[0] != "switch_off"]


def _moving(relay: RelayState) -> Q:
    """Addresses whose last change is not proved yet."""
    if relay.target is None:
        return Q(pk__isnull=True)
    return Q(generation__gt=relay.target.observed_generation)


def _counts(everything: QuerySet[Mailbox], relay: RelayState) -> dict[str, int]:
    """How many there are of each filter, and `moving` ones (not proved yet); up to a bound."""
    parts = {key or "all": everything.filter(condition) for key, (_, condition) in FILTERS.items()}
    proved = relay.target.observed_generation if relay.target is not None else None
    if proved is not None:
        parts["moving"] = everything.filter(generation__gt=proved)
    return {"moving": 0, **counts(parts)}


def _waiting(number: int) -> str:
    """“3 addresses wait for a confirmation.”; empty for none."""
    if not number:
        return ""
    waits = "waits" if number == 1 else "wait"
    return f"{sentences.amount(number, 'address', 'addresses')} {waits} for a confirmation."


def headline(domain: Domain, row: DomainRow, counts: dict[str, int]) -> str:
    """Stopped and unconnected domains say that first; nothing here is “as asked” then."""
    if not row.facts.connected and counts["all"]:
        number = sentences.amount(counts["all"], "address", "addresses")
        return f"{number} of {domain.name}; none is written yet."
    if row.facts.stop_code and counts["moving"]:
        held = sentences.amount(counts["moving"], "change is", "changes are")
        return f"{held} held up for {domain.name} until somebody has looked."
    return sentences.addresses_headline(
        domain.name, counts["all"], counts["moving"], row.facts.changed_outside
    )


def _offer_undo(request: HttpRequest, domain: Domain) -> None:
    """After something was put away here: say so, with the way back. The row itself proves it is possible."""
    for key, lookup, sentence, name in (
        ("trashed", {"trashed_at__isnull": False}, "is in the trash.", "address-restore"),
        ("switched-off", {"enabled": False, "trashed_at": None}, "was switched off.", "address-switch"),
    ):
        local_part = request.GET.get(key, "")[:64].replace("\0", "")
        if not local_part:
            continue
        mailbox = _addresses(request, domain).filter(local_part=local_part, **lookup).first()
        if mailbox is not None and shows(request, Verb.CHANGE, Kind.MAILBOX, domain.organization_id):
            at = {"domain": domain.name, "local_part": mailbox.local_part}
            suffix = "?on=1" if name == "address-switch" else ""
            offer_undo(request, f"{local_part}@{domain.name} {sentence}", reverse(name, kwargs=at) + suffix)


@page()
def address_row_fragment(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    """One row of the list, while its change is on its way."""
    thing = get_domain(request, domain).domain
    mailbox = for_list(_addresses(request, thing)).filter(local_part=local_part).first()
    if mailbox is None:
        return HttpResponse("")
    return _row(request, mailbox, thing, _looks(request))


def _row(request: HttpRequest, mailbox: Mailbox, domain: Domain, look: int = 0) -> HttpResponse:
    context = {
        "row": address_row(mailbox, relay_state(domain), domain, timezone.now(), look),
        "may_change": shows(request, Verb.CHANGE, Kind.MAILBOX, domain.organization_id),
    }
    return render(request, "panel/address/row.html", context)
