"""Aliases: making one, choosing the mailboxes it delivers to, and what an address's page says of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from panel.web import fragments
from panel.web.crumbs import address_crumbs, below_domain
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.handling import actor_of, page, tell
from panel.web.mailbox_picker import DeliveriesForm, choosable, chosen_in, only_boxes, pick, wants_search
from panel.web.new_addresses import target_list
from tenants import access
from tenants.actions import aliases as actions
from tenants.actions.alias_rules import made_by_themselves, rules_for
from tenants.actor import Actor
from tenants.errors import Absent, Forbidden, Invalid
from tenants.formats import alias_pattern
from tenants.formats.ends import end_of, in_words
from tenants.models import AliasRules, Domain, Mailbox
from tenants.reach import reach_of

Kind, Verb = access.Kind, access.Verb
_TYPED = ("local_part", "targets", "expires_on", "note")
EXPIRY_IS_TYPED_IN = {"expires_at": "expires_on"}


class AliasForm(DeliveriesForm):
    local_part = Typed(
        label="The address",
        widget=plain_input(maxlength="64", autocomplete="off", **{"data-address-local": True}),
    )
    targets = Typed(
        label="Others who get the mail",
        required=False,
        mark_optional=True,
        widget=forms.Textarea(
            {"rows": 2, "maxlength": "2000", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text="Addresses elsewhere, one per line. Each gets a mail and must agree first.",
    )
    expires_on = Typed(
        label="Last day",
        required=False,
        mark_optional=True,
        widget=forms.DateInput({"type": "date"}),
        help_text="After it the alias goes into the trash by itself; a mail reminds people before.",
    )
    note = Typed(
        label="Note",
        required=False,
        mark_optional=True,
        widget=forms.TextInput({"maxlength": "200"}),
        help_text="What it is for; it is never written to the mail server.",
    )


def end_typed(typed: str) -> datetime | None:
    """When something ends whose last day was typed as in “2026-11-30”; None for nothing. Raises Invalid."""
    if not typed:
        return None
    try:
        return end_of(date.fromisoformat(typed))
    except (ValueError, OverflowError):
        problem, fix = f"“{typed[:20]}” is no day.", "Write it as year-month-day, such as 2027-01-31."
        raise Invalid.of("expires_at", problem, fix) from None


def _place(request: HttpRequest, name: str) -> tuple[Domain, dict[str, Any], AliasRules | None]:
    """The domain in which somebody makes an alias, what stands around the page, and the rules that bind them.

    The team is bound by none.
    """
    actor = actor_of(request)
    try:
        row = get_domain(request, name)
    except Absent:
        held = access.held_mailboxes(actor).filter(domain__name=name.lower()).select_related("domain")
        mailbox = held.first()
        if mailbox is None:
            raise
        here = [{"label": "Your addresses", "url": reverse("own-addresses")}, {"label": "New alias"}]
        return mailbox.domain, {"crumbs": here, "domain": mailbox.domain}, _rules(actor, mailbox.domain)
    context = {
        **domain_context(request, row, "addresses"),
        "crumbs": below_domain(row.domain.name, "New alias", home="addresses"),
    }
    return row.domain, context, _rules(actor, row.domain)


def _rules(actor: Actor, domain: Domain) -> AliasRules | None:
    if access.may_create(actor, Kind.MAILBOX, domain):
        return None
    return rules_for(actor, domain, hold=False)


@page(methods=("GET", "HEAD", "POST"))
def alias_new(request: HttpRequest, domain: str) -> HttpResponse:
    """Pressing “Find” makes nothing: the page comes again with what was found and what was typed."""
    thing, context, rules = _place(request, domain)
    actor, only_own = actor_of(request), rules is not None
    rows = choosable(actor, thing, only_own=only_own)
    searching = wants_search(request)
    chosen = chosen_in(request) if request.method == "POST" else _first_choice(request, rows, only_own)
    if request.method == "POST" and not searching:
        form = AliasForm(request.POST)
    else:
        typed = request.POST if searching else request.GET
        form = AliasForm(initial={name: typed.get(name, "")[:2000] for name in _TYPED})
    _explain(form, thing, rules, rows)
    tried: Tried[Mailbox] | None = None
    if request.method == "POST" and not searching:
        tried = try_form(
            form,
            lambda: _create(actor, thing, form.cleaned_data),
            typed_in=EXPIRY_IS_TYPED_IN,
        )
        if tried.value is not None:
            tell(request, f"{tried.value} was made.")
            return redirect("address", domain=thing.name, local_part=tried.value.local_part)
    context |= {
        "form": form,
        "picker": pick(request, thing, rows, chosen),
        "rules": _told(actor, thing, rules),
    }
    return only_boxes(request, context) or show(request, "panel/alias/new.html", context, tried)


def _first_choice(request: HttpRequest, rows: Any, only_own: bool) -> list[str]:
    """The mailbox whose page led here; a person's only one is ticked already."""
    wanted = request.GET.get("for", "").replace("\0", "")[:64]
    names = list(rows.filter(local_part=wanted).values_list("local_part", flat=True)) if wanted else []
    if not names and only_own:
        names = list(rows.values_list("local_part", flat=True)[:2])
    return names if len(names) == 1 else []


def _explain(form: AliasForm, domain: Domain, rules: AliasRules | None, rows: Any) -> None:
    """Say in the fields what the rules want, before anything is refused."""
    form.fields["local_part"].suffix = f"@{domain.name}"  # type: ignore[attr-defined]
    if rules is None:
        return
    own = rows.order_by("local_part").values_list("local_part", flat=True).first() or "you"
    begins = alias_pattern.begins_with(rules.pattern, own=own)
    form.initial["local_part"] = form.initial.get("local_part") or begins
    example = alias_pattern.example(rules.pattern, own=own)
    form.fields["local_part"].help_text = f"Like {rules.pattern}: for example {example}."
    if rules.longest_days is not None:
        form.fields["expires_on"].help_text = (
            f"At most {rules.longest_days} days from today, which is also what an empty field means. You get"
            " a mail before, and can extend it."
        )


def _told(actor: Actor, domain: Domain, rules: AliasRules | None) -> dict[str, Any] | None:
    if rules is None:
        return None
    return {"pattern": rules.pattern, "most": rules.most_each, "made": made_by_themselves(actor, domain)}


def _create(actor: Actor, domain: Domain, typed: dict[str, Any]) -> Mailbox:
    return actions.create_alias(
        actor=actor,
        domain=domain,
        local_part=typed["local_part"],
        delivers_to=typed["delivers_to"],
        targets=target_list(typed["targets"]),
        note=typed["note"],
        expires_at=end_typed(typed["expires_on"]),
    )


@page(methods=("GET", "HEAD", "POST"))
def alias_deliveries(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    """Choose anew to which mailboxes an alias delivers."""
    actor = actor_of(request)
    alias = fragments.load_mailbox(actor, domain__name=domain.lower(), local_part=local_part)
    access.require(actor, Verb.CHANGE, alias)
    if alias.kind != Mailbox.Kind.ALIAS:
        raise Absent
    only_own = not access.may_create(actor, Kind.MAILBOX, alias.domain)
    before = list(alias.delivers_to.order_by("fed_by__pk").values_list("local_part", flat=True))
    chosen = chosen_in(request) if request.method == "POST" else before
    saving = request.method == "POST" and not wants_search(request)
    form = DeliveriesForm(request.POST if saving else None)
    tried: Tried[Mailbox] | None = None
    if saving:
        tried = try_form(
            form, lambda: actions.change_deliveries(actor=actor, alias=alias, **form.cleaned_data)
        )
        if tried.ok:
            tell(request, f"{alias} reaches whom you chose once this is written.")
            return redirect("address", domain=alias.domain.name, local_part=alias.local_part)
    rows = choosable(actor, alias.domain, only_own=only_own)
    context = {
        "alias": alias,
        "form": form,
        "domain": alias.domain,
        "picker": pick(request, alias.domain, rows, chosen),
        "crumbs": address_crumbs(actor, alias, "Mailboxes that it delivers to"),
    }
    return only_boxes(request, context) or show(request, "panel/alias/deliveries.html", context, tried)


# On the page of an address ----------------------------------------------------------------------------


def alias_context(actor: Actor, mailbox: Mailbox) -> dict[str, Any]:
    """What an address's page says about deliveries and its end."""
    at = {"domain": mailbox.domain.name, "local_part": mailbox.local_part}
    is_alias = mailbox.kind == Mailbox.Kind.ALIAS
    reach = reach_of(mailbox) if is_alias else None
    return {
        "reach": reach,
        # Nobody logs in with an alias that people of mailboxes are behind.
        "is_bound": reach is not None or mailbox.made_for_id is not None,
        "deliveries_url": reverse("alias-deliveries", kwargs=at) if is_alias else "",
        "fed_by": [] if is_alias else _feeding(actor, mailbox),
        "alias_new_url": "" if is_alias else _alias_new_url(actor, mailbox),
        "expires_until": in_words(mailbox.expires_at) if mailbox.expires_at else "",
        "may_never_again": access.may_create(actor, Kind.HELD_NAME, mailbox.domain),
    }


def _feeding(actor: Actor, mailbox: Mailbox) -> list[dict[str, Any]]:
    """The aliases whose mail also comes to this mailbox; a link for those that this person may open."""
    rows = Mailbox.objects.filter(delivers_to=mailbox, trashed_at=None).order_by("local_part")[:100]
    seen = set(access.visible_to(actor, Mailbox).filter(delivers_to=mailbox).values_list("pk", flat=True))
    return [
        {
            "name": f"{row.local_part}@{mailbox.domain.name}",
            "url": reverse("address", kwargs={"domain": mailbox.domain.name, "local_part": row.local_part})
            if row.pk in seen
            else "",
            "note": row.note if row.pk in seen else "",
            "until": in_words(row.expires_at) if row.expires_at else "",
        }
        for row in rows
    ]


def _alias_new_url(actor: Actor, mailbox: Mailbox) -> str:
    """Where an alias for this mailbox is made; empty for those who may not."""
    if actor.account is None or mailbox.trashed_at is not None:
        return ""
    try:
        rules = _rules(actor, mailbox.domain)
    except (Absent, Forbidden):
        return ""
    if rules is not None and not access.holds(actor, mailbox):
        return ""
    url = reverse("alias-new", kwargs={"domain": mailbox.domain.name})
    return f"{url}?for={mailbox.local_part}"
