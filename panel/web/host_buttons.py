"""What the buttons and forms of a host's page do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.fields import try_form
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.host_forms import NetworkForm, QuotaForm, ShareForm, VolumeForm
from panel.web.hosts import load_share, show_host, unshared
from tenants import access
from tenants.actions import host_shares, networks, sync, volumes
from tenants.actions import hosts as actions
from tenants.errors import Absent, ActionError, Conflict, Invalid
from tenants.models import HostShare

Verb = access.Verb


@page(methods=("POST",))
def host_pin(request: HttpRequest, share_id: int) -> HttpResponse:
    """Trust the host key whose fingerprint was shown; a changed one only with the host's name typed."""
    share = load_share(request, share_id)
    thing, actor = share.host, actor_of(request)
    access.require(actor, Verb.CHANGE, thing)
    typed = request.POST.get("host_name", "").strip().lower()
    if thing.host_key and typed != thing.name.lower():
        problem = f"Type {thing.name} to say that you compared the new key."
        return show_host(request, share, status=400, key_problem=problem)
    try:
        seen = request.POST.get("fingerprint", "")[:100]
        actions.pin_host_key(actor=actor, host=thing, fingerprint_seen=seen)
    except Conflict as error:
        thing.refresh_from_db()
        return show_host(request, share, status=409, key_problem=error.sentence)
    tell(request, f"The key of {thing} is pinned. Rookery goes on by itself.")
    return redirect("host", share_id=share_id)


def do_on_host(
    request: HttpRequest, share_id: int, act: Callable[[HostShare], object], sentence: str
) -> HttpResponse:
    share = load_share(request, share_id)
    try:
        act(share)
        tell(request, sentence)
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("host", share_id=share_id)


@page(methods=("POST",))
def host_look(request: HttpRequest, share_id: int) -> HttpResponse:
    actor = actor_of(request)
    return do_on_host(
        request,
        share_id,
        lambda share: sync.check_now(actor=actor, target=share.sync_target),
        "A worker looks at it now.",
    )


@page(methods=("POST",))
def host_preview(request: HttpRequest, share_id: int) -> HttpResponse:
    share = load_share(request, share_id)
    run = sync.request_preview(actor=actor_of(request), target=share.sync_target)
    return redirect("run", run_id=run.pk)


@page(methods=("POST",))
def host_drift_mode(request: HttpRequest, share_id: int) -> HttpResponse:
    actor, mode = actor_of(request), request.POST.get("mode", "")[:20]
    return do_on_host(
        request,
        share_id,
        lambda share: sync.change_drift_mode(actor=actor, target=share.sync_target, mode=mode),
        "That is how it is done from now on.",
    )


def form_action(
    request: HttpRequest, share_id: int, name: str, make: Callable[[HostShare], Any], done: str
) -> HttpResponse:
    """A form of the host's page: refusals are shown beside what was typed."""
    share = load_share(request, share_id)
    form, act = make(share)
    tried = try_form(form, act)
    if not tried.ok:
        return show_host(request, share, status=tried.status, **{name: form})
    tell(request, done)
    return redirect("host", share_id=share_id)


@page(methods=("POST",))
def host_quota(request: HttpRequest, share_id: int) -> HttpResponse:
    actor = actor_of(request)

    def make(share: HostShare) -> Any:
        form = QuotaForm.of(share, request.POST)

        def act() -> object:
            given = {**form.cleaned_data, "cpuids": _numbers(form.cleaned_data["cpuids"])}
            return host_shares.change_quota(actor=actor, share=share, **given)

        return form, act

    return form_action(request, share_id, "quota_form", make, "A worker sets the quota policy now.")


def _numbers(text: str) -> list[int]:
    words = text.replace(",", " ").split()
    if not all(word.isascii() and word.isdigit() and len(word) < 5 for word in words):
        raise Invalid.of("cpuids", "These are no numbers.", "Write them like 0, 1.")
    return [int(word) for word in words]


@page(methods=("POST",))
def host_network_add(request: HttpRequest, share_id: int) -> HttpResponse:
    actor, form = actor_of(request), NetworkForm(request.POST)
    return form_action(
        request,
        share_id,
        "network_form",
        lambda share: (form, lambda: networks.add_network(actor=actor, share=share, **form.cleaned_data)),
        "The network is there for this organization's unikernels.",
    )


@page(methods=("POST",))
def host_network_remove(request: HttpRequest, share_id: int, network_id: int) -> HttpResponse:
    actor = actor_of(request)

    def act(share: HostShare) -> None:
        network = share.networks.filter(pk=network_id).first()
        if network is None:
            raise Absent
        networks.remove_network(actor=actor, network=network)

    return do_on_host(request, share_id, act, "The network was taken back.")


@page(methods=("POST",))
def host_volume_add(request: HttpRequest, share_id: int) -> HttpResponse:
    actor, form = actor_of(request), VolumeForm(request.POST)
    return form_action(
        request,
        share_id,
        "volume_form",
        lambda share: (form, lambda: volumes.add_volume(actor=actor, share=share, **form.cleaned_data)),
        "A worker makes the block volume now.",
    )


@page(methods=("POST",))
def host_share(request: HttpRequest, share_id: int) -> HttpResponse:
    """Give another organization a part of this host."""
    actor = actor_of(request)

    def make(share: HostShare) -> Any:
        form = ShareForm(request.POST, organizations=unshared(actor, share.host))
        return form, lambda: host_shares.share_host(actor=actor, host=share.host, **form.cleaned_data)

    return form_action(request, share_id, "share_form", make, "That organization has its part now.")


@page(methods=("POST",))
def host_unshare(request: HttpRequest, share_id: int) -> HttpResponse:
    share = load_share(request, share_id)
    try:
        host_shares.unshare_host(actor=actor_of(request), share=share)
        tell(request, f"{share.organization} has no part of {share.host} any more.")
    except Conflict as error:
        refuse(request, error)
        return redirect("host", share_id=share_id)
    return redirect("hosts")


@page(methods=("POST",))
def host_remove(request: HttpRequest, share_id: int) -> HttpResponse:
    """With the host's name typed: it cannot be undone."""
    share = load_share(request, share_id)
    actor, thing = actor_of(request), share.host
    access.require(actor, Verb.DELETE, thing)
    problem: ActionError | None = None
    if request.POST.get("host_name", "").strip().lower() != thing.name.lower():
        return show_host(request, share, status=400, remove_problem=f"Type {thing.name} to remove it.")
    try:
        actions.remove_host(actor=actor, host=thing)
    except Conflict as error:
        problem = error
    if problem is not None:
        return show_host(request, share, status=409, remove_problem=problem.sentence)
    tell(request, f"{thing.name} is forgotten. What runs there was left as it is.")
    return redirect("hosts")
