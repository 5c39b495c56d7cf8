"""What is in a part of a host and was not made by Rookery: shown on its page, and taken over from there."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.handling import actor_of, page, refuse, tell
from panel.web.hosts import load_share
from panel.web.unikernels import load_unikernel
from tenants.actions import adoption, host_adoption
from tenants.errors import Conflict, Invalid


@page(methods=("POST",))
def host_found_decide(request: HttpRequest, share_id: int) -> HttpResponse:
    """Take over the `unit`s of the form, or `all` that can be; a worker does it if they are still as seen."""
    target = load_share(request, share_id).sync_target
    units = None if request.POST.get("all") else [unit[:200] for unit in request.POST.getlist("unit")[:500]]
    try:
        adoption.decide_findings(actor=actor_of(request), target=target, decision="adopt", units=units)
        tell(request, "A worker takes that over now, if it is still as you saw it.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("host", share_id=share_id)


@page(methods=("POST",))
def unikernel_name(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    """Whether albatross puts --name in front of its arguments: `add_name` is yes or no."""
    row, answer = load_unikernel(request, unikernel_id), request.POST.get("add_name", "")
    try:
        if answer not in {"yes", "no"}:
            raise Invalid.of("add_name", "That is no answer.", "Say yes or no.")
        host_adoption.answer_add_name(actor=actor_of(request), unikernel=row, add_name=answer == "yes")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("unikernel", unikernel_id=unikernel_id)
