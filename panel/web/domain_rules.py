"""Settings of a domain: what people may make themselves, and names that are held back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.activity import cut
from panel.web.crumbs import settings_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, tell
from tenants import access
from tenants.actions import names as name_actions
from tenants.actions.alias_rules import change_alias_rules
from tenants.bounded import count
from tenants.errors import Invalid
from tenants.formats import alias_pattern
from tenants.models import AliasRules, Domain, HeldName, Mailbox

Kind, Verb = access.Kind, access.Verb
PAGE = 100
SUGGESTED = {"pattern": "{own}-*", "most_each": "10", "longest_days": ""}


class AliasRulesForm(forms.Form):
    allowed = forms.BooleanField(label="People may make aliases for the mailboxes they hold", required=False)
    pattern = Typed(
        label="What the name looks like",
        required=False,
        widget=plain_input(maxlength="64", autocomplete="off"),
        help_text=(
            "{own} stands for the person's own name, * for anything. With {own}-* ada can make ada-shop but"
            " not boss; * alone allows every free name."
        ),
    )
    most_each = Typed(
        label="Aliases per person",
        required=False,
        widget=forms.NumberInput({"min": "1", "max": "1000"}),
        help_text="Those in the trash do not count.",
    )
    longest_days = Typed(
        label="Longest lifetime in days",
        required=False,
        mark_optional=True,
        widget=forms.NumberInput({"min": "1", "max": "3650"}),
        help_text="People are reminded a week before and can extend it. Empty: no end.",
    )


def _number(typed: str, field: str) -> int | None:
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 8):
        raise Invalid.of(field, f"“{typed[:20]}” is no number.", "Write digits only.")
    return int(typed)


@page(methods=("GET", "HEAD", "POST"))
def domain_alias_rules(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing = row.domain
    rules = AliasRules.objects.filter(domain=thing).first()
    form = AliasRulesForm(request.POST if request.method == "POST" else None, initial=_initial(rules))
    tried: Tried[AliasRules | None] | None = None
    if request.method == "POST":
        access.require(actor_of(request), Verb.CHANGE, thing)
        tried = try_form(form, lambda: _save(request, thing, form.cleaned_data))
        if tried.ok:
            tell(request, f"What people of {thing.name} may make is saved.")
            return redirect("domain-alias-rules", domain=thing.name)
    own = Mailbox.objects.filter(domain=thing, made_for__isnull=False, trashed_at=None)
    made = count(own)
    context = {
        **domain_context(request, row, "domain-settings"),
        "crumbs": settings_crumbs(thing.name, "What people may make"),
        "form": form,
        "rules": rules,
        "example": alias_pattern.example(rules.pattern) if rules else "",
        "made": sentences.amount(made, "was", "were") if made else "",
    }
    return show(request, "panel/domain/alias_rules.html", context, tried)


def _initial(rules: AliasRules | None) -> dict[str, Any]:
    if rules is None:
        return {**SUGGESTED, "allowed": False}
    return {
        "allowed": True,
        "pattern": rules.pattern,
        "most_each": rules.most_each,
        "longest_days": rules.longest_days or "",
    }


def _save(request: HttpRequest, domain: Domain, typed: dict[str, Any]) -> AliasRules | None:
    return change_alias_rules(
        actor=actor_of(request),
        domain=domain,
        allowed=typed["allowed"],
        pattern=typed["pattern"],
        most_each=_number(typed["most_each"], "most_each") or 0,
        longest_days=_number(typed["longest_days"], "longest_days"),
    )


class HeldNameForm(forms.Form):
    local_part = Typed(label="The name", widget=plain_input(maxlength="64", autocomplete="off"))
    kind = forms.ChoiceField(
        label="What holds for it",
        choices=[
            (HeldName.Kind.NEVER, "Nobody is given it again"),
            (HeldName.Kind.RESERVED, "Only the team gives it: nobody can ask for it or make it"),
        ],
        initial=HeldName.Kind.NEVER,
        widget=forms.RadioSelect,
    )
    reason = Typed(
        label="Why",
        required=False,
        mark_optional=True,
        widget=forms.TextInput({"maxlength": "200"}),
        help_text="Whoever tries to make it reads this.",
    )


@page(methods=("GET", "HEAD", "POST"))
def domain_names(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, now = row.domain, timezone.now()
    form = HeldNameForm(request.POST if request.method == "POST" else None)
    form.fields["local_part"].suffix = f"@{thing.name}"  # type: ignore[attr-defined]
    tried: Tried[HeldName] | None = None
    if request.method == "POST":
        actor = actor_of(request)
        access.require_create(actor, Kind.HELD_NAME, thing)
        tried = try_form(form, lambda: name_actions.hold_name(actor=actor, domain=thing, **form.cleaned_data))
        if tried.ok:
            tell(request, f"{form.cleaned_data['local_part']}@{thing.name} is held back.")
            return redirect("domain-names", domain=thing.name)
    rows = access.visible_to(actor_of(request), HeldName).filter(domain=thing)
    url = reverse("domain-names", kwargs={"domain": thing.name})
    shown = cut(rows, request.GET, url, size=PAGE)
    names: list[dict[str, Any]] = [
        {
            "pk": each.pk,
            "address": f"{each.local_part}@{thing.name}",
            "word": each.get_kind_display(),
            "is_usual": each.kind == HeldName.Kind.RESERVED,
            "reason": each.reason,
            "by": each.by_name,
            "since": times.moment(each.since, now),
        }
        for each in shown.rows
    ]
    context = {
        **domain_context(request, row, "domain-settings"),
        "crumbs": settings_crumbs(thing.name, "Names that are held back"),
        "form": form,
        "held": [each for each in names if not each["is_usual"]],
        "usual": [each for each in names if each["is_usual"]],
        "pages": shown.pages,
        "may_hold": shows(request, Verb.CREATE, Kind.HELD_NAME, thing.organization_id),
        "may_release": shows(request, Verb.DELETE, Kind.HELD_NAME, thing.organization_id),
    }
    return show(request, "panel/domain/names.html", context, tried)


@page(methods=("POST",))
def domain_name_release(request: HttpRequest, domain: str, held_id: int) -> HttpResponse:
    thing = get_domain(request, domain).domain
    held = access.get(actor_of(request), HeldName, domain=thing, pk=held_id)
    address = str(held)
    name_actions.release_name(actor=actor_of(request), held=held)
    tell(request, f"{address} may be given again.")
    return redirect("domain-names", domain=thing.name)
