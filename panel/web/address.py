"""One address: where it stands, who gets its mail, its passphrase, its switch, the trash, what happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from panel.web import fragments, times
from panel.web.activity import cut, event_lines, with_proof
from panel.web.address_people import holders_context
from panel.web.address_rows import address_row
from panel.web.aliases import alias_context
from panel.web.crumbs import below_domain
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, email_input, show, try_form
from panel.web.frame import offer_undo
from panel.web.fresh import fresh_sign_in
from panel.web.handling import actor_of, page, refuse, tell
from tenants import access
from tenants.actions import mailboxes as actions
from tenants.actions import targets as target_actions
from tenants.errors import Absent, Conflict, Invalid
from tenants.history import events_of
from tenants.models import Event, Mailbox
from tenants.relay_states import relay_state
from tenants.same_by_hand.addresses import address_by_hand

Verb = access.Verb
UNDO_WITHIN = timedelta(hours=1)


class TargetForm(forms.Form):
    address = Typed(
        label="Also send it to",
        widget=email_input(autocomplete="off", maxlength="254", **{"data-address-target": True}),
        help_text="We write there; mail goes there once the button in our mail was pressed.",
    )
    accept = forms.BooleanField(
        required=False,
        label="Send there all the same: I know that some mail may go to the wrong person",
    )


class PassphraseForm(forms.Form):
    password_hash = Typed(widget=forms.HiddenInput)


class NoteForm(forms.Form):
    note = Typed(
        label="Note",
        required=False,
        widget=forms.TextInput({"maxlength": "200"}),
        help_text="It stays here and is never written to the mail server.",
    )


def _plain_target_form() -> TargetForm:
    """Without the box that only a refusal brings."""
    form = TargetForm()
    del form.fields["accept"]
    return form


def _may_accept(request: HttpRequest, mailbox: Mailbox, form: TargetForm) -> bool:
    """Was it refused for a risk that this person may take?"""
    risky = any("accepts that risk" in error for error in form.errors.get("address", []))
    return risky and access.may(actor_of(request), Verb.MANAGE, mailbox)


def _load(request: HttpRequest, domain: str, local_part: str) -> Mailbox:
    return fragments.load_mailbox(actor_of(request), domain__name=domain.lower(), local_part=local_part)


@page()
def address(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    return _show(request, _load(request, domain, local_part))


def _show(
    request: HttpRequest, mailbox: Mailbox, tried: Tried[Any] | None = None, **forms_shown: forms.Form
) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    at = {"domain": mailbox.domain.name, "local_part": mailbox.local_part}
    context_around = around(request, mailbox)
    events = cut(
        with_proof(events_of(actor, mailbox.pk)),
        request.GET,
        reverse("address", kwargs=at),
        size=20,
    )
    _offer_undo(request, mailbox, at)
    may_change = access.may(actor, Verb.CHANGE, mailbox) and mailbox.trashed_at is None
    delivers = alias_context(actor, mailbox)
    context = {
        **context_around,
        **fragments.address_context(actor, mailbox, now),
        **delivers,
        **holders_context(request, mailbox),
        "at": at,
        "targets": [
            {
                "address": row.address,
                "confirmed": times.moment(row.confirmed_at, now),
                "source": row.get_source_display() if row.source else "",
                "asked": times.moment(row.asked_at, now),
            }
            for row in sorted(mailbox.targets.all(), key=lambda row: row.pk)
        ],
        "may_change": may_change,
        # The note is the team's, and an address that the team switched off stays off.
        "may_manage": may_change and access.may(actor, Verb.MANAGE, mailbox),
        # Whoever only holds it deletes it where they leave it.
        "may_trash": access.may(actor, Verb.DELETE, mailbox) and access.may(actor, Verb.MANAGE, mailbox),
        "target_form": _plain_target_form(),
        "passphrase_form": PassphraseForm(),
        "by_hand": address_by_hand(actor, mailbox, delivers["reach"]),
        "note_form": NoteForm(initial={"note": mailbox.note}),
        "events": event_lines(events.rows, now),
        "pages": events.pages,
        "live_url": reverse("address-live", kwargs={"mailbox_id": mailbox.pk}),
        "poll_url": reverse("address-fragment", kwargs={"mailbox_id": mailbox.pk}),
        **forms_shown,
    }
    return show(request, "panel/address/show.html", context, tried)


def show_address(
    request: HttpRequest, mailbox: Mailbox, tried: Tried[Any], **forms_shown: forms.Form
) -> HttpResponse:
    """The page after a form on it was refused whose button belongs to another module."""
    return _show(request, mailbox, tried, **forms_shown)


def around(request: HttpRequest, mailbox: Mailbox) -> dict[str, Any]:
    """Tabs and the way back: the domain's for its team; a holder sees only this address."""
    try:
        row = get_domain(request, mailbox.domain.name)
    except Absent:
        crumbs = [{"label": "Your addresses", "url": reverse("own-addresses")}, {"label": str(mailbox)}]
        return {"is_team": False, "crumbs": crumbs}
    crumbs = below_domain(mailbox.domain.name, mailbox.local_part, home="addresses")
    return {**domain_context(request, row, "addresses"), "is_team": True, "crumbs": crumbs}


def _offer_undo(request: HttpRequest, mailbox: Mailbox, at: dict[str, str]) -> None:
    """After a target was taken away, or the address switched: the way back, while it is still one."""
    removed = request.GET.get("removed", "")[:254]
    if _removed_just_now(request, mailbox, removed):
        query = urlencode({"address": removed})
        offer_undo(
            request, f"{removed} gets no more mail.", f"{reverse('address-target-add', kwargs=at)}?{query}"
        )
    switched = request.GET.get("switched")
    if switched in {"on", "off"} and mailbox.enabled == (switched == "on") and mailbox.trashed_at is None:
        back = "0" if mailbox.enabled else "1"
        offer_undo(
            request,
            f"{mailbox} was switched {switched}.",
            f"{reverse('address-switch', kwargs=at)}?on={back}",
        )


def _removed_just_now(request: HttpRequest, mailbox: Mailbox, removed: str) -> bool:
    """Did this person take that target away? Somebody else's link must not offer to add one."""
    if not removed or any(row.address == removed for row in mailbox.targets.all()):
        return False
    lately = Event.objects.filter(
        mailbox=mailbox,
        verb="remove_target",
        actor=actor_of(request).account,
        at__gte=timezone.now() - UNDO_WITHIN,
    )
    return any(removed in event.before.get("targets", ()) for event in lately.order_by("-pk")[:5])


# What the buttons do ----------------------------------------------------------------------------------


def _back(mailbox: Mailbox, **query: str) -> HttpResponse:
    at = {"domain": mailbox.domain.name, "local_part": mailbox.local_part}
    url = reverse("address", kwargs=at)
    return redirect(f"{url}?{urlencode(query)}" if query else url)


def _try(request: HttpRequest, act: Callable[[], object], sentence: str = "") -> bool:
    """Do it, or say at the top of the next page why not."""
    try:
        act()
    except (Invalid, Conflict) as error:
        refuse(request, error)
        return False
    if sentence:
        tell(request, sentence)
    return True


@page(methods=("POST",))
def address_switch(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    """`on` is 1 or 0; from the list, htmx gets the row back, others the page with an Undo."""
    mailbox = _load(request, domain, local_part)
    on = _is_on(request.POST.get("on") or request.GET.get("on"))
    actor = actor_of(request)
    if request.headers.get("HX-Request") == "true":
        actions.switch_mailbox(actor=actor, mailbox=mailbox, enabled=on)
        return _row(request, _load(request, domain, local_part))
    done = _try(request, lambda: actions.switch_mailbox(actor=actor, mailbox=mailbox, enabled=on))
    if request.POST.get("from") == "list" and done:
        url = reverse("addresses", kwargs={"domain": mailbox.domain.name})
        query = {} if on else {"switched-off": mailbox.local_part}
        return redirect(f"{url}?{urlencode(query)}" if query else url)
    return _back(mailbox, **({"switched": "on" if on else "off"} if done else {}))


def _is_on(word: str | None) -> bool:
    if word not in {"0", "1"}:
        raise Invalid.of("on", "This button is not known.", "Load the page again and try once more.")
    return word == "1"


def _row(request: HttpRequest, mailbox: Mailbox) -> HttpResponse:
    row = address_row(mailbox, relay_state(mailbox.domain), mailbox.domain, timezone.now())
    return render(request, "panel/address/row.html", {"row": row, "may_change": True})


@page(methods=("POST",))
def address_trash(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    actor = actor_of(request)

    def put_away() -> Mailbox:
        return actions.trash_mailbox(
            actor=actor,
            mailbox=mailbox,
            never_again=request.POST.get("never_again") == "1",
            reason=request.POST.get("reason", "")[:1000] if request.POST.get("never_again") else "",
        )

    if not _try(request, put_away):
        return _back(mailbox)
    if not access.may(actor, Verb.VIEW, mailbox.domain):
        tell(request, f"{mailbox} is in the trash. Whoever runs {mailbox.domain} can bring it back.")
        return redirect("account")
    url = reverse("addresses", kwargs={"domain": mailbox.domain.name})
    return redirect(f"{url}?{urlencode({'trashed': mailbox.local_part})}")


@page(methods=("POST",))
def address_restore(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    _try(
        request,
        lambda: actions.restore_mailbox(actor=actor_of(request), mailbox=mailbox),
        f"{mailbox} comes back as it was.",
    )
    return _back(mailbox)


@page(methods=("POST",))
def address_target_add(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    form = TargetForm(request.POST if "address" in request.POST else request.GET)
    tried = try_form(
        form,
        lambda: target_actions.add_target(
            actor=actor_of(request),
            mailbox=mailbox,
            address=form.cleaned_data["address"],
            accept_shared=form.cleaned_data["accept"],
        ),
    )
    if tried.value is None:
        if not _may_accept(request, mailbox, form):
            del form.fields["accept"]
        return _show(request, mailbox, tried, target_form=form)
    tell(
        request,
        f"We wrote to {tried.value.address}; mail goes there once the button in it was pressed.",
    )
    return _back(mailbox)


@page(methods=("POST",))
def address_target_remove(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    gone = _listed(request)
    target_actions.remove_target(actor=actor_of(request), mailbox=mailbox, address=gone)
    return _back(mailbox, removed=gone)


@page(methods=("POST",))
def address_target_again(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    asked = _listed(request)
    _try(
        request,
        lambda: target_actions.send_confirmation_again(
            actor=actor_of(request), mailbox=mailbox, address=asked
        ),
        f"We wrote to {asked} again. Only the link in the new mail works.",
    )
    return _back(mailbox)


def _listed(request: HttpRequest) -> str:
    """The target that a row's button names."""
    address = request.POST.get("address", "")
    if not address or "\0" in address or len(address) > 254:
        raise Absent
    return address


@page(methods=("POST",))
@fresh_sign_in()
def address_passphrase(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    form = PassphraseForm(request.POST)
    tried = try_form(
        form,
        lambda: actions.set_passphrase(
            actor=actor_of(request), mailbox=mailbox, password_hash=form.cleaned_data["password_hash"]
        ),
    )
    if not tried.ok:
        return _show(request, mailbox, tried, passphrase_form=form)
    tell(
        request,
        "The new passphrase is accepted. Until the last step below is done, mail programs log in with the"
        " old one.",
    )
    return _back(mailbox)


@page(methods=("POST",))
def address_note(request: HttpRequest, domain: str, local_part: str) -> HttpResponse:
    mailbox = _load(request, domain, local_part)
    form = NoteForm(request.POST)
    tried = try_form(
        form,
        lambda: actions.change_note(actor=actor_of(request), mailbox=mailbox, note=form.cleaned_data["note"]),
    )
    if not tried.ok:
        return _show(request, mailbox, tried, note_form=form)
    tell(request, "The note is saved.")
    return _back(mailbox)
