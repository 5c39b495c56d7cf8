"""Watched jobs of builds servers: what they propose, and what a person does about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.frame import narrowed
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.image_fetches import STATES
from panel.web.images import era_field, organizations_of, role_field
from panel.web.sentences import State
from tenants import access
from tenants.actions import image_feeds as actions
from tenants.actions.image_fetches import may_keep_list
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import BuildServer, ImageFeed, ImageFetch, Organization

WORDS = {
    ImageFeed.State.NOTHING: State("wait", "No build seen yet"),
    ImageFeed.State.PROPOSED: State("todo", "A newer build"),
    ImageFeed.State.TAKEN: State("live", "Asked for"),
    ImageFeed.State.IGNORED: State("off", "Ignored"),
    ImageFeed.State.THERE: State("ok", "The newest is here"),
}
LOOKING = State("live", "Being looked at")
FAILED = State("fail", "The last look failed")


class FeedKindForm(forms.Form):
    role = role_field()
    era = era_field()


class FeedForm(FeedKindForm):
    field_order = ("url", "organization")

    url = Typed(
        label="Address of the job",
        widget=plain_input(maxlength="2000", autocomplete="off", inputmode="url"),
        help_text="E.g. https://builds.robur.coop/job/dns-resolver; ?platform= behind it narrows it to one.",
    )
    organization: Any = forms.ModelChoiceField(
        queryset=Organization.objects.none(), label="Whose images will they be?", empty_label=None
    )

    def __init__(self, *args: Any, organizations: QuerySet[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = organizations  # type: ignore[attr-defined]
        self.fields["organization"].initial = organizations.first()


def feeds_of(request: HttpRequest) -> QuerySet[ImageFeed]:
    rows = narrowed(request, access.visible_to(actor_of(request), ImageFeed), "organization_id")
    return rows.select_related("organization", "fetch").order_by("server", "job", "platform", "pk")


def feed_line(row: ImageFeed, mine: QuerySet[Organization]) -> dict[str, Any]:
    """What is true of a watched job now, and what its organization may do."""
    now, state = timezone.now(), WORDS[ImageFeed.State(row.state)]
    if row.fetch is not None and row.state == ImageFeed.State.TAKEN:
        state = STATES[ImageFetch.State(row.fetch.state)]
    proposed = row.state == ImageFeed.State.PROPOSED
    if row.next_look_at <= now:
        state = state if proposed else LOOKING
    elif row.problem and not proposed:
        state = FAILED
    return {
        "feed": row,
        "state": state,
        "looks": row.next_look_at <= now,
        "built": times.moment(row.built_at, now) if row.built_at else None,
        "looked": times.moment(row.looked_at, now) if row.looked_at else None,
        "may": any(each.pk == row.organization_id for each in mine),
    }


@page(methods=("GET", "HEAD", "POST"))
def image_feeds(request: HttpRequest) -> HttpResponse:
    """All watched jobs; a POST watches another."""
    actor, mine = actor_of(request), organizations_of(request)
    form = FeedForm(request.POST if request.method == "POST" else None, organizations=mine)
    tried: Tried[ImageFeed] | None = None
    if request.method == "POST":
        if not mine.exists():
            access.require_create(actor, access.Kind.IMAGE, None)
        tried = try_form(form, lambda: actions.add_feed(actor=actor, **form.cleaned_data))
        if tried.value is not None:
            tell(request, f"{tried.value} is watched now. A worker looks at it in a moment.")
            return redirect("image-feeds")
    context = {
        "form": form,
        "lines": [feed_line(row, mine) for row in feeds_of(request)[:500]],
        "servers": BuildServer.objects.order_by("name")[:50],
        "may_add": bool(mine),
        "may_keep": may_keep_list(actor),
        "crumbs": [{"label": "Images", "url": reverse("images")}, {"label": "Watched jobs"}],
    }
    return show(request, "panel/image/feeds.html", context, tried)


def _load(request: HttpRequest, feed_id: int) -> ImageFeed:
    rows = access.visible_to(actor_of(request), ImageFeed).select_related("organization", "fetch")
    row = rows.filter(pk=feed_id).first()
    if row is None:
        raise Absent
    return row


@page(methods=("GET", "HEAD", "POST"))
def image_feed(request: HttpRequest, feed_id: int) -> HttpResponse:
    """One job; a POST changes what its images are for."""
    row, actor = _load(request, feed_id), actor_of(request)
    form = FeedKindForm(request.POST or None, initial={"role": row.role, "era": row.era})
    tried: Tried[ImageFeed] | None = None
    if request.method == "POST":
        access.require(actor, access.Verb.CHANGE, row)
        tried = try_form(form, lambda: actions.change_feed(actor=actor, feed=row, **form.cleaned_data))
        if tried.ok:
            tell(request, "That is what its images will be for.")
            return redirect("image-feed", feed_id=row.pk)
    context = {
        "line": feed_line(row, organizations_of(request)),
        "form": form,
        "evidence": [
            {"label": "Job", "value": row.place.address},
            *([{"label": "Newest build", "value": row.build}] if row.build else []),
            *([{"label": "SHA-256", "value": row.sha256}] if row.sha256 else []),
        ],
        "crumbs": [
            {"label": "Images", "url": reverse("images")},
            {"label": "Watched jobs", "url": reverse("image-feeds")},
            {"label": row.job},
        ],
    }
    template = "feed_now" if request.headers.get("HX-Request") == "true" else "feed"
    return show(request, f"panel/image/{template}.html", context, tried)


def _do(request: HttpRequest, feed_id: int, act: Callable[[ImageFeed], object], said: str) -> HttpResponse:
    try:
        act(_load(request, feed_id))
        tell(request, said)
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("image-feed", feed_id=feed_id)


@page(methods=("POST",))
def image_feed_look(request: HttpRequest, feed_id: int) -> HttpResponse:
    actor = actor_of(request)
    return _do(
        request,
        feed_id,
        lambda row: actions.look_at_feed(actor=actor, feed=row),
        "A worker looks in a moment.",
    )


@page(methods=("POST",))
def image_feed_take(request: HttpRequest, feed_id: int) -> HttpResponse:
    row = _load(request, feed_id)
    try:
        fetch = actions.take_build(actor=actor_of(request), feed=row, sha256=request.POST.get("sha256", ""))
    except (Conflict, Invalid) as error:
        refuse(request, error)
        return redirect("image-feed", feed_id=feed_id)
    return redirect("image-fetching", fetch_id=fetch.pk)


@page(methods=("POST",))
def image_feed_ignore(request: HttpRequest, feed_id: int) -> HttpResponse:
    actor, sha256 = actor_of(request), request.POST.get("sha256", "")
    return _do(
        request,
        feed_id,
        lambda row: actions.ignore_build(actor=actor, feed=row, sha256=sha256),
        "This build is ignored; the next one is proposed again.",
    )


@page(methods=("POST",))
def image_feed_remove(request: HttpRequest, feed_id: int) -> HttpResponse:
    row = _load(request, feed_id)
    name = str(row)
    actions.remove_feed(actor=actor_of(request), feed=row)
    tell(request, f"{name} is not watched any more. Its images stay.")
    return redirect("image-feeds")
