"""What a domain does with requests by itself: its rule, how much of it is used, how long things wait."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from panel.web import sentences
from panel.web.domains import asking_sentence, domain_context, get_domain, public_url
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.handling import actor_of, page, tell
from tenants import access
from tenants.actions import request_rules as actions
from tenants.models import Domain, RequestRules


class RulesForm(forms.Form):
    pattern = Typed(
        label="Which names",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="64", autocomplete="off", placeholder="*.*"),
        help_text="A pattern: * stands for any characters, ? for one. Empty: every name.",
    )
    mail_domains = Typed(
        label="Where the mail may go",
        required=False,
        mark_optional=True,
        widget=forms.Textarea({"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
        help_text="Mail domains, one on each line, such as your school's. Empty: anywhere.",
    )
    most = forms.IntegerField(
        label="How many addresses in all",
        min_value=1,
        max_value=actions.MOST_ADDRESSES,
        help_text="When so many were given by the rule, everything waits for you again.",
    )
    most_each = forms.IntegerField(
        label="How many to one person",
        min_value=1,
        max_value=actions.MOST_EACH,
        help_text="A person is a target address, whatever stands after a plus sign in it.",
    )
    decide_within_days = forms.IntegerField(
        label="Days until an undecided request lapses",
        required=False,
        min_value=1,
        max_value=actions.LONGEST_WAIT_DAYS,
        help_text="Empty: it waits without end. You are reminded after 3 and 10 days.",
    )
    count_anew = forms.BooleanField(label="Begin to count again at nought", required=False)


def _lines(text: str) -> list[str]:
    return text.replace(",", " ").split()


@page(methods=("GET", "HEAD", "POST"))
def request_rules(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    rules = actions.rules_of(thing)
    form = RulesForm(request.POST if request.method == "POST" else None, initial=_initial(rules))
    if not rules.given:
        del form.fields["count_anew"]
    tried: Tried[RequestRules] | None = None
    if request.method == "POST":
        access.require(actor, access.Verb.CHANGE, thing)

        def act() -> RequestRules:
            given = {**form.cleaned_data, "mail_domains": _lines(form.cleaned_data["mail_domains"])}
            never = given["decide_within_days"] is None
            return actions.change_request_rules(actor=actor, domain=thing, never_lapse=never, **given)

        tried = try_form(form, act)
        if tried.ok:
            tell(request, f"What {thing.name} does with requests is saved.")
            return redirect("domain-request-rules", domain=thing.name)
    context = {
        **domain_context(request, row, "domain-settings"),
        "headline": asking_sentence(thing),
        "rules": rules,
        "sentence": rule_sentence(rules),
        "used": f"{rules.given:,} of {sentences.amount(rules.most, 'address', 'addresses')} given.",
        "waits": _waits(rules.decide_within_days),
        "is_automatic": thing.requests == Domain.Requests.AUTOMATIC,
        "public_url": public_url(thing),
        "form": form,
    }
    context["crumbs"] = [
        *context["crumbs"][:-1],
        {"label": thing.name, "url": reverse("domain", kwargs={"domain": thing.name})},
        {"label": "Requests"},
    ]
    return show(request, "panel/request/rules.html", context, tried)


def _initial(rules: RequestRules) -> dict[str, Any]:
    names = ("pattern", "most", "most_each", "decide_within_days")
    return {name: getattr(rules, name) for name in names} | {"mail_domains": "\n".join(rules.mail_domains)}


def rule_sentence(rules: RequestRules) -> str:
    """The rule in words."""
    which = f"a name that fits “{rules.pattern}”" if rules.pattern else "any free name"
    where = f" with its mail to {_either(rules.mail_domains)}" if rules.mail_domains else ""
    each = sentences.amount(rules.most_each, "address", "addresses")
    return f"A request for {which}{where} gets a yes at once, up to {each} for one person."


def _either(names: list[str]) -> str:
    if len(names) > 4:
        return f"{', '.join(names[:3])} or one of {len(names) - 3} other domains"
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _waits(days: int | None) -> str:
    if days is None:
        return "A request that nobody decides waits without end."
    return f"A request that nobody decides lapses after {sentences.amount(days, 'day', 'days')}."
