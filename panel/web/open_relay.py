"""Port 25 of a stack whose receiver takes mail for anybody: what that means, the decision, and its probe."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import stack_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, show, try_form
from panel.web.frame import shows
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, tell
from panel.web.mail_checks import check_lines
from panel.web.stacks import find_stack
from tenants import access
from tenants.actions.stacks import decide_open_relay
from tenants.errors import Absent
from tenants.models import Event, Stack

CHECK = "open-relay"
_VERB = "decide_open_relay"


class ReasonForm(forms.Form):
    reason = Typed(
        label="Why it may be open",
        widget=forms.TextInput({"maxlength": "200"}),
        help_text="For those who wonder later; the history keeps it.",
    )


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def open_relay(request: HttpRequest, domain: str) -> HttpResponse:
    """POST opens it, with a reason."""
    row = get_domain(request, domain)
    thing, actor = find_stack(request, row), actor_of(request)
    if thing is None:
        if request.method == "POST":
            raise Absent
        return render(request, "panel/stack/none.html", domain_context(request, row, "stack"))
    form, tried = ReasonForm(), None
    if request.method == "POST":
        access.require(actor, access.Verb.DECIDE, thing)
        form = ReasonForm(request.POST)
        tried = try_form(
            form,
            lambda: decide_open_relay(
                actor=actor, stack=thing, open_relay=True, reason=form.cleaned_data["reason"]
            ),
        )
        if tried.ok:
            tell(request, "Port 25 is opened now, and then the MX record is published.")
            return redirect("stack", domain=row.domain.name)
    return _show(request, row, thing, form, tried)


@page(methods=("POST",))
def open_relay_close(request: HttpRequest, domain: str) -> HttpResponse:
    """What takes danger away needs no fresh sign-in."""
    row = get_domain(request, domain)
    thing = find_stack(request, row)
    if thing is None:
        raise Absent
    decide_open_relay(actor=actor_of(request), stack=thing, open_relay=False)
    tell(request, "Port 25 is closed now: a worker takes its rule out of the firewall.")
    return redirect("stack", domain=row.domain.name)


def _show(
    request: HttpRequest, row: Any, thing: Stack, form: ReasonForm, tried: Tried[Any] | None
) -> HttpResponse:
    now, organization_id = timezone.now(), row.domain.organization_id
    context = {
        **domain_context(request, row, "stack"),
        "crumbs": stack_crumbs(row.domain.name, "Port 25"),
        "stack": thing,
        "guard": guard_of(thing),
        "decided": _decided(thing, now),
        "form": form,
        "lines": check_lines(row.domain, CHECK, now),
        "check": CHECK,
        "may_decide_relay": thing.wanted != Stack.Wanted.REMOVED
        and shows(request, access.Verb.DECIDE, access.Kind.STACK, organization_id),
        "may_check": shows(request, access.Verb.CREATE, access.Kind.RUN, organization_id),
    }
    return show(request, "panel/stack/open_relay.html", context, tried)


def guard_of(thing: Stack) -> str:
    """The address of the conventional server that receives instead of ptt; "" where ptt's receiver does."""
    services = thing.release.services if thing.release is not None else {}
    return str(services.get("verifier", ""))


def _decided(thing: Stack, now: Any) -> dict[str, Any] | None:
    """Who decided last, when and why; nothing where it was chosen with the plan."""
    event = Event.objects.filter(domain=thing.domain_id, verb=_VERB, at__gte=thing.created_at).first()
    if event is None:
        return None
    return {"by": event.actor_name, "at": times.moment(event.at, now), "reason": event.reason}
