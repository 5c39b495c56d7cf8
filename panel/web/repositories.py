"""The relay repository of a domain: connecting it, trusting its host, and what is different there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import proofs, sentences, times
from panel.web.crumbs import settings_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.fragments import run_url, shown_key
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.readers import readers_context
from panel.web.standing import DomainRow
from tenants import access
from tenants.actions import repositories as actions
from tenants.actions import sync
from tenants.errors import Absent, Conflict, Invalid
from tenants.formats.git_access import git_only_line
from tenants.models import Condition, Domain, Repository, Run, SyncTarget
from tenants.relay_states import conditions_of
from tenants.same_by_hand.places import repository_by_hand
from tenants.sandbox_note import sandbox_note

Kind, Verb = access.Kind, access.Verb
Type = Condition.Type


class RepositoryForm(forms.Form):
    host = Typed(label="Git host", widget=plain_input(maxlength="253", autocomplete="off"))
    port = forms.IntegerField(label="Port", initial=22, min_value=1, max_value=65535)
    username = Typed(
        label="Account there", initial="git", widget=plain_input(maxlength="64", autocomplete="off")
    )
    path = Typed(
        label="Path",
        initial="relay.git",
        widget=plain_input(maxlength="400", autocomplete="off"),
        help_text="Of the bare repository, seen from that account.",
    )
    branch = Typed(
        label="Branch",
        initial="main",
        widget=plain_input(maxlength="200", autocomplete="off"),
        help_text="The one that ptt's submission and relay read.",
    )


def sandbox_hint() -> dict[str, Any] | None:
    """Where the sandbox's git host listens, for the form; None outside a sandbox."""
    told = sandbox_told()
    return {"host": told["host"], "port": told["port"]} if told is not None else None


def sandbox_told() -> dict[str, Any] | None:
    """What the sandbox says about its git host, and about the repository there that nobody made here."""
    if not settings.SANDBOX:
        return None
    try:
        told = sandbox_note(65_536)
        host, port = told["git"]
        handmade = {name: str(told["handmade"][name]) for name in ("domain", "path", "branch")}
        return {
            "host": str(host),
            "port": int(port),
            "host_key": shown_key(str(told["git_host_key"])),
            "handmade": handmade,
            "primary": _primary_told(told),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _primary_told(told: dict[str, Any]) -> dict[str, Any] | None:
    """The sandbox's primary name server, and the repository that it reads."""
    if "primary" not in told:
        return None
    primary = told["primary"]
    address, port = primary["address"]
    texts = {name: str(primary[name]) for name in ("path", "branch", "root_key")}
    return {"address": str(address), "port": int(port), **texts}


@page(methods=("GET", "HEAD", "POST"))
def repository_new(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    thing, actor = row.domain, actor_of(request)
    access.require_create(actor, Kind.REPOSITORY, thing.organization)
    if row.facts.connected:
        return redirect("repository", domain=thing.name)
    hint = sandbox_hint()
    if hint is not None and Repository.objects.filter(host=hint["host"], path="relay.git").exists():
        hint["path"] = f"{thing.name}.git"  # the sandbox makes what is not there
    form = RepositoryForm(request.POST or None, initial=hint)
    tried: Tried[Repository] | None = None
    if request.method == "POST":
        reload = Repository.Reload.SANDBOX if hint is not None else Repository.Reload.HAND
        tried = try_form(
            form,
            lambda: actions.connect_repository(actor=actor, domain=thing, reload=reload, **form.cleaned_data),
        )
        if tried.ok:
            tell(request, "The repository is known. Next: let our key in, and compare the host's key.")
            return redirect("repository", domain=thing.name)
    context = {
        **domain_context(request, row, "domain-settings"),
        "form": form,
        "hint": hint,
        "crumbs": settings_crumbs(thing.name, "Connect a repository"),
    }
    return show(request, "panel/repository/new.html", context, tried)


def repository_crumbs(domain: Domain, repository: Repository, last: str) -> list[dict[str, str]]:
    """The way to a page below the repository's own."""
    url = reverse("repository", kwargs={"domain": domain.name})
    return [
        *settings_crumbs(domain.name, repository.short_name)[:-1],
        {"label": repository.short_name, "url": url},
        {"label": last},
    ]


def authorized_line(repository: Repository) -> str:
    """The line for authorized_keys on the git host: this key may run git and nothing else."""
    return git_only_line(repository.public_key)


class DriftForm(forms.Form):
    mode = forms.ChoiceField(
        label="When somebody else changed one of our entries there",
        choices=[
            (SyncTarget.DriftMode.REPORT, "Report it and leave it alone"),
            (SyncTarget.DriftMode.REPAIR, "Repair: write what Rookery has"),
            (SyncTarget.DriftMode.ADOPT, "Adopt: take over what is there, new entries too"),
        ],
        widget=forms.RadioSelect,
    )


def save_drift_mode(request: HttpRequest, target: SyncTarget) -> None:
    """Do as a DriftForm says, and tell what became of it."""
    try:
        mode = request.POST.get("mode", "")[:20]
        sync.change_drift_mode(actor=actor_of(request), target=target, mode=mode)
        tell(request, "That is how it is done from now on.")
    except (Conflict, Invalid) as error:
        refuse(request, error)


def look_now(request: HttpRequest, target: SyncTarget) -> None:
    """Have a worker compare a place now, and say so."""
    sync.check_now(actor=actor_of(request), target=target)
    tell(request, "A worker looks at it now.")


def load_repository(request: HttpRequest, domain: str) -> tuple[DomainRow, Repository, SyncTarget]:
    row = get_domain(request, domain)
    repository: Repository | None = getattr(row.domain, "relay", None)
    target: SyncTarget | None = getattr(repository, "sync_target", None)
    if repository is None or target is None:
        raise Absent
    access.require(actor_of(request), Verb.VIEW, repository)
    return row, repository, target


@page()
def repository(request: HttpRequest, domain: str) -> HttpResponse:
    row, thing, target = load_repository(request, domain)
    return show_repository(request, row, thing, target)


def show_repository(
    request: HttpRequest,
    row: DomainRow,
    thing: Repository,
    target: SyncTarget,
    *,
    status: int = 200,
    key_problem: str = "",
    **more: Any,
) -> HttpResponse:
    """The repository's page; `more` is in the place of what it would show."""
    now = timezone.now()
    conditions = conditions_of(target)
    organization_id = thing.organization_id
    foreign = _details(conditions, Type.FOREIGN_ENTRIES)
    apart = [unit for kind in Condition.LEFT_ALONE for unit in _details(conditions, kind).get("units", [])]
    runs = access.visible_to(actor_of(request), Run).filter(target=target).order_by("-pk")[:5]
    context = {
        **domain_context(request, row, "domain-settings"),
        "repository": thing,
        "target": target,
        "headline": sentences.repository_headline(thing.short_name, row.domain.name, row.facts),
        "stop_title": sentences.stop_title(target.stop_code),
        "looked": times.moment(target.checked_at, now, relative=True),
        "authorized_line": authorized_line(thing),
        "key": key_context(thing),
        "key_problem": key_problem,
        "by_hand": repository_by_hand(thing),
        "pin_url": reverse("repository-pin", kwargs={"domain": row.domain.name}),
        "reload": _reload(conditions, now),
        **readers_context(request, thing, now),
        "conditions": condition_lines(conditions, now),
        "left_alone": proofs.left_alone(apart),
        "foreign_count": foreign.get("count", 0),
        "findings_url": reverse("findings", kwargs={"domain": row.domain.name}),
        "drift_form": DriftForm(initial={"mode": target.drift_mode}),
        "runs": [run_line(run, now) for run in runs],
        "stopped_url": run_url(row.stopped_run_id),
        "may_look": shows(request, Verb.CREATE, Kind.RUN, organization_id),
        "may_pin": shows(request, Verb.CHANGE, Kind.REPOSITORY, organization_id),
        "may_choose": shows(request, Verb.CHANGE, Kind.SYNC_TARGET, organization_id),
        "may_confirm": shows(request, Verb.DECIDE, Kind.SYNC_TARGET, organization_id),
        "is_moving": not thing.host_key or not row.facts.observed or row.standing.state.is_moving,
        "crumbs": settings_crumbs(row.domain.name, thing.short_name),
        **more,
    }
    # js/live.js asks for the moving parts alone.
    template = "now" if request.headers.get("HX-Request") == "true" else "show"
    return render(request, f"panel/repository/{template}.html", context, status=status)


def _details(conditions: dict[str, Condition], kind: str) -> dict[str, Any]:
    row = conditions.get(kind)
    return dict(row.details) if row is not None and row.status else {}


def key_context(thing: Repository) -> dict[str, Any]:
    """The host's key: pinned, offered for the first time, or changed."""
    return {
        "pinned": shown_key(thing.host_key) if thing.host_key else "",
        "offered": shown_key(thing.offered_host_key) if thing.offered_host_key else "",
        "is_changed": bool(thing.host_key and thing.offered_host_key),
        "kind": (thing.offered_host_key or thing.host_key).split(" ")[0][:40],
    }


def _reload(conditions: dict[str, Condition], now: datetime) -> dict[str, Any] | None:
    """What must be restarted, since when, and by which commands; None when nothing waits."""
    row = conditions.get(Type.RELOAD_PENDING)
    if row is None or not row.status:
        return None
    details = row.details
    return {
        "since": times.moment(row.since, now),
        "message": row.message,
        "by_hand": row.reason == "RestartByHand",
        "unikernels": [str(each) for each in details.get("unikernels", [])],
        "commands": "\n".join(str(each) for each in details.get("commands", [])),
    }


# Which side of each condition is the good one, and what it is called.
CONDITION_WORDS: dict[str, tuple[bool, str, str]] = {
    Type.SYNCED: (True, "Agrees", "Does not agree"),
    Type.REACHABLE: (True, "Reachable", "Not reachable"),
    Type.RELOAD_PENDING: (False, "Taken up", "Waits for a restart"),
    Type.DRIFTED: (False, "Nothing changed outside", "Changed outside"),
    Type.CONFLICTED: (False, "No conflict", "Conflict"),
    Type.UNSAFE_ENTRIES: (False, "Nothing unsafe", "Not written: unsafe"),
    Type.FOREIGN_ENTRIES: (False, "No foreign entries", "Foreign entries"),
    Type.GROWING: (False, "Small enough", "Grows"),
    Type.UNPROVED: (False, "Every domain proved", "Waits for proof"),
    Type.SERVERS_APART: (False, "No secondary lags", "A secondary lags"),
    Type.CERTIFICATES: (False, "Certificates are well", "A certificate needs you"),
    Type.MANY_ZONES: (False, "Few enough zones", "Many zones"),
    Type.ENDED: (False, "Nothing ended", "Ended by itself"),
}


def condition_line(row: Condition, now: datetime) -> dict[str, Any]:
    """A condition as a line: its word and shape, its sentence, since when."""
    good, yes, no = CONDITION_WORDS[row.type]
    is_good = row.status == good
    bad_badge = (
        "off" if row.type == Type.FOREIGN_ENTRIES else "wait" if row.type == Type.REACHABLE else "todo"
    )
    return {
        "badge": "ok" if is_good else bad_badge,
        "word": yes if is_good else no,
        "message": row.message,
        "since": times.moment(row.since, now),
    }


def condition_lines(conditions: Mapping[str, Condition], now: datetime) -> dict[str, Any]:
    """Those that a person is told about, in the order of the words: `open` ones, and what is right `folded`
    behind the words of `fold`."""
    lines = [condition_line(conditions[kind], now) for kind in CONDITION_WORDS if kind in conditions]
    right = [line for line in lines if line["badge"] == "ok"]
    if len(right) < 2:
        return {"open": lines, "folded": [], "fold": ""}
    others = [line for line in lines if line["badge"] != "ok"]
    fold = f"{len(right)} other things are right" if others else f"All {len(right)} things are right"
    return {"open": others, "folded": right, "fold": fold}


def run_line(run: Run, now: datetime) -> dict[str, Any]:
    """A run as a line of a list."""
    return {
        "title": run.title,
        "url": run_url(run.pk),
        "state": sentences.run_state(run.state, preview=run.mode == Run.Mode.PREVIEW),
        "at": times.moment(run.finished_at or run.started_at or run.created_at, now),
        "pk": run.pk,
    }


# What the buttons do ----------------------------------------------------------------------------------


@page(methods=("POST",))
def repository_pin(request: HttpRequest, domain: str) -> HttpResponse:
    """Trust the host key whose fingerprint was shown; a changed one only with the host's name typed."""
    row, thing, target = load_repository(request, domain)
    typed = request.POST.get("host_name", "").strip().lower()
    if thing.host_key and typed != thing.host.lower():
        access.require(actor_of(request), Verb.CHANGE, thing)
        problem = f"Type {thing.host} to say that you compared the new key."
        return show_repository(request, row, thing, target, status=400, key_problem=problem)
    seen = request.POST.get("fingerprint", "")[:100]
    try:
        actions.confirm_host_key(actor=actor_of(request), repository=thing, fingerprint_seen=seen)
    except Conflict as error:
        thing.refresh_from_db()
        return show_repository(request, row, thing, target, status=409, key_problem=error.sentence)
    tell(request, f"The key of {thing.host} is pinned. Rookery goes on by itself.")
    return redirect("repository", domain=row.domain.name)


def press(
    request: HttpRequest, domain: str, act: Callable[[Repository], object], sentence: str
) -> HttpResponse:
    """Do what a button of the repository's page says, and tell what became of it there."""
    row, thing, _ = load_repository(request, domain)
    try:
        act(thing)
        tell(request, sentence)
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("repository", domain=row.domain.name)


@page(methods=("POST",))
def repository_look(request: HttpRequest, domain: str) -> HttpResponse:
    actor = actor_of(request)
    return press(
        request,
        domain,
        lambda thing: sync.check_now(actor=actor, target=thing.sync_target),
        "A worker looks at it now.",
    )


@page(methods=("POST",))
def repository_preview(request: HttpRequest, domain: str) -> HttpResponse:
    _, _, target = load_repository(request, domain)
    run = sync.request_preview(actor=actor_of(request), target=target)
    return redirect("run", run_id=run.pk)


@page(methods=("POST",))
def repository_drift_mode(request: HttpRequest, domain: str) -> HttpResponse:
    row, _, target = load_repository(request, domain)
    save_drift_mode(request, target)
    return redirect("repository", domain=row.domain.name)


@page(methods=("POST",))
def repository_restarted(request: HttpRequest, domain: str) -> HttpResponse:
    actor = actor_of(request)
    return press(
        request,
        domain,
        lambda thing: sync.confirm_reload(actor=actor, target=thing.sync_target),
        "Noted: submission and relay run with what was written.",
    )
