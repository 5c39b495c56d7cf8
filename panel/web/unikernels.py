"""Unikernels: the list, making one of an image, and one with its state, proof and commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import proofs
from panel.web.certificate_uses import certificate_context
from panel.web.consoles import now_context, unikernel_tabs
from panel.web.fields import Tried, show, try_form
from panel.web.fragments import carrying_run_of, run_url
from panel.web.frame import narrowed, shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.host_standing import ENDED, UnikernelStanding, unikernel_standing
from panel.web.hosts import host_tabs, load_share, unikernel_line
from panel.web.readers import reads_of
from panel.web.unikernel_form import TYPED_IN, ChangeForm, UnikernelForm
from tenants import access, fit
from tenants.actions import unikernels as actions
from tenants.desired_host import wanted_unikernel
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import Image, Run, Unikernel
from tenants.relay_states import conditions_of
from tenants.same_by_hand.hosts import unikernel_by_hand
from tenants.watched import last_ends

Kind, Verb = access.Kind, access.Verb


def _rows(request: HttpRequest) -> QuerySet[Unikernel]:
    rows = access.visible_to(actor_of(request), Unikernel)
    return rows.select_related(
        "image", "share__host", "share__organization", "share__sync_target"
    ).prefetch_related("share__sync_target__conditions")


@page()
def unikernels(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rows = narrowed(request, _rows(request), "share__organization_id").order_by("name", "pk")[:500]
    lines = [unikernel_line(row, row.share.sync_target, now) for row in rows]
    context = {
        **host_tabs("unikernels"),
        "unikernels": lines,
        "headline": _headline(lines),
        "shows_host": True,
    }
    return render(request, "panel/unikernel/list.html", context)


def _headline(lines: list[dict[str, Any]]) -> str:
    if not lines:
        return "No unikernel was made yet."
    needing = sum(line["standing"].state.badge in {"fail", "todo"} for line in lines)
    total = f"{len(lines)} unikernel{'s' * (len(lines) != 1)}"
    return f"{needing} of {total} need{'s' * (needing == 1)} you." if needing else f"{total}, all in order."


@page(methods=("GET", "HEAD", "POST"))
def unikernel_new(request: HttpRequest, share_id: int) -> HttpResponse:
    """First the image: the form follows from its manifest."""
    share, actor = load_share(request, share_id), actor_of(request)
    access.require_create(actor, Kind.UNIKERNEL, share.organization)
    image = _image(request)
    crumbs = [
        {"label": "Hosts", "url": reverse("hosts")},
        {"label": share.host.name, "url": reverse("host", kwargs={"share_id": share.pk})},
        {"label": "New unikernel"},
    ]
    context: dict[str, Any] = {"share": share, "image": image, "room": fit.room(share), "crumbs": crumbs}
    if image is None:
        found = access.visible_to(actor, Image).order_by("role", "name")[:500]
        context["images"] = [
            {"row": each, "tender": fit.tender_for(share.host, each.manifest)}
            for each in found
            if each.manifest.runs_on_albatross
        ]
        return render(request, "panel/unikernel/image.html", context)
    chosen = image
    form = UnikernelForm(request.POST or None, share=share, image=chosen)
    tried: Tried[Unikernel] | None = None
    if request.method == "POST":
        tried = try_form(
            form,
            lambda: actions.create_unikernel(
                actor=actor, share=share, name=form.cleaned_data["name"], **form.chosen()
            ),
            typed_in=_typed_in(form),
        )
        if tried.value is not None:
            return redirect("unikernel", unikernel_id=tried.value.pk)
    context |= {
        "form": form,
        "missing": _missing(form),
        "tender": fit.tender_for(share.host, chosen.manifest),
    }
    return show(request, "panel/unikernel/new.html", context, tried)


def _image(request: HttpRequest) -> Image | None:
    wanted = request.GET.get("image", "")
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 18):
        return None
    return access.visible_to(actor_of(request), Image).filter(pk=int(wanted)).first()


def _typed_in(form: ChangeForm) -> dict[str, str]:
    """Problems of networks and volumes belong to the first such field."""
    first = {kind: field for field, _, kind in reversed(form.devices)}
    return {
        **TYPED_IN,
        **({"networks": first["network"], "addresses": first["network"]} if "network" in first else {}),
        **({"blocks": first["block"]} if "block" in first else {}),
    }


def _missing(form: ChangeForm) -> list[str]:
    """What must be on the host before this image can run at all."""
    found = []
    for field, device, kind in form.devices:
        if not list(form.fields[field].choices):  # type: ignore[attr-defined]
            what = "a network" if kind == "network" else "a block volume"
            found.append(
                f"Its {kind} device {device} needs {what}, and there is none on this host for you yet."
            )
    return found


# One unikernel ------------------------------------------------------------------------------------------


def load_unikernel(request: HttpRequest, unikernel_id: int) -> Unikernel:
    row = _rows(request).filter(pk=unikernel_id).first()
    if row is None:
        raise Absent
    return row


@page()
def unikernel(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    row = load_unikernel(request, unikernel_id)
    return _show(request, row)


def _show(request: HttpRequest, row: Unikernel, *, status: int = 200, **more: Any) -> HttpResponse:
    now, organization_id = timezone.now(), row.share.organization_id
    networks = {each.pk: each for each in row.share.networks.all()}
    wanted = wanted_unikernel(row, networks, None)
    state = _state(request, row, now)
    context = {
        **state,
        **unikernel_tabs(row, "unikernel"),
        "life": now_context(row, last_ends(row), now)["banner"],
        "wanted": wanted,
        "sees_image": access.may(actor_of(request), Verb.VIEW, row.image),
        "addresses": list(row.addresses.select_related("network").order_by("device")),
        "secrets": list(row.secrets.order_by("name").values_list("name", flat=True)),
        "arguments": "\n".join(row.arguments),
        "restarts": _restarts(row),
        "reads": reads_of(request, row),
        **certificate_context(request, row, now),
        "by_hand": unikernel_by_hand(row),
        "may_change": shows(request, Verb.CHANGE, Kind.UNIKERNEL, organization_id),
        "may_switch": shows(request, Verb.SWITCH, Kind.UNIKERNEL, organization_id),
        "may_delete": shows(request, Verb.DELETE, Kind.UNIKERNEL, organization_id),
        **more,
    }
    template = "now" if request.headers.get("HX-Request") == "true" else "show"
    return render(request, f"panel/unikernel/{template}.html", context, status=status)


def _state(request: HttpRequest, row: Unikernel, now: datetime) -> dict[str, Any]:
    """What may still change while somebody looks: standing, proof, steps, last words."""
    target, actor = row.share.sync_target, actor_of(request)
    standing = unikernel_standing(row, target, conditions_of(target), now)
    run = carrying_run_of(target, row.generation)
    may_open = run is not None and access.may(actor, Verb.VIEW, run)
    steps = {step.name: step for step in run.steps.all()} if run is not None else {}
    url = run_url(run.pk) if run is not None and may_open else ""
    return {
        "row": row,
        "share": row.share,
        "standing": standing,
        "proof": {
            "id": "unikernel-proof",
            "label": f"the last change of {row}",
            **_proof(row, standing, run, url),
        },
        "steps": proofs.step_lines(run, list(steps.values()), now)
        if run is not None and standing.moves
        else [],
        "run_url": url,
        "last_words": row.ended_words,
        "proved_digest": row.image.sha256 if standing.observed and row.running and not standing.why else "",
        "is_over": not standing.moves,
    }


def _proof(row: Unikernel, standing: UnikernelStanding, run: Run | None, url: str) -> dict[str, Any]:
    accepted = {"state": "done", "at": row.changed_at}
    if standing.state == ENDED:
        done, last = {"state": "done"}, {"state": "fail", "note": "ended by itself"}
        pushed = {**done, "note": row.image.short_digest, "url": url}
        return {"accepted": accepted, "planned": done, "pushed": pushed, "observed": last}
    held: dict[str, Any] | None = None
    if standing.state.badge in {"fail", "todo"}:
        held = {"state": "fail", "note": standing.state.word.lower()}
    if run is not None and held is None:
        steps = {step.name: step for step in run.steps.all()}
        return {**proofs.run_proof(run, steps, row.image.short_digest, url), "accepted": accepted}
    target = row.share.sync_target
    return proofs.proof_without_run(accepted, held, target.observed_at, observed=standing.observed)


def _restarts(row: Unikernel) -> str:
    codes = row.restart_on_exit
    if codes is None:
        return "never"
    return f"after {', '.join(map(str, codes))}" if codes else "always, unless image or arguments are wrong"


@page(methods=("GET", "HEAD", "POST"))
def unikernel_change(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    """All settings, another image too (`?image=`). Where it runs it is replaced."""
    row, actor = load_unikernel(request, unikernel_id), actor_of(request)
    access.require(actor, Verb.CHANGE, row)
    chosen = _image(request) or row.image
    form = ChangeForm(request.POST or None, share=row.share, image=chosen, unikernel=row)
    tried: Tried[Unikernel] | None = None
    if request.method == "POST":
        tried = try_form(
            form,
            lambda: actions.change_unikernel(actor=actor, unikernel=row, **form.chosen()),
            typed_in=_typed_in(form),
        )
        if tried.ok:
            return redirect("unikernel", unikernel_id=row.pk)
        row.refresh_from_db()
    context = {
        "row": row,
        "share": row.share,
        "image": chosen,
        "form": form,
        "missing": _missing(form),
        "room": fit.room(row.share, besides=row),
        "images": [
            each
            for each in access.visible_to(actor, Image).order_by("role", "-pk")[:500]
            if each.manifest.runs_on_albatross
        ],
        "crumbs": [
            {"label": "Hosts", "url": reverse("hosts")},
            {"label": row.name, "url": reverse("unikernel", kwargs={"unikernel_id": row.pk})},
            {"label": "Change"},
        ],
    }
    return show(request, "panel/unikernel/change.html", context, tried)


def _switch(request: HttpRequest, unikernel_id: int, act: Callable[..., object]) -> HttpResponse:
    row = load_unikernel(request, unikernel_id)
    try:
        act(actor=actor_of(request), unikernel=row)
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("unikernel", unikernel_id=unikernel_id)


@page(methods=("POST",))
def unikernel_stop(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    return _switch(request, unikernel_id, actions.stop_unikernel)


@page(methods=("POST",))
def unikernel_start(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    return _switch(request, unikernel_id, actions.start_unikernel)


@page(methods=("POST",))
def unikernel_delete(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    """With its name typed: its secrets and addresses go with it."""
    row = load_unikernel(request, unikernel_id)
    access.require(actor_of(request), Verb.DELETE, row)
    if request.POST.get("name", "").strip().lower() != row.name:
        return _show(request, row, status=400, delete_problem=f"Type {row.name} to delete it.")
    share_id = row.share_id
    try:
        actions.delete_unikernel(actor=actor_of(request), unikernel=row)
    except Conflict as error:
        refuse(request, error)
        return redirect("unikernel", unikernel_id=unikernel_id)
    tell(request, f"{row} is being ended on the host; then it is gone.")
    return redirect("host", share_id=share_id)
