"""The records that mail needs, computed from where it is received; what is chosen waits for the review."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.handling import actor_of, page
from panel.web.zone_staging import stage_all
from panel.web.zones import load_zone
from tenants import access
from tenants.access import Verb
from tenants.actions.record_sets import RecordChange
from tenants.errors import Invalid
from tenants.formats.zones.mail_records import sts_policy
from tenants.mail_proposals import MailPlan, plan_mail, usual_wish
from tenants.sandbox_note import sandbox_door

POLICIES = (
    ("none", "Only report it"),
    ("quarantine", "Put it into the spam folder"),
    ("reject", "Refuse it"),
)


class MailForm(forms.Form):
    host = Typed(label="Host that takes the mail", widget=plain_input(maxlength="253", autocomplete="off"))
    addresses = Typed(
        label="Its IP addresses",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="900", autocomplete="off"),
        help_text="As others reach it, such as 192.0.2.25 2001:db8::25. Mail leaves from them, too.",
    )
    senders = Typed(
        label="Who else may send in your name",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="900", autocomplete="off"),
        help_text="Names that they gave you for SPF, such as _spf.example.net.",
    )
    policy = forms.ChoiceField(
        label="What becomes of mail in your name that is not proved to be yours", choices=POLICIES
    )
    reports = Typed(
        label="Where reports go",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="254", autocomplete="off"),
    )
    issuer = Typed(
        label="Who may issue certificates",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="253", autocomplete="off"),
    )
    strict_tls = forms.BooleanField(
        label="Announce that mail comes over TLS only (MTA-STS)",
        required=False,
        help_text="Needs a web server at mta-sts of the domain.",
    )


@page(methods=("GET", "HEAD", "POST"))
def zone_mail(request: HttpRequest, domain: str) -> HttpResponse:
    """What the zone lacks for mail; POST computes it anew, or keeps what was chosen."""
    row, thing = load_zone(request, domain)
    actor = actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    usual = {**usual_wish(thing), "policy": "none"}
    form = MailForm(request.POST if request.method == "POST" else None, initial=usual)
    plan: MailPlan | None = None
    tried: Tried[MailPlan] | None = None
    keeps = request.POST.get("do") == "keep"
    if request.method == "POST":

        def act() -> MailPlan:
            found = plan_mail(thing, **form.cleaned_data)
            if keeps:
                stage_all(request, actor, thing, _chosen(request, found))
            return found

        tried = try_form(form, act)
        if tried.ok and keeps:
            return redirect("zone-review", domain=thing.name)
        plan = tried.value
    else:
        with suppress(Invalid):  # of an exchanger that others wrote, and that nobody would propose
            plan = plan_mail(thing, **usual)
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Mail"),
        "zone": thing,
        "form": form,
        "proposals": _lines(plan),
        "computed": plan is not None,
        "door": sandbox_door() if settings.SANDBOX else None,
        "dkim": plan.dkim if plan is not None else (),
        "predicted": plan.predicted if plan is not None else (),
        "sts": sts_policy(plan.wish) if plan is not None and plan.wish.strict_tls else "",
    }
    return show(request, "panel/zone/mail.html", context, tried if tried and not tried.ok else None)


def _chosen(request: HttpRequest, plan: MailPlan) -> list[RecordChange]:
    wanted = set(request.POST.getlist("take")[:50])
    found = [each.proposal for each in plan.proposed if f"{each.key[0]} {each.key[1]}" in wanted]
    if not found:
        raise Invalid.of("host", "Nothing is chosen.", "Tick what should be set, or look at it again.")
    return [RecordChange(f"{each.owner}.", each.type, each.data) for each in found]


def _lines(plan: MailPlan | None) -> list[dict[str, Any]]:
    return [
        {
            "key": f"{each.key[0]} {each.key[1]}",
            "about": each.proposal.about,
            "why": each.proposal.why,
            "data": each.proposal.data,
            "held": each.held,
        }
        for each in (plan.proposed if plan is not None else ())
    ]
