"""Hosts: the list, adding one in three ways, and one organization's part of a host."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.fields import Tried, show, try_form
from panel.web.fragments import run_url, shown_key
from panel.web.frame import narrowed, shows
from panel.web.handling import actor_of, page, tell
from panel.web.host_forms import FORMS, NetworkForm, PublicAddressForm, QuotaForm, ShareForm, VolumeForm
from panel.web.host_found_lines import found_context
from panel.web.host_standing import host_standing, unikernel_standing
from panel.web.repositories import condition_lines, run_line
from panel.web.sandbox_told import albatross_told
from panel.web.volume_standing import volume_line
from tenants import access, fit
from tenants.actions import hosts as actions
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.models import Host, HostShare, Network, Organization, Run, SyncTarget, Unikernel
from tenants.relay_states import conditions_of
from tenants.same_by_hand.hosts import host_by_hand, network_by_hand, policy_by_hand

Kind, Verb = access.Kind, access.Verb
WAYS = {
    "ssh": ("By SSH", "An account in the group albatross. Everything works, on every release."),
    "tls": (
        "By its TLS endpoint",
        "Commands in short-lived certificates by the host's CA. Starting unikernels needs albatross 2.5.",
    ),
    "local": ("By a socket on this machine", "Where Rookery's workers and albatross share a machine."),
}


def shares_of(actor: Actor) -> QuerySet[HostShare]:
    """The parts of hosts that exist for this person, with what their standing depends on."""
    rows = access.visible_to(actor, HostShare).select_related("host", "organization", "sync_target")
    return rows.prefetch_related("sync_target__conditions", "unikernels__image")


def host_tabs(current: str) -> dict[str, Any]:
    pages = (("Hosts", "hosts"), ("Unikernels", "unikernels"), ("Images", "images"))
    return {
        "tabs_label": "Hosts",
        "tabs": [{"label": label, "url": reverse(name), "current": name == current} for label, name in pages],
    }


@page()
def hosts(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    rows = narrowed(request, shares_of(actor_of(request)), "organization_id").order_by("host__name", "pk")
    cards = [_card(share, now) for share in rows[:500]]
    context = {
        **host_tabs("hosts"),
        "cards": cards,
        "headline": _headline(cards),
        "may_add": _organizations(request).exists(),
    }
    return render(request, "panel/host/list.html", context)


def _headline(cards: list[dict[str, Any]]) -> str:
    if not cards:
        return "No host is connected yet."
    needing = sum(card["standing"].needs_person for card in cards)
    total = sentences.amount(len(cards), "host", "hosts")
    return f"{needing} of {total} need{'s' * (needing == 1)} you." if needing else f"{total}, all in order."


def _card(share: HostShare, now: datetime) -> dict[str, Any]:
    rows = [row for row in share.unikernels.all() if row.deleted_at is None]
    running = sum(row.running for row in rows)
    return {
        "share": share,
        "standing": host_standing(share.host, share.sync_target, now),
        "facts": [
            str(share.organization),
            sentences.amount(running, "unikernel runs", "unikernels run"),
            f"{sum(row.memory for row in rows if row.running)} of {share.memory} MB",
        ],
    }


def _organizations(request: HttpRequest) -> QuerySet[Organization]:
    """Where this person may add a host."""
    actor = actor_of(request)
    seen = access.visible_to(actor, Organization).order_by("name")
    if actor.is_operator:
        return seen
    mine = [each.pk for each in seen if shows(request, Verb.CREATE, Kind.HOST, each.pk)]
    return seen.filter(pk__in=mine)


def _require_adding(request: HttpRequest) -> None:
    if not _organizations(request).exists():
        access.require_create(actor_of(request), Kind.HOST, None)


@page(methods=("GET", "HEAD", "POST"))
def host_new(request: HttpRequest) -> HttpResponse:
    """The three ways, and the form of one (`?by=`); only operators connect sockets of this machine."""
    _require_adding(request)
    transport = request.GET.get("by", "")
    if transport not in WAYS:
        ways = [
            {"key": key, "title": title, "sentence": sentence}
            for key, (title, sentence) in WAYS.items()
            if key != "local" or actor_of(request).is_operator
        ]
        crumbs = [{"label": "Hosts", "url": reverse("hosts")}, {"label": "Connect a host"}]
        return render(request, "panel/host/ways.html", {"ways": ways, "crumbs": crumbs})
    return _add(request, transport)


def _add(request: HttpRequest, transport: str) -> HttpResponse:
    actor, hint = actor_of(request), albatross_told()
    initial = dict(hint["forms"].get(transport, {})) if hint is not None else {}
    form = FORMS[transport](request.POST or None, initial=initial, organizations=_organizations(request))
    tried: Tried[Host] | None = None
    if request.method == "POST":
        tried = try_form(
            form, lambda: actions.add_host(actor=actor, transport=transport, **form.cleaned_data)
        )
        if tried.value is not None:
            made = tried.value
            tell(request, f"{made} is known. Rookery looks at it now.")
            share = made.shares.get(organization=made.organization_id)
            return redirect("host", share_id=share.pk)
    context = {
        "form": form,
        "transport": transport,
        "way": WAYS[transport],
        "hint": hint,
        "crumbs": [
            {"label": "Hosts", "url": reverse("hosts")},
            {"label": "Connect a host", "url": reverse("host-new")},
            {"label": WAYS[transport][0]},
        ],
    }
    return show(request, "panel/host/new.html", context, tried)


# One organization's part of a host ----------------------------------------------------------------------


def load_share(request: HttpRequest, share_id: int) -> HostShare:
    share = shares_of(actor_of(request)).filter(pk=share_id).first()
    if share is None:
        raise Absent
    return share


@page()
def host(request: HttpRequest, share_id: int) -> HttpResponse:
    return show_host(request, load_share(request, share_id))


def show_host(request: HttpRequest, share: HostShare, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page, after a refusal too; `more` are forms as they were filled in."""
    now, actor, thing, target = timezone.now(), actor_of(request), share.host, share.sync_target
    runs_it = access.may(actor, Verb.CHANGE, thing)
    conditions, standing = conditions_of(target), host_standing(thing, target, now)
    runs = access.visible_to(actor, Run).filter(target=target).order_by("-pk")[:5]
    stopped = next((run for run in runs if run.state == Run.State.STOPPED), None)
    organization_id = share.organization_id
    found = found_context(share)
    context = {
        "share": share,
        "host": thing,
        "target": target,
        "standing": standing,
        "stop_title": sentences.stop_title(target.stop_code),
        "stopped_url": run_url(stopped.pk) if stopped is not None else "",
        "knows_host": access.may(actor, Verb.VIEW, thing),
        "runs_it": runs_it,
        "key": _key(thing),
        "key_problem": "",
        "facts": _facts(share),
        "room": fit.room(share),
        "conditions": condition_lines(conditions, now),
        "unikernels": [unikernel_line(row, target, now) for row in share.unikernels.all()],
        "networks": [_network(each) for each in share.networks.prefetch_related("addresses__unikernel")],
        "volumes": [volume_line(row, share) for row in share.volumes.order_by("label")],
        "others": _others(share) if runs_it else [],
        "shares": list(thing.shares.select_related("organization")) if actor.is_operator else [],
        "quota_form": QuotaForm.of(share),
        "network_form": NetworkForm(),
        "publics": list(share.public_addresses.select_related("stack__domain").order_by("pk")),
        "public_form": PublicAddressForm(),
        "volume_form": VolumeForm(),
        "share_form": ShareForm(organizations=unshared(actor, thing)) if actor.is_operator else None,
        "drift_mode": target.drift_mode,
        "drift_choices": _DRIFT,
        "runs": [run_line(run, now) for run in runs],
        "by_hand": host_by_hand(share),
        "policy_by_hand": policy_by_hand(share),
        "may_look": shows(request, Verb.CREATE, Kind.RUN, organization_id),
        "may_choose": shows(request, Verb.CHANGE, Kind.SYNC_TARGET, organization_id),
        "may_make": shows(request, Verb.CREATE, Kind.UNIKERNEL, organization_id),
        "may_remove": access.may(actor, Verb.DELETE, thing)
        and share.organization_id == thing.organization_id,
        "found": found,
        "may_decide": shows(request, Verb.DECIDE, Kind.SYNC_TARGET, organization_id),
        "is_moving": standing.state.is_moving
        or standing.state.badge in {"todo", "wait"}
        or found["is_moving"],
        "hint": albatross_told(),
        "crumbs": [{"label": "Hosts", "url": reverse("hosts")}, {"label": thing.name}],
        **more,
    }
    template = "now" if request.headers.get("HX-Request") == "true" else "show"
    return render(
        request, f"panel/host/{template}.html", {"sandbox": settings.SANDBOX, **context}, status=status
    )


_DRIFT = (
    (SyncTarget.DriftMode.REPORT, "Report it and leave it alone"),
    (SyncTarget.DriftMode.REPAIR, "Repair: run what Rookery has"),
)


def unshared(actor: Actor, thing: Host) -> QuerySet[Organization]:
    """Organizations that have no part of this host yet."""
    return access.visible_to(actor, Organization).exclude(host_shares__host=thing).order_by("name")


def _key(thing: Host) -> dict[str, Any]:
    return {
        "pinned": shown_key(thing.host_key) if thing.host_key else "",
        "offered": shown_key(thing.offered_host_key) if thing.offered_host_key else "",
        "is_changed": bool(thing.host_key and thing.offered_host_key),
    }


def _facts(share: HostShare) -> list[dict[str, str]]:
    """What was found there, each check with its result."""
    thing, seen = share.host, share.host.seen
    found = [
        {"label": "Albatross", "value": f"{thing.release} or newer" if thing.release else "not asked yet"}
    ]
    if "memory" in seen:
        found += [
            {"label": "Memory", "value": f"{seen['memory']} MB, {seen.get('used_memory', 0)} MB in use"},
            {"label": "CPUs", "value": ", ".join(map(str, seen.get("cpuids", [])[:32]))},
            {"label": "Bridges", "value": ", ".join(seen.get("bridges", [])[:20]) or "none"},
            {"label": "Storage", "value": f"{seen.get('storage', 0)} MB"},
        ]
    return found


def _others(share: HostShare) -> list[dict[str, Any]]:
    """What runs outside of this part and was not made here, for those who run the host."""
    pairs = Unikernel.objects.filter(share__host=share.host).values_list("share__path", "name")
    known, now = {f"{path}:{name}" for path, name in pairs}, timezone.now()
    return [
        {**row, "started": times.moment(_time(row.get("started")), now)}
        for row in share.host.seen.get("unikernels", [])
        if row["name"] not in known and not row["name"].startswith(share.prefix)
    ][:100]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _network(network: Network) -> dict[str, Any]:
    given = sorted(network.addresses.all(), key=lambda each: tuple(map(int, each.address.split("."))))
    return {"row": network, "addresses": given[:256], "by_hand": network_by_hand(network)}


def unikernel_line(row: Unikernel, target: SyncTarget, now: datetime) -> dict[str, Any]:
    """A unikernel as a line of a list."""
    return {
        "row": row,
        "url": reverse("unikernel", kwargs={"unikernel_id": row.pk}),
        "standing": unikernel_standing(row, target, conditions_of(target), now),
        "changed": times.moment(row.changed_at, now),
    }
