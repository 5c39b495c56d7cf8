"""Organizations: who is in them, what they may have, and which one the lists are about."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from panel.web.fields import Tried, Typed, email_input, plain_input, show, try_form
from panel.web.frame import SESSION_KEY, organizations_of, shows
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, next_url, page, refuse, tell
from panel.web.quotas import lefts
from tenants import access
from tenants.actions import organizations as actions
from tenants.actions.quotas import change_quotas
from tenants.actions.service_tokens import revoke_service_token
from tenants.errors import Conflict, Invalid
from tenants.models import Membership, Organization
from tenants.quotas import MOST, quotas_of, standings_of

Kind, Verb = access.Kind, access.Verb


class OrganizationForm(forms.Form):
    name = Typed(
        label="Name",
        widget=plain_input(maxlength="100", autocomplete="organization"),
        help_text="A society, a family, a company: whoever owns the domains.",
    )


class MemberForm(forms.Form):
    email = Typed(
        label="E-mail address",
        widget=email_input(autocomplete="off", maxlength="254"),
        help_text="They sign in with a link that is sent there.",
    )
    role = forms.ChoiceField(
        label="Role",
        choices=[
            ("owner", "Owner: everything, people too"),
            ("manager", "Manager: addresses and requests"),
            ("viewer", "Viewer: looks, changes nothing"),
        ],
        initial="manager",
    )


class SuspensionForm(forms.Form):
    reason = Typed(
        label="Reason",
        widget=forms.TextInput({"maxlength": "500", "autocomplete": "off"}),
        help_text="Its people read it on every page; owners get it by mail.",
    )


class QuotaForm(forms.Form):
    domain_quota = forms.IntegerField(label="Domains", min_value=0, max_value=MOST)
    mailbox_quota = forms.IntegerField(label="Addresses", min_value=0, max_value=MOST)
    member_quota = forms.IntegerField(label="People", min_value=0, max_value=MOST)
    token_quota = forms.IntegerField(label="Keys of its own", min_value=0, max_value=MOST)
    webhook_quota = forms.IntegerField(label="Webhooks", min_value=0, max_value=MOST)


@page()
def organizations(request: HttpRequest) -> HttpResponse:
    """All that this person may see."""
    context = {
        "rows": organizations_of(request),
        "may_make": access.may_create(actor_of(request), Kind.ORGANIZATION, None),
        "may_back_up": actor_of(request).is_operator,
    }
    return render(request, "panel/organization/list.html", context)


@page(methods=("GET", "HEAD", "POST"))
def organization_new(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    access.require_create(actor, Kind.ORGANIZATION, None)
    form = OrganizationForm(request.POST or None)
    tried: Tried[Organization] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: actions.create_organization(actor=actor, **form.cleaned_data))
        if tried.value is not None:
            made = tried.value
            request.session[SESSION_KEY] = made.pk
            tell(request, f"{made.name} was made, and you are its owner. Next, add its first domain.")
            return redirect("overview")
    return show(request, "panel/organization/new.html", {"form": form}, tried)


@page(methods=("POST",))
def organization_switch(request: HttpRequest) -> HttpResponse:
    """Narrow all lists to one organization, or to none in particular."""
    wanted = request.POST.get("organization") or request.GET.get("organization") or ""
    if wanted:
        number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 19 else 0
        request.session[SESSION_KEY] = access.get(actor_of(request), Organization, pk=number).pk
    else:
        request.session.pop(SESSION_KEY, None)
    return redirect(next_url(request, "/"))


def _organization(request: HttpRequest, organization_id: int) -> Organization:
    return access.get(actor_of(request), Organization, pk=organization_id)


@page()
def organization(request: HttpRequest, organization_id: int) -> HttpResponse:
    return show_organization(request, _organization(request, organization_id))


def show_organization(
    request: HttpRequest,
    thing: Organization,
    *,
    member_form: MemberForm | None = None,
    quota_form: QuotaForm | None = None,
    suspension_form: SuspensionForm | None = None,
    tried: Tried[Any] | None = None,
) -> HttpResponse:
    actor = actor_of(request)
    members = access.visible_to(actor, Membership).filter(organization=thing).select_related("account")
    quotas = standings_of([thing])[thing.pk]
    context = {
        "is_around": thing.pk not in access.seen_inside(actor, [thing]),
        "quotas": list(quotas.values()),
        "lefts": lefts([thing], "member"),
        "organization": thing,
        "members": members.order_by("account__email"),
        "people": quotas["member"].used,
        "may_add": shows(request, Verb.CREATE, Kind.MEMBERSHIP, thing.pk),
        "may_remove": shows(request, Verb.DELETE, Kind.MEMBERSHIP, thing.pk),
        "may_set_quotas": actor.is_operator,
        "suspension_form": suspension_form or SuspensionForm(),
        "may_move": shows(request, Verb.CREATE, Kind.EXPORT, thing.pk),
        "may_change": shows(request, Verb.CHANGE, Kind.ORGANIZATION, thing.pk),
        "member_form": member_form or MemberForm(),
        "quota_form": quota_form or QuotaForm(initial=quotas_of(thing)),
        "domains_left": quotas["domain"].left,
        "addresses_left": quotas["mailbox"].left,
        "me": actor.account,
    }
    return show(request, "panel/organization/show.html", context, tried)


@page(methods=("POST",))
@fresh_sign_in()
def member_add(request: HttpRequest, organization_id: int) -> HttpResponse:
    thing = _organization(request, organization_id)
    form = MemberForm(request.POST)
    tried = try_form(
        form, lambda: actions.add_member(actor=actor_of(request), organization=thing, **form.cleaned_data)
    )
    if tried.value is None:
        return show_organization(request, thing, member_form=form, tried=tried)
    tell(request, f"{tried.value.account.email} is {tried.value.role} of {thing.name}.")
    return redirect("organization", organization_id=thing.pk)


@page(methods=("POST",))
def member_remove(request: HttpRequest, organization_id: int, member_id: int) -> HttpResponse:
    thing = _organization(request, organization_id)
    member = access.get(actor_of(request), Membership, pk=member_id, organization=thing)
    try:
        go = revoke_service_token if member.account.is_service else actions.remove_member
        go(actor=actor_of(request), membership=member)
        who = f"The program {member.account}" if member.account.is_service else member.account.email
        tell(request, f"{who} left {thing.name}.")
    except (Invalid, Conflict) as error:
        refuse(request, error)
    return redirect("organization", organization_id=thing.pk)


@page(methods=("POST",))
@fresh_sign_in()
def organization_second_factor(request: HttpRequest, organization_id: int) -> HttpResponse:
    thing = _organization(request, organization_id)
    required = request.POST.get("required") == "on"
    actions.require_second_factor(actor=actor_of(request), organization=thing, required=required)
    told = (
        "Its people need a second factor now." if required else "A second factor is everybody's own choice."
    )
    tell(request, told)
    return redirect("organization", organization_id=thing.pk)


@page(methods=("POST",))
def organization_quotas(request: HttpRequest, organization_id: int) -> HttpResponse:
    thing = _organization(request, organization_id)
    form = QuotaForm(request.POST)
    tried = try_form(
        form,
        lambda: change_quotas(actor=actor_of(request), organization=thing, **form.cleaned_data),
    )
    if not tried.ok:
        return show_organization(request, thing, quota_form=form, tried=tried)
    tell(request, f"The quotas of {thing.name} are set.")
    return redirect("organization", organization_id=thing.pk)
