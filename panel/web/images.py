"""Unikernel images: the list, uploading one, and what it says about itself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.sandbox_told import albatross_told
from tenants import access, image_files
from tenants.actions import images as actions
from tenants.errors import Absent, Conflict
from tenants.formats.solo5_image import MOST_IMAGE
from tenants.models import Image, Organization, Unikernel
from tenants.same_by_hand.hosts import image_by_hand

Kind, Verb = access.Kind, access.Verb


def role_field() -> Any:
    return forms.ChoiceField(label="Role", choices=Image.Role.choices, initial=Image.Role.OTHER)


def era_field() -> Any:
    return Typed(
        label="Generation",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="40", autocomplete="off"),
        help_text="Of ptt's images p22, p23 or p24: arguments differ, and a mail stack must know.",
    )


class ImageForm(forms.Form):
    name = Typed(label="Name", widget=plain_input(maxlength="100", autocomplete="off"))
    role = role_field()
    era = era_field()
    note = Typed(
        label="Note",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="500", autocomplete="off"),
    )


class UploadForm(ImageForm):
    organization: Any = forms.ModelChoiceField(
        queryset=Organization.objects.none(), label="Whose image is it?", empty_label=None
    )

    def __init__(self, *args: Any, organizations: QuerySet[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = organizations  # type: ignore[attr-defined]
        self.fields["organization"].initial = organizations.first()


def organizations_of(request: HttpRequest) -> QuerySet[Organization]:
    """Where this person may upload."""
    seen = access.visible_to(actor_of(request), Organization).order_by("name")
    mine = [each.pk for each in seen if shows(request, Verb.CREATE, Kind.IMAGE, each.pk)]
    return seen.filter(pk__in=mine)


@page(methods=("GET", "HEAD", "POST"))
def image_upload(request: HttpRequest) -> HttpResponse:
    actor, organizations = actor_of(request), organizations_of(request)
    if not organizations.exists():
        access.require_create(actor, Kind.IMAGE, None)
    form = UploadForm(request.POST or None, organizations=organizations)
    tried: Tried[Image] | None = None
    if request.method == "POST":
        form = UploadForm(request.POST, organizations=organizations)
        tried = try_form(form, lambda: _upload(request, form.cleaned_data))
        if tried.value is not None:
            tell(request, f"{tried.value} is there: {tried.value.target}, ABI {tried.value.abi_version}.")
            return redirect("image", image_id=tried.value.pk)
    context = {
        "form": form,
        "most": MOST_IMAGE >> 20,
        "hint": albatross_told(),
        "crumbs": [{"label": "Images", "url": reverse("images")}, {"label": "Upload"}],
    }
    return show(request, "panel/image/upload.html", context, tried)


def _upload(request: HttpRequest, given: dict[str, Any]) -> Image:
    file = request.FILES.get("image")
    return actions.upload_image(
        actor=actor_of(request),
        organization=given["organization"],
        contents=file.chunks() if file is not None else (),
        name=given["name"] or (file.name or "" if file is not None else "")[:100],
        role=given["role"],
        era=given["era"],
        note=given["note"],
    )


def load_image(request: HttpRequest, image_id: int) -> Image:
    rows = access.visible_to(actor_of(request), Image).select_related("organization")
    image = rows.filter(pk=image_id).first()
    if image is None:
        raise Absent
    return image


def sharing_of(request: HttpRequest, row: Image) -> dict[str, Any]:
    """With whom an image can be shared; of those whom somebody else chose, no name is told."""
    chosen = set(row.shared_with.values_list("pk", flat=True))
    seen = access.visible_to(actor_of(request), Organization).exclude(pk=row.organization_id)
    found = {each.pk: each.name for each in seen.order_by("name")[:200]}
    choices = [{"pk": pk, "name": name, "chosen": pk in chosen} for pk, name in found.items()]
    others = sorted(chosen - set(found))
    choices += [{"pk": pk, "name": "one that an operator chose", "chosen": True} for pk in others]
    return {"choices": choices, "number": len(chosen)}


@page(methods=("GET", "HEAD", "POST"))
def image(request: HttpRequest, image_id: int) -> HttpResponse:
    """What it is; a POST changes what it is called."""
    row, actor = load_image(request, image_id), actor_of(request)
    initial = {"name": row.name, "role": row.role, "era": row.era, "note": row.note}
    form = ImageForm(request.POST or None, initial=initial)
    tried: Tried[Image] | None = None
    if request.method == "POST":
        access.require(actor, Verb.CHANGE, row)
        tried = try_form(form, lambda: actions.change_image(actor=actor, image=row, **form.cleaned_data))
        if tried.ok:
            tell(request, "That is how it is called now.")
            return redirect("image", image_id=row.pk)
    mine = access.visible_to(actor, Unikernel)
    users = mine.filter(image=row).select_related("share__host").order_by("name")
    context = {
        "image": row,
        "form": form,
        "users": users,
        "in_use": row.unikernels.exists(),
        "is_there": image_files.is_there(row),
        "at": times.moment(row.created_at, timezone.now()),
        "evidence": [
            {"label": "SHA-256", "value": row.sha256},
            {"label": "Size", "value": f"{row.size:,} bytes"},
            {"label": "Tender", "value": row.manifest.tender},
            {"label": "Machine", "value": row.machine},
            *([{"label": "Came from", "value": row.source}] if row.source else []),
        ],
        "by_hand": image_by_hand(row),
        "may_change": access.may(actor, Verb.CHANGE, row),
        "may_delete": access.may(actor, Verb.DELETE, row),
        "sharing": sharing_of(request, row) if access.may(actor, Verb.CHANGE, row) else None,
        "crumbs": [{"label": "Images", "url": reverse("images")}, {"label": row.name}],
    }
    return show(request, "panel/image/show.html", context, tried)


@page(methods=("POST",))
def image_delete(request: HttpRequest, image_id: int) -> HttpResponse:
    row = load_image(request, image_id)
    name = str(row)
    try:
        actions.delete_image(actor=actor_of(request), image=row)
    except Conflict as error:
        refuse(request, error)
        return redirect("image", image_id=image_id)
    tell(request, f"{name} was deleted.")
    return redirect("images")
