"""Images by URL: asking for one, how far it is, and the build servers that they may come from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.images import UploadForm, organizations_of
from panel.web.sentences import State
from tenants import access
from tenants.actions import image_fetches as actions
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import BuildServer, Image, ImageFetch

STATES = {
    ImageFetch.State.WAITING: State("live", "Waits for a worker"),
    ImageFetch.State.RUNNING: State("live", "Being fetched"),
    ImageFetch.State.DONE: State("ok", "There"),
    ImageFetch.State.FAILED: State("fail", "Failed"),
}


class FetchForm(UploadForm):
    field_order = ("url", "sha256", "organization")

    url = Typed(
        label="Address of the file",
        widget=plain_input(maxlength="2000", autocomplete="off", inputmode="url"),
        help_text="It begins with https:// and the name of a build server.",
    )
    sha256 = Typed(
        label="SHA-256",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="64", autocomplete="off"),
        help_text="As its builders publish it: nothing else is kept then.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        self.fields["name"].mark_optional = True  # type: ignore[attr-defined]
        self.fields["name"].help_text = "Left out, it is called as the file is."


class BuildServerForm(forms.Form):
    name = Typed(
        label="Host name",
        widget=plain_input(maxlength="253", autocomplete="off"),
        help_text="E.g. builds.robur.coop; only files over HTTPS.",
    )
    note = Typed(
        label="Note",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="200", autocomplete="off"),
    )


def fetch_line(row: ImageFetch) -> dict[str, Any]:
    """What is true of a fetch now."""
    state = STATES[ImageFetch.State(row.state)]
    came = filesizeformat(row.received)
    return {
        "row": row,
        "state": state,
        "host": urlsplit(row.url).hostname or "",
        "came": f"{came} of {filesizeformat(row.length)}" if row.length else came,
        "share": min(100, row.received * 100 // row.length) if row.length else None,
        "at": times.moment(row.changed_at if row.is_over else row.created_at, timezone.now()),
    }


@page(methods=("GET", "HEAD", "POST"))
def image_fetch(request: HttpRequest) -> HttpResponse:
    actor, organizations = actor_of(request), organizations_of(request)
    if not organizations.exists():
        access.require_create(actor, access.Kind.IMAGE, None)
    form = FetchForm(request.POST or None, organizations=organizations)
    tried: Tried[ImageFetch] | None = None
    if request.method == "POST":
        form = FetchForm(request.POST, organizations=organizations)
        tried = try_form(form, lambda: actions.fetch_image(actor=actor, **form.cleaned_data))
        if tried.value is not None:
            return redirect("image-fetching", fetch_id=tried.value.pk)
    context = {
        "form": form,
        "servers": BuildServer.objects.order_by("name")[:50],
        "may_keep": actions.may_keep_list(actor),
        "crumbs": [{"label": "Images", "url": reverse("images")}, {"label": "Fetch"}],
    }
    return show(request, "panel/image/fetch.html", context, tried)


def _load(request: HttpRequest, fetch_id: int) -> ImageFetch:
    rows = access.visible_to(actor_of(request), ImageFetch).select_related("organization", "image")
    row = rows.filter(pk=fetch_id).first()
    if row is None:
        raise Absent
    return row


@page()
def image_fetching(request: HttpRequest, fetch_id: int) -> HttpResponse:
    row = _load(request, fetch_id)
    template = "fetching_now" if request.headers.get("HX-Request") == "true" else "fetching"
    context = {
        **fetch_line(row),
        "role": Image.Role(row.role).label,
        "may_again": access.may_create(actor_of(request), access.Kind.IMAGE, row.organization),
        "crumbs": [{"label": "Images", "url": reverse("images")}, {"label": row.name}],
    }
    return render(request, f"panel/image/{template}.html", context)


@page(methods=("POST",))
def image_fetch_again(request: HttpRequest, fetch_id: int) -> HttpResponse:
    row = _load(request, fetch_id)
    try:
        actions.fetch_image_again(actor=actor_of(request), fetch=row)
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("image-fetching", fetch_id=fetch_id)


@page(methods=("GET", "HEAD", "POST"))
def build_servers(request: HttpRequest) -> HttpResponse:
    """The list; operators add to it."""
    actor = actor_of(request)
    form = BuildServerForm(request.POST if request.method == "POST" else None)
    tried: Tried[BuildServer] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: actions.add_build_server(actor=actor, **form.cleaned_data))
        if tried.value is not None:
            tell(request, f"Images may be fetched from {tried.value} now.")
            return redirect("build-servers")
    context = {
        "form": form,
        "servers": BuildServer.objects.order_by("name")[:500],
        "may_keep": actions.may_keep_list(actor),
        "crumbs": [{"label": "Images", "url": reverse("images")}, {"label": "Build servers"}],
    }
    return show(request, "panel/image/build_servers.html", context, tried)


@page(methods=("POST",))
def build_server_remove(request: HttpRequest, build_server_id: int) -> HttpResponse:
    server = BuildServer.objects.filter(pk=build_server_id).first()
    if server is None:
        raise Absent
    name = server.name
    actions.remove_build_server(actor=actor_of(request), server=server)
    tell(request, f"Nothing is fetched from {name} any more.")
    return redirect("build-servers")
