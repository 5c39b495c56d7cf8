"""Asking for an address without an account, and following the request."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web.fields import Tried, Typed, email_input, plain_input, show, try_form
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.parcel import Parcel, parcel_of
from panel.web.standing import address_standing
from tenants.actions import invitations, requests
from tenants.errors import Absent, Conflict
from tenants.formats.passphrase import check_hash
from tenants.formats.text import FormatError
from tenants.models import AddressRequest, Domain, Invitation

Status = AddressRequest.Status
_FREE = "Whether it is free we tell you after you confirmed the next field."
_YOURS = "An address that you read already. We write to it, and you confirm it there."


class AskForm(forms.Form):
    local_part = Typed(
        label="The address you want",
        widget=plain_input(
            **{"autocomplete": "off", "data-address-local": "", "data-hint": "id_local_part_live"}
        ),
        help_text=_FREE,
    )
    target = Typed(
        label="Where your mail should go",
        widget=email_input(
            **{"autocomplete": "email", "data-address-target": "", "data-hint": "id_target_live"}
        ),
        help_text=_YOURS,
    )
    password_hash = Typed(widget=forms.HiddenInput)
    message = Typed(
        label="A word to those who decide",
        required=False,
        mark_optional=True,
        widget=forms.Textarea({"rows": 2, "maxlength": "500"}),
    )

    def __init__(
        self,
        data: QueryDict | None,
        domain: Domain,
        initial: dict[str, str] | None = None,
        *,
        invitation: Invitation | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.fields["local_part"].suffix = f"@{domain.name}"  # type: ignore[attr-defined]
        self.fields["local_part"].widget.attrs["data-domain"] = domain.name
        for name in ("local_part", "target"):
            self.fields[name].live_hint = True  # type: ignore[attr-defined]
        if invitation is not None and invitation.local_part:
            del self.fields["local_part"]

    def kept_hash(self) -> str:
        """A fingerprint that was sent and is well: kept, so that nobody gets another passphrase unasked."""
        if not self.is_bound or "password_hash" in self.errors:
            return ""
        try:
            return check_hash(self.data.get("password_hash", ""))
        except FormatError:
            return ""


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def ask(request: HttpRequest, domain: str) -> HttpResponse:
    return _ask(request, requests.open_domain(domain))


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def invited(request: HttpRequest, token: str) -> HttpResponse:
    """The same page behind the link of an invitation. Links that open nothing do so alike."""
    try:
        invitation = invitations.find_invitation(token)
        return _ask(request, invitation.domain, invitation, token)
    except Absent:
        return show(request, "public/no-invitation.html", {}, Tried(ok=False, status=404))


def _ask(
    request: HttpRequest, row: Domain, invitation: Invitation | None = None, token: str = ""
) -> HttpResponse:
    if request.method != "POST":
        wanted = {"local_part": request.GET.get("name", "").replace("\0", "")[:64]}
        return _ask_page(request, row, AskForm(None, row, wanted, invitation=invitation), invitation)
    if "another_passphrase" in request.POST:
        # Only the passphrase is chosen again: nothing is sent yet, what was typed stays.
        typed = {name: request.POST.get(name, "") for name in ("local_part", "target", "message")}
        return _ask_page(request, row, AskForm(None, row, typed, invitation=invitation), invitation)
    form = AskForm(request.POST, row, invitation=invitation)

    def act() -> requests.Submitted:
        asked = {"local_part": "", **form.cleaned_data}
        return requests.submit_request(actor=actor_of(request), domain=row, invitation_token=token, **asked)

    tried = try_form(form, act)
    if tried.value is None:
        return _ask_page(request, row, form, invitation, tried)
    return redirect("asked", page_token=tried.value.page_token)


def _ask_page(
    request: HttpRequest,
    domain: Domain,
    form: AskForm,
    invitation: Invitation | None,
    tried: Tried[requests.Submitted] | None = None,
) -> HttpResponse:
    context = {
        "domain": domain,
        "host_name": domain.name,
        "form": form,
        "kept_hash": form.kept_hash(),
        "invitation": invitation,
        "is_automatic": domain.requests == Domain.Requests.AUTOMATIC,
    }
    return show(request, "public/ask.html", context, tried)


@page(signed_in=False)
def ask_lost(request: HttpRequest, domain: str) -> HttpResponse:
    row = requests.open_domain(domain)
    return show(request, "public/ask-lost.html", {"domain": row, "host_name": row.name})


def _parcel(row: AddressRequest) -> Parcel:
    mailbox = row.mailbox
    standing = address_standing(mailbox) if mailbox is not None and mailbox.trashed_at is None else None
    return parcel_of(row, standing, timezone.now())


def _ask_again(row: AddressRequest) -> dict[str, str] | None:
    """Where one asks once more: for the same name where nobody said no to it."""
    if not row.domain.is_open:
        return None
    url = reverse("ask", kwargs={"domain": row.domain.name})
    if row.status in {Status.REFUSED, Status.TAKEN}:
        return {"url": url, "label": "Ask for another address"}
    return {"url": f"{url}?{urlencode({'name': row.local_part})}", "label": "Ask again"}


def _context(row: AddressRequest, page_token: str) -> dict[str, object]:
    return {
        "asked": row,
        "address": f"{row.local_part}@{row.domain.name}",
        "host_name": row.domain.name,
        "organization": row.domain.organization,
        "ask_again": _ask_again(row),
        "page_token": page_token,
        "parcel": _parcel(row),
    }


@page(signed_in=False)
def asked(request: HttpRequest, page_token: str) -> HttpResponse:
    """The page that only the requester has the address of; it always shows the current step."""
    row = requests.find_by_page(page_token)
    return show(request, "public/asked.html", _context(row, page_token))


@page(signed_in=False)
def asked_fragment(request: HttpRequest, page_token: str) -> HttpResponse:
    """The part of the page that changes, for js/live.js."""
    return render(request, "public/parcel.html", _context(requests.find_by_page(page_token), page_token))


@page(signed_in=False, methods=("GET", "HEAD", "POST"))
def asked_withdraw(request: HttpRequest, page_token: str) -> HttpResponse:
    if request.method != "POST":
        context = _context(requests.find_by_page(page_token), page_token)
        return show(request, "public/withdraw.html", context)
    try:
        requests.withdraw_request(actor=actor_of(request), page_token=page_token)
    except Conflict as error:
        refuse(request, error)
    else:
        tell(request, "You took the request back.")
    return redirect("asked", page_token=page_token)
