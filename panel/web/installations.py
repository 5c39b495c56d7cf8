"""What runs for a domain already, made by others: read, explained, taken over unit by unit, made a stack."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import stack_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.standing import DomainRow
from tenants import access
from tenants.actions import stack_adoption, surveys
from tenants.actions.adoption_blueprints import Adoption, preview_adoption
from tenants.errors import Absent, Conflict, Invalid
from tenants.formats.existing.guess import Certainty
from tenants.formats.existing.painting import paint
from tenants.formats.existing.picture import Notice, Part, Picture, Seen, Weight
from tenants.formats.roles.catalogue import ROLES
from tenants.models import HostShare, PublicAddress, Stack, Survey, SurveyLook
from tenants.survey_places import SurveyedPlace, targets_of, why_not_read
from tenants.surveys import lines_of_others, seen_of

Kind, Verb = access.Kind, access.Verb
_MOST = 200
_BADGES = {
    Weight.DANGER: "fail",
    Weight.CONTRADICTION: "todo",
    Weight.MISSING: "todo",
    Weight.UNKNOWN: "wait",
    Weight.NOTE: "off",
}
_CERTAIN = {Certainty.CERTAIN: "ok", Certainty.LIKELY: "todo", Certainty.UNKNOWN: "off"}


class AdoptionForm(forms.Form):
    """`service_<role>` is the address of what fills a role instead of a unikernel that was found."""

    public = forms.ChoiceField(
        label="Public address", help_text="The one that ports 25 and 465 of this domain have."
    )

    def __init__(self, data: Any = None, *, publics: list[PublicAddress]) -> None:
        super().__init__(data)
        self.publics = {str(each.pk): each for each in publics}
        self.fields["public"].choices = [(key, str(row)) for key, row in self.publics.items()]  # type: ignore[attr-defined]

    @property
    def services(self) -> list[forms.BoundField]:
        return [self[f"service_{role}"] for role in ROLES]

    def given(self) -> dict[str, Any]:
        """What was filled in, as the actions take it."""
        values = self.cleaned_data
        return {
            "public": self.publics[values["public"]],
            "services": {role: values[f"service_{role}"] for role in ROLES},
        }


for _role, _about in ROLES.items():
    AdoptionForm.base_fields[f"service_{_role}"] = Typed(
        label=f"Address of the {_about.title}",
        required=False,
        mark_optional=True,
        widget=plain_input(maxlength="15", autocomplete="off"),
    )


@page(methods=("GET", "HEAD", "POST"))
def installation(request: HttpRequest, domain: str) -> HttpResponse:
    """What is there. A POST says which stack it would be; one that names what was shown makes just that."""
    row = get_domain(request, domain)
    survey = _survey(row)
    if request.method == "POST" and survey is None:
        raise Absent
    if survey is None:
        return show(request, "panel/installation/none.html", _common(request, row))
    seen = seen_of(actor_of(request), survey)
    picture = paint(seen)
    context = _common(request, row) | _shown(survey, picture)
    if request.headers.get("HX-Request") == "true":
        return show(request, "panel/installation/now.html", context)
    stack = Stack.objects.filter(domain=row.domain).select_related("release", "domain").first()
    if stack is not None:
        return show(
            request, "panel/installation/show.html", context | _of_stack(request, seen, picture, stack)
        )
    may_make = shows(request, Verb.CREATE, Kind.STACK, row.domain.organization_id)
    if request.method == "POST":
        access.require_create(actor_of(request), Kind.STACK, row.domain.organization)
    if not may_make:
        return show(request, "panel/installation/show.html", context)
    return _adopt(request, row, survey, picture, context)


def _adopt(
    request: HttpRequest, row: DomainRow, survey: Survey, picture: Picture, context: dict[str, Any]
) -> HttpResponse:
    actor = actor_of(request)
    publics = list(survey.share.public_addresses.filter(stack=None).order_by("pk")[:_MOST])
    publics.sort(key=lambda each: each.address != picture.public)
    if not publics:
        lacking = ["No public address of this host is free for you. Those who run the host give you one."]
        return show(request, "panel/installation/show.html", context | {"lacking": lacking})
    first = {"public": str(publics[0].pk)} if request.method != "POST" else request.POST
    form = AdoptionForm(first, publics=publics)
    fields = {role: f"service_{role}" for role in ROLES}
    if request.method == "POST" and request.POST.get("plan"):
        plan = request.POST["plan"][:100]
        made = try_form(
            form,
            lambda: stack_adoption.adopt_stack(actor=actor, domain=row.domain, plan=plan, **form.given()),
            typed_in=fields,
        )
        if made.ok:
            tell(request, "It is your mail stack from now on, as it runs. Nothing was restarted.")
            return redirect("stack", domain=row.domain.name)
        return show(request, "panel/installation/show.html", context | {"form": form}, made)
    tried: Tried[Adoption] = try_form(
        form, lambda: preview_adoption(actor=actor, domain=row.domain, **form.given()), typed_in=fields
    )
    adoption = tried.value
    context |= {
        "form": form,
        "adoption": adoption,
        "lacking": [str(each) for each in adoption.lacking] if adoption is not None else [],
        "taken": [f"{each.role.title}: {each.row.name}" for each in adoption.taken] if adoption else [],
    }
    return show(request, "panel/installation/show.html", context, tried)


@page(methods=("POST",))
def installation_act(request: HttpRequest, domain: str) -> HttpResponse:
    """Have it read, or let Rookery write the rules of the stack that it has become."""
    row, actor = get_domain(request, domain), actor_of(request)
    try:
        match request.POST.get("do", ""):
            case "look":
                share = _shares(request, row).filter(pk=_number(request.POST.get("share", ""))).first()
                if share is None:
                    raise Absent
                surveys.look_at_installation(actor=actor, domain=row.domain, share=share)
                tell(request, "Workers read it now. Nothing outside is changed.")
            case "rules":
                stack = access.visible_to(actor, Stack).filter(domain=row.domain).first()
                if stack is None:
                    raise Absent
                stack_adoption.take_over_rules(actor=actor, stack=stack)
                tell(request, "Rookery's rules are written now, beside those of others.")
            case _:
                raise Invalid.of("do", "It was not said what is to be done.", "Press one of the buttons.")
    except Conflict as error:
        refuse(request, error)
    return redirect("installation", domain=row.domain.name)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _survey(row: DomainRow) -> Survey | None:
    rows = Survey.objects.select_related("share__host", "share__sync_target", "domain__organization")
    return rows.filter(domain=row.domain).first()


def _shares(request: HttpRequest, row: DomainRow) -> Any:
    rows = access.visible_to(actor_of(request), HostShare).filter(organization=row.domain.organization_id)
    return rows.select_related("host").order_by("host__name")


def _common(request: HttpRequest, row: DomainRow) -> dict[str, Any]:
    return {
        **domain_context(request, row, "stack"),
        "crumbs": stack_crumbs(row.domain.name, "What runs already"),
        "shares": list(_shares(request, row)[:_MOST]),
        "may_look": shows(request, Verb.CHANGE, Kind.DOMAIN, row.domain.organization_id),
    }


# What was read ----------------------------------------------------------------------------------------


def _shown(survey: Survey, picture: Picture) -> dict[str, Any]:
    places = _places(survey)
    return {
        "survey": survey,
        "places": places,
        "is_moving": any(each["waits"] for each in places),
        "notices": [_notice(each) for each in picture.notices],
        "parts": [_part(each, picture) for each in picture.parts],
        "led": [each.sentence for each in picture.led],
        "missing": [ROLES[role].title for role in picture.missing],
        "public": picture.public,
        "dotted": any("." in each.seen.label for each in picture.parts),
        "users": next((each.seen for each in survey.looks.all() if each.place == "users"), None),
    }


def _places(survey: Survey) -> list[dict[str, Any]]:
    looks, now = {row.place: row for row in survey.looks.all()}, timezone.now()
    found: dict[str, dict[str, Any]] = {}
    for each in targets_of(survey):
        look = looks.get(each.place)
        line = {
            "title": SurveyLook.Place(each.place).label,
            "since": times.moment(look.seen_at, now, relative=True) if look is not None else None,
            "why": "" if look is not None else why_not_read(each),
            "waits": look is None and each.target is not None and not each.target.stop_code,
            "url": _mending(each, survey) if look is None else "",
        }
        found.setdefault(each.place, line)
    return list(found.values())


def _mending(each: SurveyedPlace, survey: Survey) -> str:
    """Where somebody can do something about a place that was not read."""
    at = {"domain": survey.domain.name}
    if each.place == SurveyLook.Place.USERS:
        return reverse("repository" if each.target is not None else "repository-new", kwargs=at)
    if each.place == SurveyLook.Place.ZONE:
        return reverse("zone", kwargs=at)
    return reverse("host", args=[survey.share_id])


def _notice(each: Notice) -> dict[str, Any]:
    return {
        "badge": (_BADGES[each.weight], each.weight.value.capitalize()),
        "about": each.about,
        "sentence": each.sentence,
        "advice": each.advice,
    }


def _part(each: Part, picture: Picture) -> dict[str, Any]:
    guess = each.guess
    hops = [f"{hop.option} {hop.address}: {hop.label or 'nobody here'}" for hop in each.hops]
    return {
        "label": each.seen.label,
        "title": each.title,
        "badge": (_CERTAIN[guess.certainty], guess.certainty.value.capitalize()),
        "eras": ", ".join(era.value for era in guess.eras),
        "reasons": [*guess.reasons, *guess.contradicts],
        "lines": [*each.reached, *each.recorded, *hops],
        "ours": each.seen.ours,
        "why_not": each.seen.why_not,
        "other": each.domain if not picture.serves(each) else "",
    }


def _of_stack(request: HttpRequest, seen: Seen, picture: Picture, stack: Stack) -> dict[str, Any]:
    """After it was made a stack: whose rules lead to it, and how those of others are taken out."""
    return {
        "stack": stack,
        "by_others": stack.firewall == Stack.Firewall.OTHERS,
        "removal": "\n".join(lines_of_others(seen, picture, stack)),
        "may_rules": shows(request, Verb.SWITCH, Kind.STACK, stack.domain.organization_id),
    }
