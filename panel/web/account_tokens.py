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
from panel.web.quotas import lefts
from tenants import access
from tenants.actions import accounts, token_rows
from tenants.actions.service_tokens import create_service_token
from tenants.actor import Actor
from tenants.models import Account, ApiToken, Domain, Membership, Organization
from tenants.token_scopes import MANY, VERBS

MOST = 200
# The least first: whoever chooses in haste chooses that.
ROLES = (Membership.Role.VIEWER, Membership.Role.MANAGER, Membership.Role.OWNER)
IDLE = {"": "for ever", "7": "a week", "30": "30 days", "90": "90 days", "366": "a year"}
LIFETIMES = {"30": "30 days", "90": "90 days", "366": "a year", "never": "until you revoke it"}


class TokenForm(forms.Form):
    name = Typed(
        label="What is it for?",
        widget=forms.TextInput({"autocomplete": "off", "maxlength": "100"}),
        help_text="A name that you recognise it by, such as “backup script”.",
    )
    keeper = forms.ChoiceField(
        label="Whose key it is",
        required=False,
        help_text="Yours ends with your account. One of an organization goes on when you leave it.",
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
    idle_days = forms.ChoiceField(
        label="How long it may lie unused",
        required=False,
        choices=tuple(IDLE.items()),
        help_text="A key that nobody used for so long ends by itself.",
    )

    def __init__(
        self,
        data: object,
        organizations: list[Organization],
        domains: list[Domain],
        owned: list[Organization],
    ) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.owned = owned
        theirs = [
            (f"{role.value} {row.pk}", f"{row.name}’s, as its {role.value}")
            for row in owned
            for role in ROLES
        ]
        self.fields["keeper"].choices = [("", "yours"), *theirs]  # type: ignore[attr-defined]
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
    organizations = list(access.visible_to(actor, Organization).order_by("name")[:MOST])
    domains = list(access.visible_to(actor, Domain).order_by("name")[:MOST])
    owned = _owned(actor, organizations)
    if request.method != "POST":
        return _token_page(request, TokenForm(None, organizations, domains, owned))
    form = TokenForm(request.POST, organizations, domains, owned)

    def act() -> tuple[ApiToken, str]:
        given = dict(form.cleaned_data)
        chosen = {str(row.pk): row for row in organizations}
        role, _, keeper = given.pop("keeper").partition(" ")
        wish = given | {
            "organization": chosen.get(given["organization"]),
            "domain": {row.name: row for row in domains}.get(given["domain"]),
            "networks": [each for each in given["networks"].replace(",", " ").split() if each],
            "days": None if given["days"] == "never" else int(given["days"]),
            "idle_days": int(given["idle_days"]) if given["idle_days"] else None,
        }
        if not role:
            return accounts.create_token(actor=actor, **wish)
        return create_service_token(
            actor=actor, organization=chosen[keeper], role=role, wish=token_rows.Wish(**wish)
        )

    tried = try_form(form, act)
    if tried.value is None:
        return _token_page(request, form, tried)
    row, key = tried.value
    return show(request, "account/token-made.html", {"token": row, "key": key})


def _owned(actor: Actor, organizations: list[Organization]) -> list[Organization]:
    """Those that may get keys of their own from this person."""
    if actor.is_operator:
        return organizations
    roles = access.roles_that(access.Verb.CREATE, access.Kind.MEMBERSHIP)
    rows = Membership.objects.filter(account=actor.account, role__in=roles)
    known = set(rows.values_list("organization_id", flat=True))
    return [row for row in organizations if row.pk in known]


def _token_page(
    request: HttpRequest, form: TokenForm, tried: Tried[tuple[ApiToken, str]] | None = None
) -> HttpResponse:
    me: Account = person(request)
    rows = me.tokens.select_related("organization", "domain").order_by("-pk")
    context = {
        "tokens": [{"row": row, "kinds": [MANY.get(kind, kind) for kind in row.kinds]} for row in rows],
        "form": form,
        "now": timezone.now(),
        "lefts": lefts(form.owned, "token", named=True),
    }
    return show(request, "account/tokens.html", context, tried)


@page(methods=("POST",))
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    accounts.revoke_token(actor=actor_of(request), token_id=token_id)
    tell(request, "The key was revoked. Programs that used it are locked out from now on.")
    return redirect("account-tokens")
