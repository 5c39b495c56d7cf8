"""What pages, streams and polled answers share: the same rows, the same context, the same templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from panel.web import proofs, sentences, times
from panel.web.address_state import LEFT_ALONE
from panel.web.caution_lines import caution_lines
from panel.web.places import keys_of, place_url
from panel.web.standing import address_standing, with_standing
from tenants import access
from tenants.actions.sync import home_of
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.formats.sshkeys import fingerprint
from tenants.models import Mailbox, Run, Step, SyncTarget, TargetAddress
from tenants.relay_states import RelayState, relay_state

# A worker that died after the proof leaves “settle” open; then nothing more is coming.
SETTLES_WITHIN = timedelta(minutes=2)


@dataclass(frozen=True)
class Fragment:
    """HTML whose elements have ids; `is_final` when nothing more will happen, `is_waiting` when not soon."""

    html: str
    is_final: bool
    is_waiting: bool = False


# Runs -----------------------------------------------------------------------------------------------


def load_run(actor: Actor, run_id: int) -> Run:
    """One run with all that its page shows; Absent when it does not exist for `actor`."""
    run = (
        access.visible_to(actor, Run)
        .select_related(
            "target__repository__domain",
            "target__host_share__host",
            "target__firewall__host",
            "target__organization",
            "asked_by",
        )
        .prefetch_related("steps", "evidence")
        .filter(pk=run_id)
        .first()
    )
    if run is None:
        raise Absent
    return run


def run_url(run_id: int | None) -> str:
    return reverse("run", kwargs={"run_id": run_id}) if run_id else ""


def is_run_over(run: Run, steps: Mapping[str, Step], now: datetime) -> bool:
    """Will nothing more happen in this run? A stopped one goes on as soon as somebody acted."""
    if run.state == Run.State.FAILED:
        return True
    if run.state != Run.State.SUCCEEDED:
        return False
    settle = steps.get("settle")
    if settle is None or settle.state not in {Step.State.PENDING, Step.State.RUNNING}:
        return True
    return run.finished_at is None or now - run.finished_at > SETTLES_WITHIN


def run_context(actor: Actor, run: Run, now: datetime) -> dict[str, Any]:
    """Everything of a run's page that may still change while somebody looks at it."""
    rows = list(run.steps.all())
    steps = {step.name: step for step in rows}
    evidence = [{"label": each.name, "value": each.value} for each in run.evidence.all()]
    commit = next((each["value"] for each in evidence if each["label"] == "Commit"), "")
    preview = run.mode == Run.Mode.PREVIEW
    duration = (run.finished_at or now) - (run.started_at or run.created_at)
    plan = run.plan if isinstance(run.plan, dict) else {}
    return {
        "run": run,
        "run_url": run_url(run.pk),
        "is_preview": preview,
        "is_over": is_run_over(run, steps, now),
        "run_state": sentences.run_state(run.state, preview=preview),
        "sentence": sentences.run_sentence(
            run.state,
            preview=preview,
            changes=int(plan.get("total", 0) or 0),
            took=times.took(duration),
            advice=run.advice,
            attempts=run.attempts,
        ),
        "proof": {
            "id": "run-proof-line",
            "label": run.title,
            **proofs.run_proof(run, steps, commit, run_url(run.pk)),
        },
        "steps": proofs.step_lines(run, rows, now),
        "diff": proofs.diff_files(plan),
        "diff_cut": int(plan.get("total", 0) or 0) - len(proofs.diff_files(plan)),
        "plan": plan,
        "left_alone": proofs.left_alone(plan.get("apart", [])),
        "commands": "\n".join(str(line) for line in plan.get("commands", [])),
        "evidence": evidence,
        "stop": _stop(actor, run),
        "finished": times.moment(run.finished_at, now),
    }


def _stop(actor: Actor, run: Run) -> dict[str, Any] | None:
    """The banner of a run that waits for a person: what to do, and the buttons that this person may press."""
    if run.state != Run.State.STOPPED or run.mode == Run.Mode.PREVIEW:
        return None
    target = run.target
    may_agree = bool(run.agree_to) and access.may(actor, access.Verb.DECIDE, target)
    about_key = run.outcome in {"host-key-unknown", "host-key-changed"}
    return {
        "title": sentences.stop_title(run.outcome),
        "advice": run.advice,
        "agree_to": run.agree_to if may_agree else "",
        "agree_word": _AGREE.get(run.outcome, "I read it: go on with exactly this"),
        "who_agrees": ""
        if may_agree or not run.agree_to
        else "An owner of the organization can agree to it.",
        "key_url": place_url(target) if about_key else "",
        "key": _keys(target) if run.outcome == "host-key-changed" else None,
        "may_retry": access.may_create(actor, access.Kind.RUN, home_of(target)),
    }


_AGREE = {
    "plan-needs-agreement": "I read the changes: write exactly these",
    "history-rewritten": "It was meant: go on from the new tip",
    "foreign-installation": "Take over here",
    "firewall-of-another": "That one is lost: take over its chains",
    "database-restored": "I brought the users back: go on",
}


def _keys(target: SyncTarget) -> dict[str, str]:
    pinned, offered = keys_of(target)
    return {"is": shown_key(offered), "should": shown_key(pinned)}


def shown_key(line: str) -> str:
    """The fingerprint of a key line; words when there is none that can be read."""
    try:
        return fingerprint(line) if line else "none yet"
    except ValueError:
        return "not readable"


def run_fragment(actor: Actor, run_id: int, csrf_token: str) -> Fragment:
    now = timezone.now()
    run = load_run(actor, run_id)
    context = run_context(actor, run, now)
    html = render_to_string("panel/run/live.html", {**context, "csrf_token": csrf_token})
    waits = run.state in {Run.State.STOPPED, Run.State.WAITING}
    return Fragment(html, context["is_over"], waits)


# Addresses ------------------------------------------------------------------------------------------


def load_mailbox(actor: Actor, **lookup: Any) -> Mailbox:
    """One address with what its standing depends on; Absent when it does not exist for `actor`."""
    mine = with_standing(access.visible_to(actor, Mailbox))
    mailbox = mine.filter(**lookup).first()
    if mailbox is None:
        raise Absent
    return mailbox


def carrying_run(mailbox: Mailbox, relay: RelayState) -> Run | None:
    """The run that proved the last change of `mailbox`, or the one that is about to."""
    target = relay.target
    if target is None:
        return None
    return carrying_run_of(target, mailbox.generation)


def carrying_run_of(target: SyncTarget, generation: int) -> Run | None:
    """The run that proved this generation, or the one that is about to."""
    generation = max(generation, 1)
    runs = target.runs.filter(mode=Run.Mode.APPLY, generation__gte=generation)
    runs = runs.prefetch_related("steps", "evidence")
    if target.observed_generation >= generation:
        return runs.filter(state=Run.State.SUCCEEDED).order_by("generation", "pk").first()
    return runs.filter(state__in=Run.UNFINISHED).order_by("-pk").first()


def address_context(actor: Actor, mailbox: Mailbox, now: datetime) -> dict[str, Any]:
    """Standing and proof of an address loaded by `load_mailbox`."""
    relay = relay_state(mailbox.domain)
    standing = address_standing(mailbox, relay)
    run = carrying_run(mailbox, relay)
    may_open = run is not None and access.may(actor, access.Verb.VIEW, run)
    steps = {step.name: step for step in run.steps.all()} if run else {}
    commit = next((each.value for each in run.evidence.all() if each.name == "Commit"), "") if run else ""
    url = run_url(run.pk) if run is not None and may_open else ""
    line = proofs.address_proof(mailbox, standing, run, steps, commit, url)
    return {
        "mailbox": mailbox,
        "standing": standing,
        "sentence": standing.sentence(str(mailbox), now),
        "is_alias": mailbox.kind == Mailbox.Kind.ALIAS,
        "proof": {"id": "address-proof-line", "label": f"the last change of {mailbox}", **line},
        "stopped_url": url if standing.state == sentences.STOPPED else "",
        "findings_url": _findings_url(actor, mailbox) if standing.state == LEFT_ALONE else "",
        "is_over": not standing.moves and standing.state != sentences.STOPPED and not _is_checking(mailbox),
        "cautions": caution_lines(actor, mailbox, now),
        "at": {"domain": mailbox.domain.name, "local_part": mailbox.local_part},
    }


def _is_checking(mailbox: Mailbox) -> bool:
    checking = TargetAddress.Exchange.CHECKING
    return mailbox.trashed_at is None and any(row.exchange == checking for row in mailbox.targets.all())


def _findings_url(actor: Actor, mailbox: Mailbox) -> str:
    """Where it is decided what holds; empty for those who may not see it."""
    if not access.may(actor, access.Verb.VIEW, mailbox.domain):
        return ""
    return reverse("findings", kwargs={"domain": mailbox.domain.name})


def address_fragment(actor: Actor, mailbox_id: int, csrf_token: str) -> Fragment:
    context = address_context(actor, load_mailbox(actor, pk=mailbox_id), timezone.now())
    html = render_to_string("panel/address/state.html", context)
    html += render_to_string("panel/address/cautions.html", {**context, "csrf_token": csrf_token})
    return Fragment(html, context["is_over"], context["standing"].state == sentences.STOPPED)
