"""The firewall of a host: its rules by hand, the exact commands, the proof, and what is there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from panel.web import sentences, times
from panel.web.fields import try_form
from panel.web.firewall_form import FirewallRuleForm
from panel.web.fragments import run_url
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.hosts import load_share
from panel.web.repositories import condition_lines, look_now, run_line
from tenants import access
from tenants.actions import firewalls as actions
from tenants.actions import sync
from tenants.desired_firewall import rule_of
from tenants.errors import Absent, Conflict, Invalid
from tenants.formats.firewall.helper import PATH, helper_text, install_commands
from tenants.formats.firewall.rules import CHAINS
from tenants.models import Firewall, FirewallRule, Host, HostShare, Run, SyncTarget
from tenants.relay_states import conditions_of, is_stopped
from tenants.same_by_hand.hosts import firewall_by_hand, rule_by_hand

Verb, Kind = access.Verb, access.Kind
_DRIFT = (
    (SyncTarget.DriftMode.REPORT, "Report it and leave it alone"),
    (SyncTarget.DriftMode.REPAIR, "Repair: write what Rookery has"),
)
MOST_SHOWN = 500


def load_host(request: HttpRequest, share_id: int) -> tuple[HostShare, Firewall | None]:
    """For those who run the host; Absent for guests, who share it."""
    share = load_share(request, share_id)
    access.require(actor_of(request), Verb.VIEW, share.host)
    rows = access.visible_to(actor_of(request), Firewall).select_related("host__organization", "sync_target")
    return share, rows.filter(host=share.host).first()


def load_firewall(request: HttpRequest, share_id: int) -> Firewall:
    firewall = load_host(request, share_id)[1]
    if firewall is None:
        raise Absent
    return firewall


def load_rule(request: HttpRequest, share_id: int, rule_id: int) -> FirewallRule:
    rule = FirewallRule.objects.filter(firewall=load_firewall(request, share_id), pk=rule_id).first()
    if rule is None:
        raise Absent
    return rule


@page()
def host_firewall(request: HttpRequest, share_id: int) -> HttpResponse:
    share, firewall = load_host(request, share_id)
    return show_firewall(request, share, firewall)


def show_firewall(
    request: HttpRequest, share: HostShare, firewall: Firewall | None, *, status: int = 200, **more: Any
) -> HttpResponse:
    """The page, after a refusal too; `more` is what was typed."""
    actor, host, now = actor_of(request), share.host, timezone.now()
    context: dict[str, Any] = {
        "share": share,
        "host": host,
        "firewall": firewall,
        "has_ssh": host.transport == Host.Transport.SSH,
        "may_change": access.may_create(actor, Kind.FIREWALL, host.organization),
        "helper_path": PATH,
        "install": install_commands(host.username or "rookery"),
        "form": FirewallRuleForm(),
        "crumbs": [
            {"label": "Hosts", "url": reverse("hosts")},
            {"label": host.name, "url": reverse("host", kwargs={"share_id": share.pk})},
            {"label": "Firewall"},
        ],
        "sandbox": settings.SANDBOX,
        **(_of(request, firewall, now) if firewall is not None else {}),
        **more,
    }
    template = "now" if request.headers.get("HX-Request") == "true" else "show"
    return render(request, f"panel/firewall/{template}.html", context, status=status)


def _of(request: HttpRequest, firewall: Firewall, now: datetime) -> dict[str, Any]:
    actor, target = actor_of(request), firewall.sync_target
    conditions = conditions_of(target)
    runs = access.visible_to(actor, Run).filter(target=target).order_by("-pk")[:5]
    stopped = next((run for run in runs if run.state == Run.State.STOPPED), None)
    organization_id = firewall.host.organization_id
    badge, word, headline = _standing(firewall, target)
    synced = conditions.get("Synced")
    return {
        "target": target,
        "badge": badge,
        "word": word,
        "headline": headline,
        "stop_title": sentences.stop_title(target.stop_code) if is_stopped(target) else "",
        "stop_sentence": synced.message if synced is not None and not synced.status else "",
        "stopped_url": run_url(stopped.pk) if stopped is not None else "",
        "rules": _rules(firewall),
        "by_hand": firewall_by_hand(firewall),
        "chains": _chains(firewall),
        "reboot": firewall.seen.get("reboot", ""),
        "seen": times.moment(firewall.seen_at, now),
        "conditions": condition_lines(conditions, now),
        "runs": [run_line(run, now) for run in runs],
        "drift_mode": target.drift_mode,
        "drift_choices": _DRIFT,
        "may_look": shows(request, Verb.CREATE, Kind.RUN, organization_id),
        "is_moving": not is_stopped(target) and target.observed_generation < target.generation,
    }


def _standing(firewall: Firewall, target: SyncTarget) -> tuple[str, str, str]:
    """Badge, word, headline."""
    host = firewall.host
    reachable = conditions_of(target).get("Reachable")
    if is_stopped(target):
        return "fail", "Stopped: needs you", f"Changes of the firewall of {host} are held up."
    if reachable is not None and not reachable.status:
        return "wait", "Trying again", f"{host} cannot be reached."
    if target.observed_generation < target.generation:
        return "live", "On its way", f"A change is on its way to the firewall of {host}."
    if not firewall.enabled:
        return "off", "Not kept", f"Rookery has no rules in the firewall of {host}."
    return "ok", "Agrees", f"The firewall of {host} has exactly these rules."


def _rules(firewall: Firewall) -> list[dict[str, Any]]:
    """Each rule by hand, with what the host counted for it in both families."""
    counted: dict[tuple[str, str], tuple[int, int]] = {}
    for family in firewall.seen.get("families", {}).values():
        for label, found in family["chains"].items():
            for text, packets, size in found:
                before = counted.get((label, text), (0, 0))
                counted[label, text] = (before[0] + packets, before[1] + size)
    lines = []
    for row in firewall.rules.all():
        rule = rule_of(row)
        text, label = " ".join(rule.words(rule.family or 4)), rule.chain.label
        packets, size = counted.get((label, text), (0, 0))
        lines.append(
            {
                "row": row,
                "chain": label,
                "text": f"-A {label} {text}",
                "packets": packets,
                "bytes": size,
                "is_there": (label, text) in counted,
            }
        )
    return lines


def _chains(firewall: Firewall) -> list[dict[str, Any]]:
    """What was read from the host last, chain by chain."""
    return [
        {
            "title": f"IPv{number} {label}",
            "table": CHAINS[label].table,
            "program": family["program"],
            "rules": rules[:MOST_SHOWN],
            "count": len(rules),
        }
        for number, family in sorted(firewall.seen.get("families", {}).items())
        for label, rules in family["chains"].items()
        if label in CHAINS
    ]


# Buttons and forms -------------------------------------------------------------------------------------


def _back(share_id: int) -> HttpResponse:
    return redirect("host-firewall", share_id=share_id)


@page(methods=("POST",))
def host_firewall_manage(request: HttpRequest, share_id: int) -> HttpResponse:
    share, _ = load_host(request, share_id)
    try:
        actions.manage_firewall(actor=actor_of(request), host=share.host)
        tell(request, "Rookery looks at the firewall now. Nothing is written before there is a rule.")
    except Conflict as error:
        refuse(request, error)
    return _back(share_id)


@page(methods=("POST",))
def host_firewall_release(request: HttpRequest, share_id: int) -> HttpResponse:
    firewall = load_firewall(request, share_id)
    actions.release_firewall(actor=actor_of(request), firewall=firewall)
    tell(request, "A worker takes Rookery's rules off the host. They are kept here.")
    return _back(share_id)


@page(methods=("POST",))
def host_firewall_isolate(request: HttpRequest, share_id: int) -> HttpResponse:
    firewall, isolates = load_firewall(request, share_id), request.POST.get("on") == "1"
    try:
        actions.change_firewall(actor=actor_of(request), firewall=firewall, isolates=isolates)
        tell(request, "A worker writes it now.")
    except Invalid as error:
        refuse(request, error)
    return _back(share_id)


@page(methods=("POST",))
def host_firewall_rule_add(request: HttpRequest, share_id: int) -> HttpResponse:
    share, firewall = load_host(request, share_id)
    if firewall is None:
        raise Absent
    form, actor = FirewallRuleForm(request.POST), actor_of(request)
    tried = try_form(form, lambda: actions.add_firewall_rule(actor=actor, firewall=firewall, **form.given))
    if not tried.ok:
        return show_firewall(request, share, firewall, status=tried.status, form=form)
    tell(request, "A worker writes it now.")
    return _back(share_id)


@page(methods=("GET", "HEAD", "POST"))
def host_firewall_rule(request: HttpRequest, share_id: int, rule_id: int) -> HttpResponse:
    """Change one rule."""
    rule, actor = load_rule(request, share_id, rule_id), actor_of(request)
    access.require(actor, Verb.CHANGE, rule.firewall)
    form, status = FirewallRuleForm.of(rule), 200
    if request.method == "POST":
        form = FirewallRuleForm(request.POST)
        tried = try_form(form, lambda: actions.change_firewall_rule(actor=actor, rule=rule, **form.given))
        if tried.ok:
            tell(request, "A worker writes it now.")
            return _back(share_id)
        status = tried.status
    back = reverse("host-firewall", kwargs={"share_id": share_id})
    crumbs = [
        {"label": "Hosts", "url": reverse("hosts")},
        {"label": "Firewall", "url": back},
        {"label": "Change a rule"},
    ]
    context = {"form": form, "crumbs": crumbs, "back": back, "sandbox": settings.SANDBOX}
    context["by_hand"] = rule_by_hand(rule)
    return render(request, "panel/firewall/rule.html", context, status=status)


@page(methods=("POST",))
def host_firewall_rule_remove(request: HttpRequest, share_id: int, rule_id: int) -> HttpResponse:
    rule = load_rule(request, share_id, rule_id)
    try:
        actions.remove_firewall_rule(actor=actor_of(request), rule=rule)
        tell(request, "A worker takes it off the host now.")
    except Invalid as error:
        refuse(request, error)
    return _back(share_id)


@page(methods=("POST",))
def host_firewall_look(request: HttpRequest, share_id: int) -> HttpResponse:
    firewall = load_firewall(request, share_id)
    look_now(request, firewall.sync_target)
    return _back(share_id)


@page(methods=("POST",))
def host_firewall_preview(request: HttpRequest, share_id: int) -> HttpResponse:
    firewall = load_firewall(request, share_id)
    run = sync.request_preview(actor=actor_of(request), target=firewall.sync_target)
    return redirect("run", run_id=run.pk)


@page(methods=("POST",))
def host_firewall_drift(request: HttpRequest, share_id: int) -> HttpResponse:
    firewall, mode = load_firewall(request, share_id), request.POST.get("mode", "")[:20]
    try:
        sync.change_drift_mode(actor=actor_of(request), target=firewall.sync_target, mode=mode)
        tell(request, "That is how it is done from now on.")
    except Invalid as error:
        refuse(request, error)
    return _back(share_id)


@page()
def host_firewall_helper(request: HttpRequest, share_id: int) -> HttpResponse:
    """The program for the host, to be read and installed by a person."""
    load_host(request, share_id)
    response = HttpResponse(helper_text(), content_type="text/x-shellscript; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="rookery-firewall"'
    return response
