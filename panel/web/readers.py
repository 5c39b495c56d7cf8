"""What reads a relay repository: linked unikernels, when they restart, and the form to link one more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from panel.web import times
from panel.web.frame import shows
from panel.web.handling import actor_of
from tenants import access
from tenants.formats.restarts import LONGEST_APART, LONGEST_QUIET, ROLES, SHORTEST_APART
from tenants.formats.roles.catalogue import ROLES as SERVICES
from tenants.models import Repository, RepositoryReader, Unikernel

Kind, Verb = access.Kind, access.Verb
MOST_OFFERED = 500


class ReaderForm(forms.Form):
    """Unikernels of the repository's organization that read nothing yet."""

    unikernel = forms.TypedChoiceField(label="Unikernel", coerce=int)
    role = forms.ChoiceField(
        label="It runs as",
        choices=RepositoryReader.Role.choices,
        widget=forms.RadioSelect,
        initial=RepositoryReader.Role.SUBMISSION,
    )

    def __init__(self, *args: Any, unikernels: list[Unikernel] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["unikernel"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - it is the one above
        field.choices = [(row.pk, f"{row} on {row.share.host}") for row in unikernels or []]


class PaceForm(forms.Form):
    """How soon what reads a repository restarts."""

    quiet = forms.IntegerField(
        label="Quiet seconds before a restart",
        min_value=0,
        max_value=LONGEST_QUIET,
        help_text="Without another change. It waits for that six times as long at most.",
    )
    apart = forms.IntegerField(
        label="Seconds between two restarts",
        min_value=SHORTEST_APART,
        max_value=LONGEST_APART,
        help_text="A restart ends mails that are on their way. What takes something away from somebody waits"
        " half a minute only.",
    )


def free_unikernels(request: HttpRequest, repository: Repository) -> list[Unikernel]:
    """What may be linked."""
    rows = access.visible_to(actor_of(request), Unikernel).filter(
        share__organization=repository.organization_id, reads=None, deleted_at=None
    )
    return list(rows.select_related("share__host").order_by("name", "pk")[:MOST_OFFERED])


def readers_context(request: HttpRequest, repository: Repository, now: datetime) -> dict[str, Any]:
    """Of the repository's page."""
    rows = list(
        RepositoryReader.objects.filter(repository=repository).select_related("unikernel__share__host")
    )
    rows.sort(key=lambda row: (ROLES.index(row.role), row.unikernel.name))
    waiting = [row for row in rows if row.is_waiting]
    due = max((row.due_at for row in waiting if row.due_at and row.should_run), default=None)
    organization_id = repository.organization_id
    may_link = shows(request, Verb.CHANGE, Kind.REPOSITORY, organization_id) and shows(
        request, Verb.CHANGE, Kind.UNIKERNEL, organization_id
    )
    free = free_unikernels(request, repository) if may_link else []
    return {
        "readers": [_line(row, now) for row in rows],
        "may_link": may_link,
        "reader_form": ReaderForm(unikernels=free) if free else None,
        "pace": repository.pace,
        "pace_form": PaceForm(initial={"quiet": repository.restart_quiet, "apart": repository.restart_apart})
        if may_link and rows
        else None,
        "restarts_at": times.moment(due, now) if due is not None and due > now else None,
        "may_restart": bool(waiting) and shows(request, Verb.SWITCH, Kind.UNIKERNEL, organization_id),
    }


def _line(row: RepositoryReader, now: datetime) -> dict[str, Any]:
    badge, word = ("ok", "Up to date") if row.read_commit else ("live", "Not looked at yet")
    said = f"Started with {row.read_commit[:7]}." if row.read_commit else "It is looked at in a moment."
    if row.is_waiting:
        badge, word, said = "live", "Waits for a restart", "It goes on with what it read last."
        if not row.should_run:
            badge, word = "off", "Stopped"
            said = "It reads the change when it starts."
        elif row.held:
            badge, word, said = "todo", "Held", row.held
    elif row.serving == RepositoryReader.Serving.NO:
        badge, word = "wait", "Does not answer yet"
    return {
        "pk": row.pk,
        "name": str(row.unikernel),
        "url": reverse("unikernel", kwargs={"unikernel_id": row.unikernel_id}),
        "role": row.get_role_display(),
        "host": str(row.unikernel.share.host),
        "badge": badge,
        "word": word,
        "said": said,
        "serving": _serving(row),
        "since": times.moment(row.restarted_at, now),
    }


def _serving(row: RepositoryReader) -> str:
    """What was found of its port since its last restart."""
    if row.serving == RepositoryReader.Serving.YES:
        return f"It answers on port {SERVICES[row.role].probe.port}."
    if row.serving == RepositoryReader.Serving.NO:
        return f"It does not answer on port {SERVICES[row.role].probe.port}: {row.serving_why}."
    return f"{row.serving_why[:1].upper()}{row.serving_why[1:]}." if row.serving_why else ""


def reads_of(request: HttpRequest, unikernel: Unikernel) -> dict[str, str] | None:
    """What a unikernel reads, for its page; nothing for who may not see that repository."""
    row = RepositoryReader.objects.filter(unikernel=unikernel).select_related("repository__domain").first()
    if row is None or not access.may(actor_of(request), Verb.VIEW, row.repository):
        return None
    domain = str(row.repository.domain)
    return {
        "label": f"{row.repository.short_name} of {domain}",
        "url": reverse("repository", kwargs={"domain": domain}),
        "role": row.get_role_display(),
    }
