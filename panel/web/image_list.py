"""All images that one may run: by role, the newest first, with what is newer elsewhere. And sharing them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.web import sentences, times
from panel.web.frame import narrowed
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.hosts import host_tabs
from panel.web.image_feeds import feed_line, feeds_of
from panel.web.images import load_image, organizations_of
from tenants import access
from tenants.actions.image_sharing import share_image
from tenants.errors import Conflict, Invalid
from tenants.models import Image, ImageFeed, ImageFetch, Organization, Unikernel

MOST_USES = 5


@page()
def images(request: HttpRequest) -> HttpResponse:
    actor, mine = actor_of(request), organizations_of(request)
    rows = narrowed(request, access.visible_to(actor, Image), "organization_id")
    found = list(rows.annotate(users=Count("unikernels")).order_by("-pk")[:500])
    fetches = narrowed(request, access.visible_to(actor, ImageFetch), "organization_id")
    proposed = feeds_of(request).filter(state=ImageFeed.State.PROPOSED)
    context = {
        **host_tabs("images"),
        "proposals": [feed_line(row, mine) for row in proposed[:50]],
        "fetches": fetches.exclude(state=ImageFetch.State.DONE).order_by("-pk")[:50],
        "groups": _groups(request, found),
        "headline": sentences.amount(len(found), "image", "images") + ", ready to run."
        if found
        else "There is no image yet.",
        "may_upload": mine.exists(),
    }
    return render(request, "panel/image/list.html", context)


def _groups(request: HttpRequest, found: list[Image]) -> list[dict[str, Any]]:
    """One for each role that has images, what has none last."""
    actor, now = actor_of(request), timezone.now()
    seen = set(access.visible_to(actor, Organization).values_list("pk", flat=True))
    uses: dict[int, list[Unikernel]] = {}
    running = access.visible_to(actor, Unikernel).filter(image__in=[each.pk for each in found])
    for row in running.select_related("share__host").order_by("name", "pk")[:1000]:
        uses.setdefault(row.image_id, []).append(row)
    lines: dict[str, list[dict[str, Any]]] = {}
    for image in found:
        used = uses.get(image.pk, [])
        line = {
            "image": image,
            "at": times.moment(image.created_at, now),
            "lent": image.organization_id not in seen,
            "uses": used[:MOST_USES],
            "more": len(used[MOST_USES:]),
        }
        lines.setdefault(image.role, []).append(line)
    roles = [role for role in Image.Role if role != Image.Role.OTHER] + [Image.Role.OTHER]
    return [
        {"role": role.value, "title": _title(role), "lines": lines[role]} for role in roles if role in lines
    ]


def _title(role: Image.Role) -> str:
    label = str(role.label)
    return label[:1].upper() + label[1:]


@page(methods=("POST",))
def image_share(request: HttpRequest, image_id: int) -> HttpResponse:
    row = load_image(request, image_id)
    shared = request.POST.get("with") == "all"
    sent = request.POST.getlist("organizations")[:1000]
    # What is no number is no organization: refused, and not left out in silence.
    chosen = [int(each) if each.isascii() and each.isdigit() and len(each) < 18 else 0 for each in sent]
    try:
        share_image(actor=actor_of(request), image=row, shared=shared, organizations=chosen)
    except (Conflict, Invalid) as error:
        refuse(request, error)
    else:
        tell(request, "Every organization may run it." if shared else "Saved who may run it.")
    return redirect("image", image_id=image_id)
