"""One block volume of a host: where it stands, who uses it, and deleting it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from panel.web.fragments import run_url
from panel.web.handling import actor_of, page, tell
from panel.web.hosts import load_share
from panel.web.volume_standing import volume_line
from tenants import access
from tenants.actions import volumes as actions
from tenants.errors import Absent, Conflict
from tenants.models import Run, Volume
from tenants.same_by_hand.hosts import volume_by_hand


def _load(request: HttpRequest, share_id: int, volume_id: int) -> Volume:
    share = load_share(request, share_id)
    row = share.volumes.filter(pk=volume_id).first()
    if row is None:
        raise Absent
    row.share = share
    return row


@page()
def volume(request: HttpRequest, share_id: int, volume_id: int) -> HttpResponse:
    return _show(request, _load(request, share_id, volume_id))


def _show(request: HttpRequest, row: Volume, *, status: int = 200, problem: str = "") -> HttpResponse:
    share, actor = row.share, actor_of(request)
    line = volume_line(row, share)
    run = access.visible_to(actor, Run).filter(target=share.sync_target).order_by("-pk").first()
    context = {
        **line,
        "share": share,
        "users": actions.users_of(row),
        "run_url": run_url(run.pk) if run is not None else "",
        "problem": problem,
        "may_delete": access.may(actor, access.Verb.DELETE, row),
        "by_hand": volume_by_hand(row),
        "crumbs": [
            {"label": "Hosts", "url": reverse("hosts")},
            {"label": share.host.name, "url": reverse("host", kwargs={"share_id": share.pk})},
            {"label": row.label},
        ],
    }
    return render(request, "panel/host/volume.html", context, status=status)


@page(methods=("POST",))
def volume_delete(request: HttpRequest, share_id: int, volume_id: int) -> HttpResponse:
    """With the volume's name typed: what is in it is gone for good."""
    row, actor = _load(request, share_id, volume_id), actor_of(request)
    access.require(actor, access.Verb.DELETE, row)
    if request.POST.get("label", "").strip().lower() != row.label:
        return _show(request, row, status=400, problem=f"Type {row.label} to delete it.")
    try:
        actions.delete_volume(actor=actor, volume=row)
    except Conflict as error:
        return _show(request, row, status=409, problem=error.sentence)
    tell(request, f"A worker deletes {row.label} on the host now.")
    return redirect("host", share_id=share_id)
