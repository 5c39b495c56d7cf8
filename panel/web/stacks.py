"""The mail stack of a domain: how far each phase is, with its proof or its reason, and what can be asked."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.web.canary_line import canary_line
from panel.web.crumbs import stack_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.host_standing import unikernel_standing
from panel.web.letter_path import Picture, Seen, letter_path
from panel.web.sandbox_stack import may_make_ready
from panel.web.sentences import counted_in_words
from panel.web.stack_notes import relay_note
from panel.web.standing import DomainRow
from panel.web.upgrade_notes import phase_line, upgrade_context
from tenants import access
from tenants.actions import stacks
from tenants.errors import Absent, Conflict, Invalid
from tenants.formats.stacks.phases import OPEN, Phase
from tenants.left_alone import left_units
from tenants.models import Condition, PrimaryServer, Stack, StackPhase, Unikernel
from tenants.relay_states import conditions_of
from tenants.same_by_hand.stacks import stack_by_hand

Kind, Verb, State = access.Kind, access.Verb, StackPhase.State


def find_stack(request: HttpRequest, row: DomainRow) -> Stack | None:
    """The stack of a domain, for whoever may see it."""
    rows = access.visible_to(actor_of(request), Stack).filter(domain=row.domain)
    return rows.select_related(
        "domain", "share__host", "share__sync_target", "public", "release", "sync_target"
    ).first()


@page()
def stack(request: HttpRequest, domain: str) -> HttpResponse:
    return _show(request, get_domain(request, domain))


@page(methods=("POST",))
def stack_act(request: HttpRequest, domain: str) -> HttpResponse:
    """Cancel it, let it go on, try one part again, or remove it with the domain's name typed."""
    row = get_domain(request, domain)
    thing, actor = find_stack(request, row), actor_of(request)
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
    thing, organization_id = find_stack(request, row), row.domain.organization_id
    context: dict[str, Any] = {
        **domain_context(request, row, "stack"),
        "crumbs": stack_crumbs(row.domain.name),
        "may_create": shows(request, Verb.CREATE, Kind.STACK, organization_id),
        "problem": problem,
    }
    if thing is None:
        gone = PrimaryServer.objects.filter(repository__sync_target__zones__domain=row.domain)
        context["sandbox_ready"] = may_make_ready(request, organization_id)
        context["unserved"] = gone.filter(removed_with=row.domain.name).exists()
        return render(request, "panel/stack/none.html", context, status=status)
    target = thing.sync_target
    lines, upgrades = _lines(thing), upgrade_context(thing)
    failed = [each for each in lines if each["state"] == State.FAILED]
    context |= {
        "stack": thing,
        "lines": lines,
        "headline": _headline(thing, lines),
        "sentence": _sentence(thing, lines),
        "relay_note": relay_note(thing),
        "canary_line": canary_line(thing, timezone.now()),
        "is_moving": not target.in_agreement and not target.stop_code,
        "failed": failed,
        "serves_zone": any(each["name"] == "primary" for each in lines),
        **upgrades,
        "path": _path(thing, lines, upgrades),
        "may_change": shows(request, Verb.CHANGE, Kind.STACK, organization_id),
        "by_hand": stack_by_hand(thing),
        "may_switch": shows(request, Verb.SWITCH, Kind.STACK, organization_id),
        "may_follow": shows(request, Verb.SWITCH, Kind.STACK, organization_id) and thing.wanted == "running",
        "may_delete": shows(request, Verb.DELETE, Kind.STACK, organization_id),
    }
    template = "live" if request.headers.get("HX-Request") == "true" else "show"
    return render(request, f"panel/stack/{template}.html", context, status=status)


def _lines(thing: Stack) -> list[dict[str, Any]]:
    """The phases as they are shown, each with its unikernel where it has one."""
    titles: dict[str, Phase] = {phase.name: phase for phase in stacks.phases(thing)}
    labels = thing.release.labels if thing.release is not None else {}
    rows = Unikernel.objects.filter(share=thing.share_id, name__in=labels.values(), deleted_at=None)
    unikernels, now = {each.name: each for each in rows}, timezone.now()
    host = thing.share.sync_target
    conditions = conditions_of(host)
    found_there = left_units(conditions.values())
    reachable = conditions.get(Condition.Type.REACHABLE)
    found = []
    for row in thing.phases.all():
        phase = titles.get(row.name)
        title = phase.title if phase is not None else row.name
        line, label = phase_line(row, title, now), labels.get(row.name, "")
        unikernel = unikernels.get(label)
        since = found_there.get(label, ("", ""))[1] if row.state == State.PROVED else ""
        if since:
            line["badge"] = ("todo", "Not as it was proved")
        seen = Seen(
            phase=row.state,
            standing=unikernel_standing(unikernel, host, conditions, now).state if unikernel else None,
            unikernel=unikernel.pk if unikernel else None,
            found=since,
            away=reachable is not None and not reachable.status,
        )
        found.append({**line, "unikernel": unikernel, "found": since, "seen": seen})
    return found


def _path(thing: Stack, lines: list[dict[str, Any]], upgrades: dict[str, Any]) -> Picture:
    """The picture of the roles, from what is known for the rest of the page."""
    seen = {each["name"]: each["seen"] for each in lines}
    ports = seen[OPEN].phase if OPEN in seen else ""
    steps = upgrades.get("upgrade_lines", ())
    doing = {each["name"] for each in steps if each["state"] in {State.DOING, State.LEAVING}}
    return letter_path(thing, seen, ports, upgrades["upgrade"], doing)


def _headline(thing: Stack, lines: list[dict[str, Any]]) -> str:
    """The first of these that holds: it goes, is halted, needs a person, runs, is being made."""
    name = f"The mail stack of {thing.domain}"
    if thing.wanted == Stack.Wanted.REMOVED:
        return f"{name} is being taken back."
    if thing.wanted == Stack.Wanted.CANCELLED:
        return f"{name} is cancelled."
    if any(each["state"] == State.FAILED or each["found"] for each in lines):
        return f"{name} needs you."
    if all(each["state"] == State.PROVED for each in lines):
        return f"{name} runs as planned."
    return f"{name} is being made."


def _sentence(thing: Stack, lines: list[dict[str, Any]]) -> str:
    proved = sum(each["state"] == State.PROVED for each in lines)
    where = f"It is on {thing.share.host}, and {thing.public} is its public address."
    if thing.wanted == Stack.Wanted.REMOVED:
        return f"It is being taken back. {where}"
    if thing.wanted == Stack.Wanted.CANCELLED:
        return f"It was cancelled: nothing of it shall run. {where}"
    if proved == len(lines) and any(each["found"] for each in lines):
        return f"All of it was proved, and not all of it is like that any more. {where}"
    if proved == len(lines):
        return f"All of it was proved. {where}"
    return f"{counted_in_words(proved).capitalize()} of {len(lines)} phases are proved. {where}"
