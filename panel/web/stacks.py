"""The mail stack of a domain: how far each phase is, with its proof or its reason, and what can be asked."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.domains import domain_context, get_domain
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.sentences import counted_in_words
from panel.web.standing import DomainRow
from tenants import access
from tenants.actions import stacks
from tenants.errors import Absent, Conflict, Invalid
from tenants.formats.stacks.phases import Phase
from tenants.models import Stack, StackPhase, Unikernel

Kind, Verb, State = access.Kind, access.Verb, StackPhase.State
_BADGES = {
    State.PENDING: ("off", "Later"),
    State.DOING: ("live", "Now"),
    State.PROVED: ("ok", "Proved"),
    State.FAILED: ("fail", "Failed"),
    State.LEAVING: ("live", "Being taken back"),
    State.GONE: ("off", "Taken back"),
}


def _find(request: HttpRequest, row: DomainRow) -> Stack | None:
    rows = access.visible_to(actor_of(request), Stack).filter(domain=row.domain)
    return rows.select_related("domain", "share__host", "public", "release", "sync_target").first()


@page()
def stack(request: HttpRequest, domain: str) -> HttpResponse:
    return _show(request, get_domain(request, domain))


@page(methods=("POST",))
def stack_act(request: HttpRequest, domain: str) -> HttpResponse:
    """Cancel it, let it go on, try one part again, or remove it with the domain's name typed."""
    row = get_domain(request, domain)
    thing, actor = _find(request, row), actor_of(request)
    if thing is None:
        raise Absent
    try:
        match request.POST.get("do", ""):
            case "cancel":
                stacks.cancel_stack(actor=actor, stack=thing)
                tell(request, "What runs is stopped now; keys, addresses and records stay.")
            case "resume":
                stacks.resume_stack(actor=actor, stack=thing)
                tell(request, "It goes on from what is there.")
            case "retry":
                phase = request.POST.get("phase", "")[:40]
                stacks.retry_phase(actor=actor, stack=thing, phase=phase)
                tell(request, "That part is tried again now.")
            case "remove":
                name = request.POST.get("name", "")[:300]
                stacks.remove_stack(actor=actor, stack=thing, name=name)
                tell(request, "All of it is taken back now, its MX record first.")
            case _:
                raise Invalid.of("do", "It was not said what is to be done.", "Press one of the buttons.")
    except Invalid as error:
        return _show(request, row, problem=error.sentence, status=400)
    except Conflict as error:
        refuse(request, error)
    return redirect("stack", domain=row.domain.name)


def _show(request: HttpRequest, row: DomainRow, *, problem: str = "", status: int = 200) -> HttpResponse:
    thing, organization_id = _find(request, row), row.domain.organization_id
    context: dict[str, Any] = {
        **domain_context(request, row, "stack"),
        "crumbs": [
            {"label": "Domains", "url": reverse("domains")},
            {"label": row.domain.name, "url": reverse("domain", kwargs={"domain": row.domain.name})},
            {"label": "Mail stack"},
        ],
        "may_create": shows(request, Verb.CREATE, Kind.STACK, organization_id),
        "problem": problem,
    }
    if thing is None:
        return render(request, "panel/stack/none.html", context, status=status)
    target = thing.sync_target
    lines = _lines(thing)
    failed = [each for each in lines if each["state"] == State.FAILED]
    context |= {
        "stack": thing,
        "lines": lines,
        "sentence": _sentence(thing, lines),
        "is_moving": not target.in_agreement and not target.stop_code,
        "failed": failed,
        "may_switch": shows(request, Verb.SWITCH, Kind.STACK, organization_id),
        "may_delete": shows(request, Verb.DELETE, Kind.STACK, organization_id),
    }
    template = "now" if request.headers.get("HX-Request") == "true" else "show"
    return render(request, f"panel/stack/{template}.html", context, status=status)


def _lines(thing: Stack) -> list[dict[str, Any]]:
    """The phases as they are shown, each with its unikernel where it has one."""
    titles: dict[str, Phase] = {phase.name: phase for phase in stacks.phases(thing)}
    labels = thing.release.labels if thing.release is not None else {}
    rows = Unikernel.objects.filter(share=thing.share_id, name__in=labels.values(), deleted_at=None)
    unikernels, now = {each.name: each for each in rows}, timezone.now()
    found = []
    for row in thing.phases.all():
        state = State(row.state)
        phase = titles.get(row.name)
        found.append(
            {
                "name": row.name,
                "title": phase.title if phase is not None else row.name,
                "state": state,
                "badge": _BADGES[state],
                "reason": row.reason,
                "proof": [f"{name}: {value}" for name, value in row.proof.items()]
                if state == State.PROVED
                else [],
                "since": times.moment(row.ended_at or row.began_at, now, relative=True)
                if row.ended_at or row.began_at
                else None,
                "unikernel": unikernels.get(labels.get(row.name, "")),
            }
        )
    return found


def _sentence(thing: Stack, lines: list[dict[str, Any]]) -> str:
    proved = sum(each["state"] == State.PROVED for each in lines)
    where = f"It is on {thing.share.host}, and {thing.public} is its public address."
    if thing.wanted == Stack.Wanted.REMOVED:
        return f"It is being taken back. {where}"
    if thing.wanted == Stack.Wanted.CANCELLED:
        return f"It was cancelled: nothing of it shall run. {where}"
    if proved == len(lines):
        return f"All of it was proved. {where}"
    return f"{counted_in_words(proved).capitalize()} of {len(lines)} phases are proved. {where}"
