"""Keys for programs that act as their person: made, shown once, revoked."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from panel.web.account import person
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, tell
from tenants import access
from tenants.actions import accounts
from tenants.models import Account, ApiToken, Domain, Organization
from tenants.token_scopes import MANY, VERBS

LIFETIMES = {"30": "30 days", "90": "90 days", "366": "a year", "never": "until you revoke it"}


class TokenForm(forms.Form):
    name = Typed(
        label="What is it for?",
        widget=forms.TextInput({"autocomplete": "off", "maxlength": "100"}),
        help_text="A name that you recognise it by, such as “backup script”.",
    )
    organization = forms.ChoiceField(label="Where it may act", required=False)
    domain = forms.ChoiceField(label="Which domain it knows", required=False)
    kinds = forms.MultipleChoiceField(
        label="What it knows",
        required=False,
        choices=tuple(MANY.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: everything. Organizations and domains can be seen by every key.",
    )
    verbs = forms.MultipleChoiceField(
        label="What it may do, besides seeing",
        required=False,
        choices=[(verb, verb) for verb in VERBS],
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all that you may. Manage is to switch addresses off and on.",
    )
    read_only = forms.BooleanField(label="It may only read", required=False)
    networks = Typed(
        label="Where it may be used from",
        required=False,
        mark_optional=True,
        widget=plain_input(autocomplete="off", maxlength="800"),
        help_text="Addresses or networks with commas between them, such as 192.0.2.0/24. Empty: anywhere.",
    )
    days = forms.ChoiceField(label="How long it works", choices=tuple(LIFETIMES.items()), initial="90")

    def __init__(self, data: object, organizations: list[Organization], domains: list[Domain]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        everywhere = ("", "everywhere that you may")
        choices = [everywhere, *((str(row.pk), row.name) for row in organizations)]
        self.fields["organization"].choices = choices  # type: ignore[attr-defined]
        names = [("", "all that you may see"), *((row.name, row.name) for row in domains)]
        self.fields["domain"].choices = names  # type: ignore[attr-defined]


@page(methods=("GET", "HEAD", "POST"))
@fresh_sign_in()
def tokens(request: HttpRequest) -> HttpResponse:
    """The list; a POST makes one and shows its key on the answer, the only page that ever has it."""
    actor = actor_of(request)
    organizations = list(access.visible_to(actor, Organization).order_by("name")[:200])
    domains = list(access.visible_to(actor, Domain).order_by("name")[:200])
    if request.method != "POST":
        return _token_page(request, TokenForm(None, organizations, domains))
    form = TokenForm(request.POST, organizations, domains)

    def act() -> tuple[ApiToken, str]:
        chosen = {str(row.pk): row for row in organizations}
        named = {row.name: row for row in domains}
        days = form.cleaned_data["days"]
        return accounts.create_token(
            actor=actor,
            name=form.cleaned_data["name"],
            organization=chosen.get(form.cleaned_data["organization"]),
            domain=named.get(form.cleaned_data["domain"]),
            kinds=form.cleaned_data["kinds"],
            verbs=form.cleaned_data["verbs"],
            networks=[each for each in form.cleaned_data["networks"].replace(",", " ").split() if each],
            read_only=form.cleaned_data["read_only"],
            days=None if days == "never" else int(days),
        )

    tried = try_form(form, act)
    if tried.value is None:
        return _token_page(request, form, tried)
    row, key = tried.value
    return show(request, "account/token-made.html", {"token": row, "key": key})


def _token_page(
    request: HttpRequest, form: TokenForm, tried: Tried[tuple[ApiToken, str]] | None = None
) -> HttpResponse:
    me: Account = person(request)
    context = {
        "tokens": me.tokens.select_related("organization", "domain").order_by("-pk"),
        "form": form,
        "now": timezone.now(),
    }
    return show(request, "account/tokens.html", context, tried)


@page(methods=("POST",))
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    accounts.revoke_token(actor=actor_of(request), token_id=token_id)
    tell(request, "The key was revoked. Programs that used it are locked out from now on.")
    return redirect("account-tokens")
