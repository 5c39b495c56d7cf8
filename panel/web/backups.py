"""For operators: how old the last backup is; after a restore, what waits to be compared and let go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.fragments import run_url
from panel.web.handling import actor_of, page, tell
from panel.web.places import place_label, place_url
from panel.web.sentences import State, amount
from tenants import access
from tenants.actions import restored as actions
from tenants.errors import Absent, Conflict, Forbidden
from tenants.models import Installation, Run, SyncTarget
from tenants.version import VERSION

MOST = 200


@dataclass(frozen=True)
class HeldLine:
    """One target that waits after a restore."""

    pk: int
    label: str
    organization: str
    url: str
    state: State
    sentence: str
    run_url: str
    mode_before: str


def is_old(backed_up_at: datetime | None, now: datetime) -> bool:
    """Twice the time that lies between two."""
    return backed_up_at is None or now - backed_up_at > 2 * settings.BACKUP_EVERY


@page()
def backups(request: HttpRequest) -> HttpResponse:
    _require_operator(request)
    now, here = timezone.now(), Installation.objects.get(pk=Installation.current_id())
    held = _held_lines(now)
    count = actions.held_targets().count()
    context = {
        "headline": headline(here, count),
        "here": here,
        "is_old": is_old(here.backed_up_at, now),
        "last": times.moment(here.backed_up_at, now, relative=True),
        "begun": times.moment(here.backup_begun_at, now),
        "restored": times.moment(here.restored_at, now),
        "seen": times.moment(here.restored_from, now),
        "held": held,
        "more": count - len(held),
        "owed": actions.held_mails().count() + actions.held_deliveries().count(),
        "version": VERSION,
    }
    return render(request, "panel/backups.html", context)


def headline(here: Installation, held: int) -> str:
    if held:
        waits = amount(held, "target waits", "targets wait")
        return f"{waits} after the restore: compare and let go."
    if here.backed_up_at is None:
        return "No backup was made yet."
    return "A backup was made."


def _held_lines(now: datetime) -> list[HeldLine]:
    rows = (
        actions.held_targets()
        .select_related(
            "organization",
            "repository__domain",
            "host_share__host",
            "update_server",
            "firewall__host",
            "stack__domain",
        )
        .annotate(found=Count("findings", filter=Q(findings__kind__in=("drift", "conflict", "foreign"))))
        .order_by("organization__name", "kind", "pk")[:MOST]
    )
    targets = list(rows)
    stopped = Run.objects.filter(target__in=targets, state=Run.State.STOPPED).order_by("pk")
    runs = {run.target_id: run.pk for run in stopped.only("pk", "target_id")}
    return [_held_line(each, runs.get(each.pk)) for each in targets]


def _held_line(target: SyncTarget, run: int | None) -> HeldLine:
    state, sentence = seen(target, vars(target)["found"])
    before = target.mode_before if target.mode_before != SyncTarget.DriftMode.REPORT else ""
    return HeldLine(
        pk=target.pk,
        label=f"{target.get_kind_display().capitalize()} {place_label(target)}",
        organization=target.organization.name,
        url=place_url(target),
        state=state,
        sentence=sentence,
        run_url=run_url(run) if target.stop_code else "",
        mode_before=before,
    )


def seen(target: SyncTarget, found: int) -> tuple[State, str]:
    """What the last look since the restore says. Pure."""
    since = target.held_since or timezone.now()
    if target.checked_at is None or target.checked_at + timedelta(seconds=1) < since:
        if target.failures:
            return State("fail", "Not reached"), "It cannot be reached so far; Rookery goes on trying."
        return State("wait", "Not compared yet"), "A worker looks at it soon."
    if target.stop_code == "held-after-restore":
        return State("todo", "Would be changed"), "The plan says what would be written. Read it first."
    if target.stop_code:
        return State("fail", "Needs a person"), "It could not be compared. Its run says why."
    if found:
        told = amount(found, "thing there is", "things there are")
        return State("todo", "Changed since"), f"{told} otherwise than in the backup. They stay as they are."
    return State("ok", "Agrees"), "What is there is what the backup says."


def _require_operator(request: HttpRequest) -> None:
    if not actor_of(request).is_operator:
        raise Forbidden("Backups are a matter of the operators of this Rookery.")


@page(methods=("POST",))
def backup_let_go(request: HttpRequest, target_id: int) -> HttpResponse:
    actor = actor_of(request)
    target = access.visible_to(actor, SyncTarget).filter(pk=target_id).first()
    if target is None:
        raise Absent
    wanted = request.POST.get("mode", "")
    if wanted not in {"", "before"}:
        raise Conflict("It is let go in report mode, or in the mode of before. Use the buttons of the page.")
    again = target.mode_before if wanted else ""
    actions.let_go(actor=actor, target=target, mode=again or SyncTarget.DriftMode.REPORT)
    tell(request, f"{place_label(target)} was let go, in {target.drift_mode} mode.")
    return redirect("backups")


@page(methods=("POST",))
def backup_let_all_go(request: HttpRequest) -> HttpResponse:
    count = actions.let_all_go(actor=actor_of(request))
    tell(request, f"{amount(count, 'target was', 'targets were')} let go, in report mode.")
    return redirect("backups")


@page(methods=("POST",))
def backup_mails(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("what")
    if wanted not in {"send", "drop"}:
        raise Conflict("Say whether to send or to drop them. Use the buttons of the page.")
    send = wanted == "send"
    count = actions.decide_held_messages(actor=actor_of(request), send=send)
    tell(request, f"{amount(count, 'message is', 'messages are')} {'on the way' if send else 'dropped'}.")
    return redirect("backups")


def restore_banner(request: HttpRequest) -> dict[str, Any] | None:
    """On top of the first page, for operators, as long as something waits."""
    if not actor_of(request).is_operator:
        return None
    held = actions.held_targets().count()
    if not held:
        return None
    return {
        "state": "needs",
        "word": "Needs you",
        "title": "This Rookery came out of a backup.",
        "sentence": f"{amount(held, 'target waits', 'targets wait')}: nothing is written there before you"
        " compared and let go.",
        "url": reverse("backups"),
        "button": "Compare and let go",
    }
