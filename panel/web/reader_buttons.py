"""What the buttons beside the readers of a relay repository do: link one, unlink it, restart now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web.fields import try_form
from panel.web.handling import actor_of, page, tell
from panel.web.readers import PaceForm, ReaderForm, free_unikernels
from panel.web.repositories import load_repository, press, show_repository
from tenants import access
from tenants.actions import readers as actions
from tenants.errors import Absent, Invalid
from tenants.models import Repository, RepositoryReader, Unikernel


@page(methods=("POST",))
def reader_link(request: HttpRequest, domain: str) -> HttpResponse:
    actor = actor_of(request)

    def link(repository: Repository) -> None:
        access.require(actor, access.Verb.CHANGE, repository)
        form = ReaderForm(request.POST, unikernels=free_unikernels(request, repository))
        if not form.is_valid():
            said = "This unikernel cannot be linked here."
            raise Invalid.of("unikernel", said, "Choose one of the list, and what it runs as.")
        unikernel = access.get(actor, Unikernel, pk=form.cleaned_data["unikernel"])
        actions.link_reader(
            actor=actor, repository=repository, unikernel=unikernel, role=form.cleaned_data["role"]
        )

    return press(request, domain, link, "Linked. It restarts when it has something to read.")


@page(methods=("POST",))
def reader_unlink(request: HttpRequest, domain: str, reader_id: int) -> HttpResponse:
    actor = actor_of(request)

    def unlink(repository: Repository) -> None:
        reader = (
            RepositoryReader.objects.select_related("unikernel__share", "repository")
            .filter(repository=repository, pk=reader_id)
            .first()
        )
        if reader is None:
            raise Absent
        actions.unlink_reader(actor=actor, reader=reader)

    return press(request, domain, unlink, "Unlinked. Rookery does not restart it any more.")


@page(methods=("POST",))
def readers_pace(request: HttpRequest, domain: str) -> HttpResponse:
    row, repository, target = load_repository(request, domain)
    actor, form = actor_of(request), PaceForm(request.POST)
    access.require(actor, access.Verb.CHANGE, repository)
    tried = try_form(
        form,
        lambda: actions.change_restart_pace(actor=actor, repository=repository, **form.cleaned_data),
    )
    if not tried.ok:
        return show_repository(request, row, repository, target, status=tried.status, pace_form=form)
    tell(request, "That is how they restart from now on.")
    return redirect("repository", domain=row.domain.name)


@page(methods=("POST",))
def readers_restart(request: HttpRequest, domain: str) -> HttpResponse:
    actor = actor_of(request)
    return press(
        request,
        domain,
        lambda repository: actions.restart_readers(actor=actor, repository=repository),
        "They restart now: submission first, then the relay.",
    )
