"""Webhooks: which programs are told of what happens, and what was sent to them and answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from panel.web import times
from panel.web.fields import Tried, Typed, plain_input, show, try_form
from panel.web.frame import narrowed, organizations_of, shows
from panel.web.handling import actor_of, page, refuse, tell
from panel.web.quotas import lefts
from panel.web.sentences import State
from tenants import access
from tenants.actions import webhook_deliveries as deliveries
from tenants.actions import webhooks as actions
from tenants.errors import Absent, Conflict, Invalid, TooMany
from tenants.formats.webhook_address import LONGEST
from tenants.models import Domain, Organization, Webhook, WebhookDelivery

SHOWN = 50
MOST_DOMAINS = 1_000
ON, TROUBLED = State("ok", "On"), State("wait", "Does not take it")
STOPPED = {
    Webhook.Stopped.PERSON: State("off", "Switched off"),
    Webhook.Stopped.GONE: State("fail", "Off: its server said it is gone"),
    Webhook.Stopped.FAILING: State("fail", "Off: it failed for days"),
    Webhook.Stopped.FULL: State("fail", "Off: too much waited"),
}
STATES = {
    WebhookDelivery.State.WAITING: State("live", "On its way"),
    WebhookDelivery.State.DELIVERED: State("ok", "Delivered"),
    WebhookDelivery.State.FAILED: State("fail", "Not delivered"),
}


class WebhookForm(forms.Form):
    name = Typed(label="Name", widget=plain_input(maxlength="100", autocomplete="off"))
    url = Typed(
        label="Address of your program",
        widget=plain_input(maxlength=str(LONGEST), autocomplete="off", inputmode="url"),
        help_text="E.g. https://hooks.example.org/rookery. It is sent a POST for each event.",
    )
    types = Typed(
        label="Events",
        required=False,
        mark_optional=True,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false", "autocapitalize": "none"}),
        help_text="One a line, such as mailbox.created, mailbox.* or *.observed. Empty: all of them.",
    )

    def given(self) -> dict[str, Any]:
        """What was typed, as the actions take it."""
        return {**self.cleaned_data, "types": self.cleaned_data["types"].split()}


class NewWebhookForm(WebhookForm):
    field_order = ("name", "url", "organization", "domain", "types")

    organization: Any = forms.ModelChoiceField(
        queryset=Organization.objects.none(), label="Whose events?", empty_label=None
    )
    domain: Any = forms.ModelChoiceField(
        queryset=Domain.objects.none(),
        label="Only of one domain?",
        required=False,
        empty_label="No, of all of the organization",
    )

    def __init__(
        self, *args: Any, organizations: QuerySet[Organization], domains: QuerySet[Domain], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["organization"].queryset = organizations
        fields["organization"].initial = organizations.first()
        fields["domain"].queryset = domains


def _mine(request: HttpRequest) -> list[Organization]:
    """Organizations whose webhooks this person keeps."""
    verb, kind = access.Verb.CREATE, access.Kind.WEBHOOK
    return [each for each in organizations_of(request) if shows(request, verb, kind, each.pk)]


def _form(request: HttpRequest) -> NewWebhookForm:
    mine = [each.pk for each in _mine(request)]
    seen = access.visible_to(actor_of(request), Domain).filter(organization__in=mine)
    return NewWebhookForm(
        request.POST if request.method == "POST" else None,
        organizations=narrowed(request, Organization.objects.filter(pk__in=mine).order_by("name"), "pk"),
        domains=narrowed(request, seen.order_by("name"), "organization_id"),
    )


def state_of(row: Webhook) -> State:
    if not row.enabled:
        return STOPPED[Webhook.Stopped(row.stopped)]
    return TROUBLED if row.failures else ON


def _line(row: Webhook) -> dict[str, Any]:
    now = timezone.now()
    return {
        "webhook": row,
        "place": actions.place_of(row),
        "state": state_of(row),
        "succeeded": times.moment(row.succeeded_at, now),
        "failing": times.moment(row.failing_since, now),
        "former": times.moment(row.former_until, now)
        if row.former_until and row.former_until > now
        else None,
    }


def _delivery_line(row: WebhookDelivery) -> dict[str, Any]:
    now = timezone.now()
    waits = row.state == WebhookDelivery.State.WAITING
    return {
        "delivery": row,
        "state": STATES[WebhookDelivery.State(row.state)],
        "at": times.moment(row.created_at, now),
        "again": times.moment(row.next_try_at, now) if waits and row.tries else None,
        "waits": waits,
    }


def _crumbs(*rest: dict[str, str]) -> list[dict[str, str]]:
    return [{"label": "Webhooks", "url": reverse("webhooks")}, *rest]


@page()
def webhooks(request: HttpRequest) -> HttpResponse:
    rows = narrowed(request, access.visible_to(actor_of(request), Webhook), "organization_id")
    rows = rows.select_related("organization", "domain").order_by("organization__name", "name")
    context = {"lines": [_line(row) for row in rows[:500]], "may_add": bool(_mine(request))}
    return show(request, "panel/webhook/list.html", context)


@page(methods=("GET", "HEAD", "POST"))
def webhook_new(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    if not _mine(request):
        access.require_create(actor, access.Kind.WEBHOOK, None)
    form = _form(request)
    tried: Tried[tuple[Webhook, str]] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: actions.add_webhook(actor=actor, **form.given()))
        if tried.value is not None:
            return _secret(request, *tried.value)
    context = {
        "form": form,
        "types": actions.known_types(),
        "crumbs": _crumbs({"label": "New"}),
        "lefts": lefts(_mine(request), "webhook"),
    }
    return show(request, "panel/webhook/new.html", context, tried)


def _secret(request: HttpRequest, row: Webhook, secret: str, *, rotated: bool = False) -> HttpResponse:
    context = {"webhook": row, "secret": secret, "rotated": rotated, "crumbs": _crumbs({"label": row.name})}
    return show(request, "panel/webhook/secret.html", context)


def _load(request: HttpRequest, webhook_id: int) -> Webhook:
    rows = access.visible_to(actor_of(request), Webhook).select_related("organization", "domain")
    row = rows.filter(pk=webhook_id).first()
    if row is None:
        raise Absent
    return row


@page(methods=("GET", "HEAD", "POST"))
def webhook(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """One webhook and its log; a POST changes it."""
    row, actor = _load(request, webhook_id), actor_of(request)
    initial = {"name": row.name, "url": row.url, "types": "\n".join(row.types)}
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=initial)
    tried: Tried[Webhook] | None = None
    if request.method == "POST":
        tried = try_form(form, lambda: actions.change_webhook(actor=actor, webhook=row, **form.given()))
        if tried.ok:
            tell(request, f"The webhook {row} is changed.")
            return redirect("webhook", webhook_id=row.pk)
        row = _load(request, webhook_id)
    context = {
        "line": _line(row),
        "form": form,
        "types": actions.known_types(),
        "crumbs": _crumbs({"label": row.name}),
        **_log(request, row),
    }
    return show(request, "panel/webhook/show.html", context, tried)


def _log(request: HttpRequest, row: Webhook) -> dict[str, Any]:
    """The last deliveries, or those before an id."""
    typed = request.GET.get("before", "")
    rows = row.deliveries.order_by("-pk")
    if typed.isascii() and typed.isdigit() and len(typed) < 19:
        rows = rows.filter(pk__lt=int(typed))
    found = list(rows[: SHOWN + 1])
    older = f"?before={found[SHOWN - 1].pk}" if len(found) > SHOWN else ""
    failed = row.deliveries.filter(state=WebhookDelivery.State.FAILED).exclude(type="webhook.test")
    return {
        "log": [_delivery_line(each) for each in found[:SHOWN]],
        "pages": {"sentence": "The newest come first", "next_url": older},
        "has_failed": failed.exists(),
    }


def _do(request: HttpRequest, webhook_id: int, act: Callable[[Webhook], str]) -> HttpResponse:
    """Press a button of a webhook; `act` says what became of it."""
    row = _load(request, webhook_id)
    try:
        tell(request, act(row))
    except (Conflict, TooMany) as error:
        refuse(request, error)
    return redirect("webhook", webhook_id=webhook_id)


@page(methods=("POST",))
def webhook_test(request: HttpRequest, webhook_id: int) -> HttpResponse:
    row = _load(request, webhook_id)
    try:
        delivery = deliveries.send_webhook_test(actor=actor_of(request), webhook=row)
    except TooMany as error:
        refuse(request, error)
        return redirect("webhook", webhook_id=webhook_id)
    return redirect("webhook-delivery", webhook_id=webhook_id, delivery_id=delivery.pk)


@page(methods=("POST",))
def webhook_switch(request: HttpRequest, webhook_id: int) -> HttpResponse:
    _load(request, webhook_id)
    typed = request.POST.get("enabled", "")
    if typed not in {"on", "off"}:
        raise Invalid.of("enabled", "This is neither on nor off.", "Press one of the buttons.")
    enabled = typed == "on"

    def act(row: Webhook) -> str:
        actions.switch_webhook(actor=actor_of(request), webhook=row, enabled=enabled)
        return f"{row} is switched {'on' if enabled else 'off'}."

    return _do(request, webhook_id, act)


@page(methods=("POST",))
def webhook_rotate(request: HttpRequest, webhook_id: int) -> HttpResponse:
    row = _load(request, webhook_id)
    secret = actions.rotate_webhook_secret(actor=actor_of(request), webhook=row)
    return _secret(request, row, secret, rotated=True)


@page(methods=("POST",))
def webhook_replay(request: HttpRequest, webhook_id: int) -> HttpResponse:
    def act(row: Webhook) -> str:
        count = deliveries.replay_deliveries(actor=actor_of(request), webhook=row)
        return f"{count} deliveries are on their way again." if count else "Nothing failed that is kept."

    return _do(request, webhook_id, act)


@page(methods=("POST",))
def webhook_remove(request: HttpRequest, webhook_id: int) -> HttpResponse:
    row = _load(request, webhook_id)
    name = str(row)
    actions.remove_webhook(actor=actor_of(request), webhook=row)
    tell(request, f"The webhook {name} is removed. Its program is told nothing more.")
    return redirect("webhooks")


def _delivery(request: HttpRequest, webhook_id: int, delivery_id: int) -> WebhookDelivery:
    home = _load(request, webhook_id)
    row = access.visible_to(actor_of(request), WebhookDelivery).filter(webhook=home, pk=delivery_id).first()
    if row is None:
        raise Absent
    row.webhook = home
    return row


@page()
def webhook_delivery(request: HttpRequest, webhook_id: int, delivery_id: int) -> HttpResponse:
    """One delivery with every try; it follows while it is on its way."""
    row, now = _delivery(request, webhook_id, delivery_id), timezone.now()
    tries = [
        {
            "attempt": each,
            "at": times.moment(each.at, now),
            "headers": "\n".join(f"{name}: {value}" for name, value in each.headers.items()),
        }
        for each in row.attempts.order_by("-pk")
    ]
    home = {"label": row.webhook.name, "url": reverse("webhook", args=[row.webhook_id])}
    context = {
        "line": _delivery_line(row),
        "tries": tries,
        "may_replay": row.webhook.enabled or row.type == "webhook.test",
        "crumbs": _crumbs(home, {"label": row.type}),
    }
    template = "delivery_now" if request.headers.get("HX-Request") == "true" else "delivery"
    return show(request, f"panel/webhook/{template}.html", context)


@page(methods=("POST",))
def webhook_delivery_replay(request: HttpRequest, webhook_id: int, delivery_id: int) -> HttpResponse:
    row = _delivery(request, webhook_id, delivery_id)
    try:
        deliveries.replay_delivery(actor=actor_of(request), delivery=row)
        tell(request, "It is on its way again, under the same id.")
    except Conflict as error:
        refuse(request, error)
    return redirect("webhook-delivery", webhook_id=webhook_id, delivery_id=delivery_id)
