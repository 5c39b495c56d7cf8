"""The DNS of a domain: its record sets, changes that are staged and applied together, how it is kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from panel.web import times
from panel.web.crumbs import zone_crumbs
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.repositories import DriftForm
from panel.web.server_answers import answer_lines
from panel.web.standing import DomainRow
from panel.web.zone_certificates import certificate_lines
from panel.web.zone_staging import changes_of, diff_of, rehearse, stage, stage_outside, staged_of, unstage
from panel.web.zone_standing import zone_context
from panel.web.zone_state import EXAMPLES, PURPOSES, relative, row_lines
from tenants import access
from tenants.actions import record_sets, zones
from tenants.actions.adoption import decide_findings
from tenants.actions.record_sets import RecordChange
from tenants.errors import Absent, Conflict, Invalid
from tenants.formats.zones.stored import TYPES
from tenants.models import Finding, RecordSet, Zone
from tenants.same_by_hand.zones import record_set_by_hand, zone_by_hand
from tenants.zone_findings import changed_outside

Kind, Verb = access.Kind, access.Verb
MOST_ROWS = 2_000


def find_zone(request: HttpRequest, row: DomainRow) -> Zone | None:
    """The zone of the domain that is kept, with what its pages show."""
    return _zones_of(request, row).filter(standing__in=Zone.KEPT).first()


def find_ended(request: HttpRequest, row: DomainRow) -> Zone | None:
    """The zone of the domain that was removed or let go."""
    return _zones_of(request, row).exclude(standing__in=Zone.KEPT).first()


def _zones_of(request: HttpRequest, row: DomainRow) -> QuerySet[Zone]:
    seen = access.visible_to(actor_of(request), Zone).filter(domain=row.domain)
    return seen.select_related("domain__organization", "target__repository__primary")


def load_zone(request: HttpRequest, domain: str) -> tuple[DomainRow, Zone]:
    """Raises Absent where there is none for this person."""
    row = get_domain(request, domain)
    zone = find_zone(request, row)
    if zone is None:
        raise Absent
    return row, zone


@page()
def zone(request: HttpRequest, domain: str) -> HttpResponse:
    """The record sets; before there are any, what to do first."""
    row = get_domain(request, domain)
    thing = find_zone(request, row)
    if thing is None:
        from panel.web.zone_endings import ended_page  # noqa: PLC0415 - they need this module
        from panel.web.zone_setup import start_page  # noqa: PLC0415

        ended = find_ended(request, row)
        if ended is not None and (ended.standing == Zone.Standing.REMOVING or "begin" not in request.GET):
            return ended_page(request, row, ended)
        return start_page(request, row)
    now = timezone.now()
    staged = staged_of(request, thing)
    rows = list(thing.record_sets.filter(absent=False)[:MOST_ROWS])
    context = {
        **domain_context(request, row, "zone"),
        **zone_context(actor_of(request), thing, now),
        "certificates": certificate_lines(request, thing, now),
        "groups": row_lines(rows, thing.name, thing.minimum, staged),
        "by_hand": zone_by_hand(thing, rows),
        "staged": len(staged),
        "next_serial": thing.serial + 1,
        "answers": answer_lines(thing, now),
        "may_check": shows(request, Verb.CREATE, Kind.RUN, row.domain.organization_id),
        "types": [(kind, PURPOSES[kind]) for kind in TYPES],
        "may_change_zone": shows(request, Verb.CHANGE, Kind.ZONE, row.domain.organization_id),
        "findings": [_finding(each) for each in changed_outside(thing)],
        "may_decide_findings": shows(request, Verb.DECIDE, Kind.SYNC_TARGET, row.domain.organization_id),
    }
    # js/live.js asks for the moving parts alone.
    template = "now" if request.headers.get("HX-Request") == "true" else "show"
    return render(request, f"panel/zone/{template}.html", context)


def _finding(row: Finding) -> dict[str, Any]:
    owner, _, kind = row.unit.rpartition(" ")
    told = {"sentence": row.sentence, "is": row.outside, "should": row.ours}
    return {**told, "unit": row.unit, "owner": owner, "type": kind, "may_adopt": kind != "SOA"}


# One record set ----------------------------------------------------------------------------------------


class RecordSetForm(forms.Form):
    owner = Typed(
        label="Name",
        required=False,
        widget=plain_input(maxlength="253", autocomplete="off", placeholder="@"),
        help_text="@ is the domain itself; *.sub stands for every name below sub.",
    )
    records = Typed(label="Records", widget=forms.Textarea({"rows": "4", "spellcheck": "false"}))
    ttl = Typed(
        label="How long resolvers may keep it",
        required=False,
        mark_optional=True,
        widget=forms.NumberInput({"min": "0", "max": "2147483647"}),
        help_text="In seconds: an hour is 3600. Empty: as usual in this zone.",
    )

    def __init__(self, *args: Any, kind: str, zone: Zone, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label, example, hint = EXAMPLES.get(kind, ("Records", "\\# 4 C0000201", "As RFC 3597 writes them."))
        self.fields["records"].label = label
        self.fields["records"].help_text = hint
        self.fields["records"].widget.attrs["placeholder"] = example
        self.fields["owner"].suffix = f".{zone.name}"  # type: ignore[attr-defined]
        self.fields["ttl"].widget.attrs["placeholder"] = str(zone.minimum)

    def change(self, kind: str) -> RecordChange:
        """What was typed. Raises Invalid for a TTL that is no number."""
        lines = tuple(line.strip() for line in self.cleaned_data["records"].splitlines() if line.strip())
        ttl = self.cleaned_data["ttl"]
        if ttl and not (ttl.isascii() and ttl.isdigit() and len(ttl) < 11):
            raise Invalid.of("ttl", f"“{ttl[:20]}” is no number of seconds.", "Write digits only.")
        if not lines:
            raise Invalid.of("records", "There is no record.", "Write one on each line.")
        return RecordChange(self.cleaned_data["owner"], kind, lines, int(ttl) if ttl else None)


@page(methods=("GET", "HEAD", "POST"))
def record_set_edit(request: HttpRequest, domain: str) -> HttpResponse:
    """Write one record set: it is checked with the whole zone, and staged."""
    row, thing = load_zone(request, domain)
    actor = actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    kind = request.GET.get("type", "A").strip().upper()[:10]
    owner = request.GET.get("owner", "").strip().lower()[:260]
    known = thing.record_sets.filter(owner=owner, type=kind, absent=False).first() if _clean(owner) else None
    initial = _initial(request, thing, known, owner, kind)
    form = RecordSetForm(
        request.POST if request.method == "POST" else None, initial=initial, kind=kind, zone=thing
    )
    tried: Tried[None] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: stage(request, actor, thing, form.change(kind)))
        if tried.ok:
            return redirect("zone", domain=thing.name)
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, f"{kind} record"),
        "form": form,
        "kind": kind,
        "purpose": PURPOSES.get(kind, "a record"),
        "is_new": not initial["records"],
        "by_hand": record_set_by_hand(thing, known, owner, kind) if owner else "",
        "zone": thing,
    }
    return show(request, "panel/zone/edit.html", context, tried)


def _clean(owner: str) -> bool:
    """No name holds a NUL, and PostgreSQL refuses to look for one."""
    return bool(owner) and "\0" not in owner


def _initial(
    request: HttpRequest, zone: Zone, known: RecordSet | None, owner: str, kind: str
) -> dict[str, Any]:
    staged = staged_of(request, zone).get((owner, kind))
    data = staged["data"] if staged is not None else known.data if known is not None else []
    ttl = staged["ttl"] if staged is not None else known.ttl if known is not None else None
    texts = [_unquoted(text) if kind == "TXT" else text for text in data]
    return {
        "owner": relative(owner, zone.name) if owner else "",
        "records": "\n".join(texts),
        "ttl": ttl or "",
    }


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


@page(methods=("POST",))
def record_set_stage(request: HttpRequest, domain: str) -> HttpResponse:
    """Buttons of a row: remove it, take it over, forget what is staged for it, freeze or unfreeze it."""
    _, thing = load_zone(request, domain)
    actor = actor_of(request)
    owner, kind = request.POST.get("owner", "")[:260].lower(), request.POST.get("type", "")[:10].upper()
    act = request.POST.get("do", "")
    access.require(actor, Verb.CHANGE, thing)
    try:
        if act == "remove":
            stage(request, actor, thing, RecordChange(f"{owner}.", kind))
        elif act == "take_over":
            stage(request, actor, thing, RecordChange(f"{owner}.", kind, take_over=True))
        elif act in {"freeze", "unfreeze"}:
            record_sets.freeze_record_set(
                actor=actor, zone=thing, owner=f"{owner}.", record_type=kind, frozen=act == "freeze"
            )
        elif act == "forget":
            unstage(request, thing, (owner, kind))
        else:
            raise Conflict("This button does not exist any more. Read the list again.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    except ValueError as error:  # a FormatError, of a name that nobody's row has
        refuse(request, Conflict(str(error)))
    return redirect("zone", domain=thing.name)


# What is staged -----------------------------------------------------------------------------------------


@page(methods=("GET", "HEAD", "POST"))
def zone_review(request: HttpRequest, domain: str) -> HttpResponse:
    """The one review: what changes, who sees it when; POST applies all of it, or nothing."""
    row, thing = load_zone(request, domain)
    actor = actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    staged = staged_of(request, thing)
    if not staged:
        return redirect("zone", domain=thing.name)
    problem, status = "", 200
    try:
        if request.method == "POST":
            record_sets.change_record_sets(actor=actor, zone=thing, changes=changes_of(staged))
            unstage(request, thing)
            tell(
                request, f"Accepted. {len(staged)} change{'s are' if len(staged) > 1 else ' is'} on the way."
            )
            return redirect("zone", domain=thing.name)
        rehearse(actor, thing, staged)
    except (Conflict, Invalid) as error:
        problem, status = error.sentence, 409 if isinstance(error, Conflict) else 400
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "Review"),
        "zone": thing,
        "problem": problem,
        "diff": diff_of(thing, staged),
        "count": len(staged),
        "next_serial": thing.serial + 1,
    }
    return render(request, "panel/zone/review.html", context, status=status)


@page(methods=("POST",))
def zone_discard(request: HttpRequest, domain: str) -> HttpResponse:
    _, thing = load_zone(request, domain)
    unstage(request, thing)
    tell(request, "What was staged is forgotten. Nothing was changed.")
    return redirect("zone", domain=thing.name)


@page(methods=("POST",))
def zone_decide(request: HttpRequest, domain: str) -> HttpResponse:
    """Of record sets that others changed: write Rookery's version, or stage what is there."""
    _, thing = load_zone(request, domain)
    units = [unit[:200] for unit in request.POST.getlist("unit")[:500]]
    actor = actor_of(request)
    try:
        if request.POST.get("decision") == "adopt":
            access.require(actor, Verb.CHANGE, thing)
            for unit in units:
                stage_outside(request, actor, thing, unit)
            return redirect("zone", domain=thing.name)
        decide_findings(actor=actor, target=thing.target, decision="repair", units=units)
        tell(request, "A worker writes it now, if it is still as you saw it.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("zone", domain=thing.name)


# How it is kept -----------------------------------------------------------------------------------------


class SoaForm(forms.Form):
    first_server = Typed(label="First name server", widget=plain_input(maxlength="253", autocomplete="off"))
    contact = Typed(
        label="Who is asked about it",
        widget=plain_input(maxlength="254", autocomplete="off"),
        help_text="A mail address without a dot before the @.",
    )
    refresh = forms.IntegerField(label="Secondaries look every", help_text="Seconds.")
    retry = forms.IntegerField(label="And after a failure every", help_text="Seconds.")
    expire = forms.IntegerField(label="They give up after", help_text="Seconds without an answer.")
    minimum = forms.IntegerField(
        label="Usual time that resolvers keep an answer",
        help_text="Seconds; also how long they remember that something is not there.",
    )


@page(methods=("GET", "HEAD", "POST"))
def zone_settings(request: HttpRequest, domain: str) -> HttpResponse:
    row, thing = load_zone(request, domain)
    actor = actor_of(request)
    initial = {name: getattr(thing, name) for name in zones.SOA_FIELDS}
    form = SoaForm(request.POST if request.method == "POST" else None, initial=initial)
    tried: Tried[Zone] | None = None
    if request.method == "POST":
        access.require(actor, Verb.CHANGE, thing)
        tried = try_form(form, lambda: zones.change_soa(actor=actor, zone=thing, **form.cleaned_data))
        if tried.ok:
            tell(request, "Saved. It is on the way.")
            return redirect("zone-settings", domain=thing.name)
        thing.refresh_from_db()
    repository = thing.target.repository
    context = {
        **domain_context(request, row, "zone"),
        "crumbs": zone_crumbs(thing.name, "How it is kept"),
        "form": form,
        "zone": thing,
        "repository": repository,
        "primary": repository.primary if repository else None,
        "server": thing.target.update_server,
        "drift_form": DriftForm(initial={"mode": thing.target.drift_mode}),
        "drift_mode": thing.target.get_drift_mode_display(),
        "may_choose": shows(request, Verb.CHANGE, Kind.SYNC_TARGET, row.domain.organization_id),
        "may_end": shows(request, Verb.DELETE, Kind.ZONE, row.domain.organization_id),
        "may_change_zone": shows(request, Verb.CHANGE, Kind.ZONE, row.domain.organization_id),
        "since": times.moment(thing.created_at, timezone.now()),
    }
    return show(request, "panel/zone/settings.html", context, tried)


@page(methods=("POST",))
def zone_freeze(request: HttpRequest, domain: str) -> HttpResponse:
    _, thing = load_zone(request, domain)
    frozen = request.POST.get("on", "") == "1"
    try:
        zones.freeze_zone(actor=actor_of(request), zone=thing, frozen=frozen)
        tell(
            request, f"{thing.name} is {'frozen: nothing is written into it' if frozen else 'written again'}."
        )
    except Conflict as error:
        refuse(request, error)
    return redirect("zone-settings", domain=thing.name)


@page(methods=("POST",))
def zone_look(request: HttpRequest, domain: str) -> HttpResponse:
    """Look now whether the domain is its owner's."""
    _, thing = load_zone(request, domain)
    try:
        zones.look_for_ownership(actor=actor_of(request), zone=thing)
        tell(request, "A worker looks at the DNS now.")
    except Conflict as error:
        refuse(request, error)
    return redirect("zone", domain=thing.name)
