"""Importing an organization's file: upload it, read what each thing would become, do exactly that."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.fields import Tried, Typed, show, try_form
from panel.web.handling import actor_of, page, tell
from panel.web.imports import pages_of
from panel.web.organization_exports import organization_crumbs
from tenants import access
from tenants.actions import organization_imports as actions
from tenants.actions.moving_in import CHANGED, LEFT_OUT, NEW, REFUSED, UNCHANGED
from tenants.errors import Invalid, Problem
from tenants.formats.organization_file import MOST_DOMAINS
from tenants.formats.tables import MAX_BYTES, MAX_ROWS
from tenants.models import Organization, OrganizationImport

PAGE = 100
# Verdict → its word in an address, its badge, and what a person reads.
VERDICTS = {
    NEW: ("new", "live", "New"),
    CHANGED: ("changed", "live", "Changed"),
    REFUSED: ("refused", "fail", "Refused"),
    LEFT_OUT: ("left-out", "todo", "Left out"),
    UNCHANGED: ("unchanged", "off", "Unchanged"),
}


class KeyField(Typed):
    """The key of a sealed file: typed each time, never written back."""

    def __init__(self, help_text: str) -> None:
        widget = forms.PasswordInput({"maxlength": "100", "autocomplete": "off"})
        super().__init__(label="Its key", required=False, widget=widget, help_text=help_text)


class UploadForm(forms.Form):
    key = KeyField("Of a sealed file: 43 characters that were shown when the export was asked for.")
    vouched = forms.BooleanField(
        label="I vouch for those who get the mail: they agreed already",
        required=False,
        help_text="Then nobody is asked, and mail flows at once. It is kept that you said so.",
    )
    people = forms.BooleanField(
        label="Let its people in, with their roles",
        required=False,
        help_text="Each gets a mail. Who is here already stays as they are.",
    )


class ApplyForm(forms.Form):
    key = KeyField("Once more: it was not kept.")


@page(methods=("GET", "HEAD", "POST"))
def organization_import(request: HttpRequest, organization_id: int) -> HttpResponse:
    """The form; a file that was sent becomes a preview."""
    thing = _organization(request, organization_id)
    form = UploadForm(request.POST if request.method == "POST" else None)
    tried: Tried[OrganizationImport] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: _upload(request, thing, form.cleaned_data))
        if tried.value is not None:
            return _to(thing, tried.value)
    context = {
        "organization": thing,
        "crumbs": organization_crumbs(thing, "Import"),
        "form": form,
        "most_rows": f"{MAX_ROWS:,}",
        "most_domains": f"{MOST_DOMAINS:,}",
        "most_bytes": f"{MAX_BYTES >> 20} MB",
    }
    return show(request, "panel/organization/import.html", context, tried)


def _upload(request: HttpRequest, thing: Organization, given: dict[str, Any]) -> OrganizationImport:
    file = request.FILES.get("file")
    if file is None:
        missing = [Problem("file", "There is no file.", "Choose the one that an export wrote.")]
        if given["key"]:
            missing.append(Problem("key", "There is no file that it could open.", "Choose the file, too."))
        raise Invalid(missing)
    return actions.preview_organization_import(
        actor=actor_of(request),
        organization=thing,
        content=file.read(),
        name=file.name or "",
        **given,
    )


def _organization(request: HttpRequest, organization_id: int) -> Organization:
    """For those who may import into it."""
    actor = actor_of(request)
    thing = access.get(actor, Organization, pk=organization_id)
    actions.require_may_import(actor, thing)
    return thing


def _find(request: HttpRequest, organization_id: int, import_id: int) -> OrganizationImport:
    thing = _organization(request, organization_id)
    return actions.find_organization_import(actor_of(request), thing, import_id)


def _to(thing: Organization, preview: OrganizationImport) -> HttpResponse:
    return redirect("organization-import-page", organization_id=thing.pk, import_id=preview.pk)


@page()
def organization_import_page(request: HttpRequest, organization_id: int, import_id: int) -> HttpResponse:
    """What each thing would become, or what was done."""
    return _show(request, _find(request, organization_id, import_id))


@page(methods=("POST",))
def organization_import_apply(request: HttpRequest, organization_id: int, import_id: int) -> HttpResponse:
    preview = _find(request, organization_id, import_id)
    form = ApplyForm(request.POST)
    tried = try_form(
        form,
        lambda: actions.apply_organization_import(
            actor=actor_of(request),
            preview=preview,
            digest=request.POST.get("digest", "")[:64],
            key=form.cleaned_data["key"],
            leave_out_refused=request.POST.get("leave_out") == "1",
        ),
    )
    if not tried.ok:
        return _show(request, _find(request, organization_id, import_id), form=form, tried=tried)
    return _to(preview.organization, preview)


@page(methods=("POST",))
def organization_import_discard(request: HttpRequest, organization_id: int, import_id: int) -> HttpResponse:
    preview = _find(request, organization_id, import_id)
    actions.discard_organization_import(actor=actor_of(request), preview=preview)
    tell(request, "The file was forgotten; nothing of it was done.")
    return redirect("organization-import", organization_id=organization_id)


def _show(
    request: HttpRequest,
    preview: OrganizationImport,
    *,
    form: ApplyForm | None = None,
    tried: Tried[Any] | None = None,
) -> HttpResponse:
    thing, now = preview.organization, timezone.now()
    only = {word: verdict for verdict, (word, _, _) in VERDICTS.items()}.get(request.GET.get("only", ""))
    # What stays as it is, is shown on request only: there is mostly much of it.
    lines = [line for line in preview.lines if (line[0] == only if only else line[0] != UNCHANGED)]
    shown = Paginator(lines, PAGE).get_page(request.GET.get("page"))
    url = reverse("organization-import-page", kwargs={"organization_id": thing.pk, "import_id": preview.pk})
    counts = preview.counts
    context = {
        "organization": thing,
        "crumbs": organization_crumbs(thing, "Import"),
        "preview": preview,
        "headline": _headline(preview),
        "to_do": _number(counts.get(NEW, 0) + counts.get(CHANGED, 0)),
        "refused": _number(counts.get(REFUSED, 0)),
        "expires": times.moment(preview.expires_at, now),
        "applied": times.moment(preview.applied_at, now),
        "lines": [_line(*line) for line in shown],
        "chips": _chips(url, counts, only),
        "pages": pages_of(shown, url, VERDICTS[only][0] if only is not None else ""),
        "form": form or ApplyForm(),
    }
    return show(request, "panel/organization/import_show.html", context, tried)


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _headline(preview: OrganizationImport) -> str:
    told = ", ".join(
        f"{preview.counts[verdict]:,} {words[2].lower()}"
        for verdict, words in VERDICTS.items()
        if preview.counts.get(verdict)
    )
    return (
        f"Done: {told}."
        if preview.applied_at is not None
        else f"Nothing was changed yet: {told or 'nothing'}."
    )


def _line(verdict: str, thing: str, why: str) -> dict[str, str]:
    _, badge, word = VERDICTS[verdict]
    return {"badge": badge, "word": word, "thing": thing, "why": why}


def _chips(url: str, counts: dict[str, int], only: str | None) -> list[dict[str, Any]]:
    to_read = sum(counts.values()) - counts.get(UNCHANGED, 0)
    return [
        {"label": "All but unchanged", "count": f"{to_read:,}", "url": url, "current": only is None},
        *(
            {
                "label": label,
                "count": f"{counts[verdict]:,}",
                "url": f"{url}?only={word}",
                "current": verdict == only,
            }
            for verdict, (word, _, label) in VERDICTS.items()
            if counts.get(verdict)
        ),
    ]
