"""An upgrade of a mail stack: choose images, or an earlier release; read the whole plan; confirm once."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.blueprints import plan_line
from panel.web.crumbs import stack_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, show, try_form
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.stacks import find_stack
from panel.web.upgrade_form import ReturnForm, UpgradeForm
from tenants import access
from tenants.actions import upgrades
from tenants.actions.upgrade_blueprints import UpgradeBlueprint
from tenants.errors import Absent, Conflict
from tenants.models import Image, Release, Stack

_MOST = 500


@page(methods=("GET", "HEAD", "POST"))
def stack_upgrade(request: HttpRequest, domain: str) -> HttpResponse:
    """A POST shows the plan and writes nothing; one that names the plan that was shown begins exactly that.
    With `release`, back to the images of that one."""
    row = get_domain(request, domain)
    thing, actor = find_stack(request, row), actor_of(request)
    if thing is None or thing.release is None:
        raise Absent
    access.require(actor, access.Verb.CHANGE, thing)
    release = _release(request, thing)
    form = _form(request, thing, release)
    plan = request.POST.get("plan", "")[:100]
    context: dict[str, Any] = {
        **domain_context(request, row, "stack"),
        "crumbs": stack_crumbs(row.domain.name, "Upgrade"),
        "stack": thing,
        "release": release,
        "form": form,
    }
    tried: Tried[Any] | None = None
    if request.method == "POST" and plan:
        tried = try_form(form, lambda: form.begin(actor, plan), typed_in=form.typed_in)
        if tried.ok:
            tell(request, "A worker begins now. You can leave this page: it goes on by itself.")
            return redirect("stack", domain=row.domain.name)
    elif request.method == "POST":
        tried = try_form(form, lambda: form.preview(actor), typed_in=form.typed_in)
        blueprint = tried.value
        if isinstance(blueprint, UpgradeBlueprint):
            context |= {
                "blueprint": blueprint,
                "warnings": blueprint.warnings,
                "steps": [plan_line(each) for each in blueprint.steps],
                "confirm": "Upgrade exactly this",
                "assurance": "Nothing of it happened yet. It can go back until the old ones are removed.",
            }
    return show(request, "panel/stack/upgrade.html", context, tried)


@page(methods=("POST",))
def stack_roll_back(request: HttpRequest, domain: str) -> HttpResponse:
    """Go back now."""
    row = get_domain(request, domain)
    thing = find_stack(request, row)
    if thing is None:
        raise Absent
    try:
        upgrades.roll_back(actor=actor_of(request), stack=thing)
        tell(request, "It goes back now: the traffic first, then the new ones are removed.")
    except Conflict as error:
        refuse(request, error)
    return redirect("stack", domain=row.domain.name)


def _release(request: HttpRequest, thing: Stack) -> Release | None:
    wanted = request.GET.get("release", "")
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 5):
        return None
    row = thing.releases.filter(number=int(wanted)).first()
    if row is None:
        raise Absent
    row.stack = thing
    return row


def _form(request: HttpRequest, thing: Stack, release: Release | None) -> UpgradeForm | ReturnForm:
    data = request.POST if request.method == "POST" else None
    if release is not None:
        return ReturnForm(data, release=release)
    images = access.visible_to(actor_of(request), Image).order_by("role", "name")[:_MOST]
    usable = [each for each in images if each.manifest.runs_on_albatross]
    return UpgradeForm(data, stack=thing, images=usable)
