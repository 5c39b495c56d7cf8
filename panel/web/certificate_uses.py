"""Which certificate a unikernel uses: what its page and the zone's page say, and their buttons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from panel.web import times
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from tenants import access
from tenants.actions import certificate_uses as actions
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import Certificate, CertificateUse, Unikernel, Zone

Kind, Verb = access.Kind, access.Verb
_MOST_OFFERED = 500


class CertificateUseForm(forms.Form):
    """Certificates in the zones of the unikernel's organization."""

    certificate = forms.TypedChoiceField(label="Certificate", coerce=int)
    automatic = forms.BooleanField(
        label="Restart it by itself after each renewal",
        required=False,
        help_text="In a quiet moment. Without that, this page says when a restart is needed.",
    )

    def __init__(self, *args: Any, certificates: list[Certificate], **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["certificate"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - it is the one above
        field.choices = [(row.pk, row.host) for row in certificates]


def _offered(request: HttpRequest, unikernel: Unikernel) -> list[Certificate]:
    zones = access.visible_to(actor_of(request), Zone).filter(
        domain__organization=unikernel.share.organization_id
    )
    rows = Certificate.objects.filter(zone__in=zones).select_related("zone__domain")
    return list(rows.order_by("host", "pk")[:_MOST_OFFERED])


def find_use(unikernel: Unikernel) -> CertificateUse | None:
    """What is linked."""
    rows = CertificateUse.objects.filter(unikernel=unikernel).exclude(mode=CertificateUse.Mode.OFF)
    return rows.select_related("zone__domain", "unikernel__share__sync_target").first()


def certificate_context(request: HttpRequest, unikernel: Unikernel, now: datetime) -> dict[str, Any]:
    """Of the unikernel's page; the certificate of a zone that somebody may not see is not told."""
    use, organization_id = find_use(unikernel), unikernel.share.organization_id
    if use is not None and not access.may(actor_of(request), Verb.VIEW, use.zone):
        return {}
    may_link = unikernel.deleted_at is None and shows(request, Verb.CHANGE, Kind.UNIKERNEL, organization_id)
    offered = _offered(request, unikernel) if may_link else []
    chosen = next((row.pk for row in offered if use is not None and row.host == use.host), None)
    initial = {"certificate": chosen, "automatic": use is not None and use.is_automatic}
    return {
        "use": _line(use, now) if use is not None else None,
        "use_form": CertificateUseForm(certificates=offered, initial=initial) if offered else None,
        "may_unlink": use is not None and may_link,
        "may_restart": use is not None
        and use.is_waiting
        and unikernel.running
        and shows(request, Verb.SWITCH, Kind.UNIKERNEL, organization_id),
    }


def _line(use: CertificateUse, now: datetime) -> dict[str, Any]:
    return {
        "host": use.host,
        "zone": reverse("zone", kwargs={"domain": use.zone.name}),
        "badge": _badge(use),
        "said": _said(use),
        "due": times.moment(use.due_at, now) if use.is_waiting and use.due_at is not None else None,
        "restarted": times.moment(use.restarted_at, now),
        "automatic": use.is_automatic,
    }


def _badge(use: CertificateUse) -> dict[str, str]:
    if not use.is_waiting:
        return (
            {"state": "ok", "word": "Up to date"} if use.taken else {"state": "live", "word": "Not there yet"}
        )
    if not use.unikernel.running:
        return {"state": "off", "word": "Stopped"}
    if use.held:
        return {"state": "todo", "word": "Held"}
    return (
        {"state": "live", "word": "Restarts"} if use.due_at else {"state": "todo", "word": "Needs a restart"}
    )


def _said(use: CertificateUse) -> str:
    if not use.is_waiting:
        if use.taken:
            return "It has the certificate that is in the zone."
        return "The zone has no certificate for it yet."
    if not use.unikernel.running:
        return "The certificate was renewed. It takes the new one when it starts."
    if use.held:
        return use.held
    return "The certificate was renewed, and it goes on with the old one until it starts again."


def uses_of(request: HttpRequest, zone: Zone) -> dict[str, list[dict[str, Any]]]:
    """By host, who uses the certificates of a zone."""
    seen = access.visible_to(actor_of(request), Unikernel).filter(deleted_at=None)
    rows = zone.certificate_uses.filter(unikernel__in=seen).exclude(mode=CertificateUse.Mode.OFF)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.select_related("unikernel").order_by("unikernel__name")[:_MOST_OFFERED]:
        url = reverse("unikernel", kwargs={"unikernel_id": row.unikernel_id})
        found[row.host].append({"name": str(row.unikernel), "url": url, "waits": row.is_waiting})
    return dict(found)


# Buttons ------------------------------------------------------------------------------------------------


@page(methods=("POST",))
def certificate_link(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    actor = actor_of(request)

    def link(unikernel: Unikernel) -> None:
        access.require(actor, Verb.CHANGE, unikernel)
        offered = _offered(request, unikernel)
        form = CertificateUseForm(request.POST, certificates=offered)
        if not form.is_valid():
            raise Invalid.of("certificate", "There is no such certificate.", "Choose one of the list.")
        certificate = next(row for row in offered if row.pk == form.cleaned_data["certificate"])
        automatic = form.cleaned_data["automatic"]
        actions.link_certificate(
            actor=actor, unikernel=unikernel, certificate=certificate, automatic=automatic
        )

    return _press(request, unikernel_id, link, "Rookery follows this certificate for it.")


@page(methods=("POST",))
def certificate_unlink(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    actor = actor_of(request)
    return _press(
        request,
        unikernel_id,
        lambda unikernel: actions.unlink_certificate(actor=actor, use=_linked(unikernel)),
        "Unlinked. Rookery does not follow its certificate any more.",
    )


@page(methods=("POST",))
def certificate_restart(request: HttpRequest, unikernel_id: int) -> HttpResponse:
    actor = actor_of(request)
    return _press(
        request,
        unikernel_id,
        lambda unikernel: actions.restart_for_certificate(actor=actor, use=_linked(unikernel)),
        "It restarts now, and takes the renewed certificate.",
    )


def _linked(unikernel: Unikernel) -> CertificateUse:
    use = find_use(unikernel)
    if use is None:
        raise Absent
    return use


def _press(
    request: HttpRequest, unikernel_id: int, act: Callable[[Unikernel], object], done: str
) -> HttpResponse:
    rows = access.visible_to(actor_of(request), Unikernel).select_related("share__sync_target")
    unikernel = rows.filter(pk=unikernel_id).first()
    if unikernel is None:
        raise Absent
    try:
        act(unikernel)
    except (Conflict, Invalid) as error:
        refuse(request, error)
    else:
        tell(request, done)
    return redirect("unikernel", unikernel_id=unikernel_id)
