"""The addresses of a domain: one flat list, found as one types; making new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, email_input, plain_input, show, try_form
from panel.web.frame import offer_undo, shows
from panel.web.handling import actor_of, page, tell
from panel.web.quotas import lefts_inside
from panel.web.slices import by_name
from panel.web.standing import DomainRow, address_standing
from tenants import access
from tenants.actions import mailboxes as actions
from tenants.bounded import count, counts
from tenants.errors import Invalid
from tenants.lists import matching
from tenants.models import Delivery, Domain, Mailbox
from tenants.relay_states import RelayState, relay_state

PAGE = 100
LISTED_DELIVERIES = 20
LONGEST_SEARCH = 100
# Where in the list a page begins.
PLACE = ("after", "before")
# A row that is on its way asks again this often, then it stops: reloading starts anew.
ROW_LOOKS = 30
MOST_ASKING_ALONE = 5
Kind, Verb = access.Kind, access.Verb
T = TypeVar("T")

FILTERS: dict[str, tuple[str, Q]] = {
    "": ("All", Q(trashed_at=None)),
    "off": ("Off", Q(trashed_at=None, enabled=False)),
    "unconfirmed": ("Unconfirmed", Q(enabled=True, trashed_at=None, reached=False)),
    "alias": ("Aliases", Q(trashed_at=None, kind=Mailbox.Kind.ALIAS)),
    "ending": ("Ending", Q(trashed_at=None, expires_at__isnull=False)),
    "trash": ("Trash", Q(trashed_at__isnull=False)),
}


@dataclass(frozen=True)
class AddressRow:
    """One line of the list, ready to be drawn: templates call nothing."""

    pk: int
    name: str
    host: str
    url: str
    who: str
    state: sentences.State
    is_alias: bool
    note: str
    changed: times.Moment | None
    dot: str
    dot_word: str
    is_on: bool
    is_trashed: bool
    switch_url: str
    row_url: str


def address_row(
    mailbox: Mailbox, relay: RelayState, domain: Domain, now: datetime, look: int = 0
) -> AddressRow:
    """Of a mailbox whose targets were prefetched; `look` counts how often the row asked for itself."""
    at = {"domain": domain.name, "local_part": mailbox.local_part}
    standing = address_standing(mailbox, relay)
    state = standing.state
    dot, word = ("ok", "Observed") if standing.observed else (state.badge, state.word)
    asks_again = standing.moves and look < ROW_LOOKS
    return AddressRow(
        pk=mailbox.pk,
        name=mailbox.local_part,
        host=domain.name,
        url=reverse("address", kwargs=at),
        who=who_gets_it(mailbox),
        state=state,
        is_alias=mailbox.kind == Mailbox.Kind.ALIAS,
        note=mailbox.note,
        changed=times.moment(mailbox.changed_at, now),
        dot=dot,
        dot_word=word,
        is_on=mailbox.enabled,
        is_trashed=mailbox.trashed_at is not None,
        switch_url=reverse("address-switch", kwargs=at),
        row_url=f"{reverse('address-row', kwargs=at)}?look={look + 1}" if asks_again else "",
    )


def who_gets_it(mailbox: Mailbox) -> str:
    """“ada@home.example”, “ada and b@x.example”, “a@x.example and 3 others”; “nobody yet”.

    What an alias delivers to goes by its name here.
    """
    listed = vars(mailbox).get("listed_deliveries")
    if listed is None:
        listed = mailbox.deliveries.select_related("mailbox").order_by("pk")[:LISTED_DELIVERIES]
    rows = sorted(mailbox.targets.all(), key=lambda row: row.pk)
    names = [*(each.mailbox.local_part for each in listed), *(row.address for row in rows)]
    if not names:
        return "nobody yet"
    if len(names) == 1:
        return names[0]
    return f"{names[0]} and {names[1] if len(names) == 2 else f'{len(names) - 1} others'}"


def for_list(mailboxes: QuerySet[Mailbox]) -> QuerySet[Mailbox]:
    """With what a line of the list says, in three queries; long lists of mailboxes are cut."""
    deliveries = Delivery.objects.select_related("mailbox").order_by("pk")[:LISTED_DELIVERIES]
    return mailboxes.prefetch_related(
        "targets", Prefetch("deliveries", queryset=deliveries, to_attr="listed_deliveries")
    )


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
        "offer": _offer(request, thing, numbers["all"]),
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


# New addresses ----------------------------------------------------------------------------------------


class MailboxForm(forms.Form):
    local_part = Typed(
        label="The address",
        widget=plain_input(maxlength="64", autocomplete="off", **{"data-address-local": True}),
    )
    targets = Typed(
        label="Who gets the mail",
        widget=forms.Textarea(
            {"rows": 2, "maxlength": "2000", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text="One address per line, all in one domain. Each gets a mail and must agree first.",
    )
    note = Typed(
        label="Note",
        required=False,
        mark_optional=True,
        widget=forms.TextInput({"maxlength": "200"}),
        help_text="For you and your team; it is never written to the mail server.",
    )
    password_hash = Typed(widget=forms.HiddenInput)


def target_list(typed: str) -> list[str]:
    """Addresses as typed: one per line, or with commas between them."""
    return [part.strip() for part in typed.replace(",", "\n").splitlines() if part.strip()]


@page(methods=("GET", "HEAD", "POST"))
def address_new(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    access.require_create(actor, Kind.MAILBOX, thing)
    form = MailboxForm(request.POST or None, initial={"local_part": request.GET.get("name", "")[:64]})
    form.fields["local_part"].suffix = f"@{thing.name}"  # type: ignore[attr-defined]
    tried: Tried[Mailbox] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: _create(request, thing, form.cleaned_data))
        if tried.value is not None:
            made = tried.value
            tell(
                request,
                f"{made} was made. We wrote to whoever is to get its mail; they agree first.",
            )
            return redirect("address", domain=thing.name, local_part=made.local_part)
    context = {
        **domain_context(request, row, "addresses"),
        "form": form,
        "returned": request.method == "POST",
        "crumbs": crumbs(thing, "New address"),
        "lefts": lefts_inside(request, thing.organization, "mailbox"),
    }
    return show(request, "panel/address/new.html", context, tried)


def _create(request: HttpRequest, domain: Domain, typed: dict[str, Any]) -> Mailbox:
    if not typed["password_hash"]:
        raise Invalid.of(
            "password_hash", "The fingerprint is missing.", "Type a passphrase, or make an alias."
        )
    typed = {**typed, "targets": target_list(typed["targets"])}
    return actions.create_mailbox(actor=actor_of(request), domain=domain, **typed)


def crumbs(domain: Domain, last: str) -> list[dict[str, str]]:
    return [
        {"label": "Domains", "url": reverse("domains")},
        {"label": domain.name, "url": reverse("addresses", kwargs={"domain": domain.name})},
        {"label": last},
    ]


class OfferForm(forms.Form):
    """postmaster, abuse and hostmaster in one go (RFC 2142)."""

    names = forms.MultipleChoiceField(label="Addresses to make", widget=forms.CheckboxSelectMultiple)
    target = Typed(
        label="Who gets their mail",
        widget=email_input(autocomplete="email", maxlength="254"),
        help_text="We write there once for each; nothing flows before it agreed.",
    )


def _offer_form(
    request: HttpRequest, domain: Domain, missing: list[str], *, bound: bool = False
) -> OfferForm:
    account = actor_of(request).account
    initial = {"names": missing, "target": account.email if account is not None else ""}
    form = OfferForm(request.POST if bound else None, initial=initial)
    form.fields["names"].choices = [(each, each) for each in missing]  # type: ignore[attr-defined]
    form.fields["names"].label = f"Addresses to make at {domain.name}"
    return form


def _missing(request: HttpRequest, domain: Domain) -> list[str]:
    offered = actions.OFFERED_LOCAL_PARTS
    there = _addresses(request, domain).filter(local_part__in=offered).values_list("local_part", flat=True)
    return [each for each in offered if each not in set(there)]


def _offer(request: HttpRequest, domain: Domain, count: int) -> OfferForm | None:
    """Offered while a domain is new; later one makes them like any other."""
    if count > len(actions.OFFERED_LOCAL_PARTS) or not shows(
        request, Verb.CREATE, Kind.MAILBOX, domain.organization_id
    ):
        return None
    missing = _missing(request, domain)
    return _offer_form(request, domain, missing) if missing else None


@page(methods=("POST",))
def addresses_offered(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    access.require_create(actor, Kind.MAILBOX, thing)
    form = _offer_form(request, thing, _missing(request, thing), bound=True)

    def make() -> int:
        # All or none: a quota that ends in the middle leaves nothing behind.
        with transaction.atomic():
            for name in form.cleaned_data["names"]:
                actions.create_mailbox(
                    actor=actor, domain=thing, local_part=name, targets=[form.cleaned_data["target"]]
                )
        return len(form.cleaned_data["names"])

    tried = try_form(form, make, typed_in={"targets": "target"})
    if tried.value is not None:
        tell(request, f"{sentences.amount(tried.value, 'address was', 'addresses were')} made.")
        return redirect("addresses", domain=thing.name)
    context = {
        **domain_context(request, row, "addresses"),
        "offer": form,
        "crumbs": crumbs(thing, "Usual addresses"),
    }
    return show(request, "panel/address/offered.html", context, tried)
