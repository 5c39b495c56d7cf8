"""The blueprint of a domain's mail stack: choose, read the whole plan, confirm once."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.crumbs import stack_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, show, try_form
from panel.web.handling import actor_of, page, tell
from panel.web.sandbox_stack import may_make_ready
from panel.web.stack_form import BlueprintForm
from tenants import access, fit
from tenants.actions.blueprints import Blueprint, preview_stack
from tenants.actions.stacks import make_stack
from tenants.formats.stacks.plan import Step
from tenants.models import Domain, HostShare, Image, Stack

_MOST = 500


@page(methods=("GET", "HEAD", "POST"))
def stack_new(request: HttpRequest, domain: str) -> HttpResponse:
    """First the host; then what runs there. A POST shows the plan and writes nothing; one that names the plan
    that was shown makes exactly that."""
    row = get_domain(request, domain)
    actor = actor_of(request)
    access.require_create(actor, access.Kind.STACK, row.domain.organization)
    shares = _shares(request, row.domain)
    share = _share(request, shares)
    context: dict[str, Any] = {
        **domain_context(request, row, "stack"),
        "crumbs": stack_crumbs(row.domain.name),
        "shares": shares,
        "share": share,
    }
    if share is None:
        context["sandbox_ready"] = may_make_ready(request, row.domain.organization_id)
        return show(request, "panel/stack/host.html", context)
    images = access.visible_to(actor, Image).order_by("role", "name")[:_MOST]
    form = BlueprintForm(
        request.POST or None,
        share=share,
        images=[each for each in images if each.manifest.runs_on_albatross],
        name=row.domain.mail_program_host,
    )
    tried: Tried[Blueprint] | None = None
    if request.method == "POST" and request.POST.get("plan"):
        tried_to_make = try_form(form, lambda: _make(request, row.domain, form), typed_in=form.typed_in)
        if tried_to_make.ok:
            tell(request, "A worker begins now. You can leave this page: it goes on by itself.")
            return redirect("stack", domain=row.domain.name)
        context |= {"form": form, "room": fit.room(share), "lacking": _lacking_first(form)}
        return show(request, "panel/stack/new.html", context, tried_to_make)
    if request.method == "POST":
        tried = try_form(
            form,
            lambda: preview_stack(actor=actor, domain=row.domain, choices=form.choices()),
            typed_in=form.typed_in,
        )
        if tried.value is not None:
            context |= {"warnings": tried.value.plan.warnings, "confirm": "Make exactly this"}
            context |= {"assurance": "Nothing of it happened yet. It can be cancelled and removed later."}
            context |= {
                "blueprint": tried.value,
                "steps": [plan_line(each) for each in tried.value.plan.steps],
            }
    context |= {"form": form, "room": fit.room(share), "lacking": _lacking_first(form)}
    return show(request, "panel/stack/new.html", context, tried)


def _make(request: HttpRequest, domain: Domain, form: BlueprintForm) -> Stack:
    plan = request.POST["plan"][:100]
    return make_stack(actor=actor_of(request), domain=domain, choices=form.choices(), plan=plan)


def _shares(request: HttpRequest, domain: Domain) -> list[HostShare]:
    rows = access.visible_to(actor_of(request), HostShare).filter(organization=domain.organization_id)
    return list(rows.select_related("host", "organization").order_by("host__name")[:_MOST])


def _share(request: HttpRequest, shares: list[HostShare]) -> HostShare | None:
    wanted = request.GET.get("host", "")
    if len(shares) == 1:
        return shares[0]
    return next((each for each in shares if str(each.pk) == wanted), None)


def _lacking_first(form: BlueprintForm) -> list[str]:
    """What has to be there before anything can be chosen."""
    found = []
    if not form.networks:
        found.append("There is no network for you on this host. Those who run the host give you one.")
    if not form.publics:
        found.append("No public address of this host is free for you. Those who run the host give you one.")
    if not form.images:
        found.append("There is no image yet. Upload those of the roles, or fetch them from a build server.")
    return found


def plan_line(step: Step) -> dict[str, Any]:
    """A step as it is shown."""
    return {"title": step.title, "what": step.what, "commands": "\n".join(step.commands)}
