"""Addresses: making them, who gets their mail, passphrases, switching off, the trash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions import gathering
from tenants.actions.audit import record
from tenants.actions.exchanges import reconsider
from tenants.actions.former_passphrases import replace_sealed
from tenants.actions.locking import lock
from tenants.actions.marks import mark_mailbox
from tenants.actions.names import check_reason, insert_held_name, require_free_name
from tenants.actions.new_mailboxes import check_new_mailbox, end_of, make_mailbox, require_may_make
from tenants.actions.quotas import give_addresses_back, take_addresses
from tenants.actions.reversals import mailbox_now, mailbox_of, targets_of, undoable
from tenants.actions.targets import lock_in_use, require_fits, require_no_loop
from tenants.actions.warnings import refresh_warnings
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden, Invalid
from tenants.formats.passphrase import check_hash
from tenants.formats.text import check_text
from tenants.models import Account, AliasRules, Domain, HeldName, Mailbox
from tenants.secrets import Purpose, seal

# What every domain should answer for (RFC 2142); a new domain is offered them.
OFFERED_LOCAL_PARTS = ("postmaster", "abuse", "hostmaster")


@transaction.atomic
def create_mailbox(
    *,
    actor: Actor,
    domain: Domain,
    local_part: str,
    targets: Sequence[str],
    password_hash: str = "",
    note: str = "",
    holder: Account | None = None,
    accept_shared: bool = False,
    expires_at: datetime | None = None,
) -> Mailbox:
    """Add an address. Without a passphrase's hash it is an alias: it gets mail, nobody can log in with it.

    `accept_shared`: see `targets.add_target`.
    """
    require_may_make(actor, domain)
    checked = check_new_mailbox(
        domain,
        local_part=local_part,
        targets=targets,
        password_hash=password_hash,
        note=note,
        expires_at=expires_at,
    )
    return make_mailbox(actor, domain, checked, holder=holder, accept_shared=accept_shared)


@transaction.atomic
def set_passphrase(*, actor: Actor, mailbox: Mailbox, password_hash: str) -> Mailbox:
    """Replace the passphrase, given as the BLAKE2b hash that the browser or `b2sum` made."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    access.require_rank(actor, mailbox)
    with Checks() as checks:
        password_hash = check_hash(password_hash)
    checks.finish()
    return _give_passphrase(actor, mailbox, seal(Purpose.MAILBOX_HASH, password_hash))


def set_sealed_passphrase(actor: Actor, mailbox: Mailbox, sealed_hash: bytes) -> Mailbox:
    """The same, of a hash that was checked before it was sealed."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    access.require_rank(actor, mailbox)
    return _give_passphrase(actor, mailbox, sealed_hash)


def _give_passphrase(actor: Actor, mailbox: Mailbox, sealed_hash: bytes) -> Mailbox:
    lock_in_use(mailbox)
    _require_mailbox_of_its_own(mailbox)
    replace_sealed(actor, mailbox, sealed_hash, f"{mailbox} got a new passphrase.")
    return mailbox


def _require_mailbox_of_its_own(mailbox: Mailbox) -> None:
    """An alias of mailboxes stays one: nobody logs in with it, whoever made it."""
    if mailbox.made_for_id is not None or mailbox.deliveries.exists():
        raise Invalid.of(
            "password_hash",
            f"{mailbox} is an alias that delivers to mailboxes; nobody can log in with it.",
            "Log in with the mailbox, or delete the alias and make a mailbox of that name.",
        )


@transaction.atomic
def switch_mailbox(*, actor: Actor, mailbox: Mailbox, enabled: bool) -> Mailbox:
    """Switch an address on or off. Off: no login, no mail, everything kept here.

    Who holds it switches on again only what was switched off by somebody who holds it: what the team
    switched off stays off until the team switches it on.
    """
    access.require(actor, access.Verb.SWITCH, mailbox)
    # Off gives nobody's mail away, and it is the team's domain; on may lead it where it went before.
    if enabled:
        access.require_rank(actor, mailbox)
    lock_in_use(mailbox)
    team = access.is_team(actor, mailbox)
    by_holder = not enabled and not team
    if mailbox.enabled == enabled:
        if not enabled and team and mailbox.off_by_holder:
            _keep_off(actor, mailbox)
        return mailbox
    if enabled and not team and not mailbox.off_by_holder:
        raise Forbidden(
            f"{mailbox} was switched off by the people who run {mailbox.domain}. Ask an owner or manager."
        )
    mailbox.enabled, mailbox.off_by_holder = enabled, by_holder
    gathering.keep(mailbox, "enabled", "off_by_holder")
    target = mark_mailbox(mailbox)
    record(
        actor,
        "switch_mailbox",
        mailbox,
        f"{mailbox} was switched {'on' if enabled else 'off'}.",
        mailbox=mailbox,
        target=target,
        before={"enabled": not enabled},
        after={"enabled": enabled},
    )
    return mailbox


def _keep_off(actor: Actor, mailbox: Mailbox) -> None:
    """The team switches off what its holder had switched off: from now on only the team switches it on."""
    mailbox.off_by_holder = False
    gathering.keep(mailbox, "off_by_holder")
    record(
        actor,
        "switch_mailbox",
        mailbox,
        f"{mailbox} stays off until somebody who runs {mailbox.domain} switches it on.",
        mailbox=mailbox,
        before={"enabled": False, "off_by_holder": True},
        after={"enabled": False, "off_by_holder": False},
    )


@transaction.atomic
def change_note(*, actor: Actor, mailbox: Mailbox, note: str) -> Mailbox:
    """Change the owner's note; it stays here and is never written to the mail server."""
    access.require(actor, access.Verb.MANAGE, mailbox)
    with Checks() as checks:
        note = check_text(note, field="note", maximum=200) if note else ""
    checks.finish()
    lock(mailbox)
    if note != mailbox.note:
        before, mailbox.note = mailbox.note, note
        gathering.keep(mailbox, "note")
        record(
            actor,
            "change_note",
            mailbox,
            f"The note of {mailbox} was changed.",
            mailbox=mailbox,
            before={"note": before},
            after={"note": note},
        )
    return mailbox


@transaction.atomic
def trash_mailbox(*, actor: Actor, mailbox: Mailbox, never_again: bool = False, reason: str = "") -> Mailbox:
    """Take an address away from the outside; it can come back from the trash with its passphrase.

    `never_again` puts its name, with `reason`, on the list of those that nobody is given any more. Who holds
    an address together with others leaves it instead.
    """
    access.require(actor, access.Verb.DELETE, mailbox)
    if never_again:
        access.require_create(actor, access.Kind.HELD_NAME, mailbox.domain)
    with Checks() as checks:
        reason = check_reason(reason)
    checks.finish()
    lock(mailbox)
    if not access.is_team(actor, mailbox) and mailbox.holdings.count() > 1:
        raise Conflict(f"Others hold {mailbox} too. Leave it instead; for them it goes on.")
    if mailbox.trashed_at is not None:
        raise Conflict(f"{mailbox} is in the trash already.")
    if never_again:
        insert_held_name(actor, mailbox.domain, mailbox.local_part, HeldName.Kind.NEVER, reason)
    sentence = f"{mailbox} was put into the trash"
    put_into_trash(
        actor,
        mailbox,
        verb="trash_mailbox",
        sentence=f"{sentence}, and its name is not given again." if never_again else f"{sentence}.",
        reason=reason,
        never_again=never_again,
    )
    return mailbox


def put_into_trash(
    actor: Actor, mailbox: Mailbox, *, verb: str, sentence: str, reason: str = "", never_again: bool = False
) -> None:
    """The change itself, of a row that the caller holds; shared with addresses that end by themselves."""
    mailbox.trashed_at = gathering.now()
    gathering.keep(mailbox, "trashed_at")
    give_addresses_back(mailbox.domain)
    target = mark_mailbox(mailbox)
    record(
        actor,
        verb,
        mailbox,
        sentence,
        mailbox=mailbox,
        target=target,
        before={"trashed": False},
        after={"trashed": True, **({"never_again": True} if never_again else {})},
        reason=reason,
    )


@transaction.atomic
def restore_mailbox(*, actor: Actor, mailbox: Mailbox) -> Mailbox:
    """Bring an address back from the trash as it was, if that is still possible.

    One whose end has passed gets a new one where the domain's rules want an end, otherwise none.
    """
    access.require(actor, access.Verb.DELETE, mailbox)
    lock(mailbox)
    if mailbox.trashed_at is None:
        raise Conflict(f"{mailbox} is not in the trash.")
    access.require_rank(actor, mailbox)
    is_plain = gathering.is_plain(mailbox)
    if not is_plain:
        _require_room(actor, mailbox)
    take_addresses(mailbox.domain)
    before = {"trashed": True, **end_of(mailbox)}
    mailbox.trashed_at = None
    _renew_end(mailbox)
    columns = ("trashed_at", "expires_at", "expiry_told_at")
    if is_plain:
        gathering.keep(mailbox, *columns)
    else:
        mailbox.save(update_fields=columns)
        reconsider(mailbox, afresh=True)
        refresh_warnings(mailbox)
    target = mark_mailbox(mailbox)
    record(
        actor,
        "restore_mailbox",
        mailbox,
        f"{mailbox} came back from the trash.",
        mailbox=mailbox,
        target=target,
        before=before,
        after={"trashed": False, **end_of(mailbox)},
    )
    return mailbox


def _require_room(actor: Actor, mailbox: Mailbox) -> None:
    """Look at what happened while it was in the trash. What is looked at here, `restoring` knows."""
    require_free_name(mailbox.domain, mailbox.local_part, actor)
    addresses = targets_of(mailbox)
    _require_somebody(mailbox, addresses)
    # Meanwhile another address may have begun to send its mail here, and aliases to deliver elsewhere.
    require_no_loop(mailbox, addresses)
    require_fits(mailbox, addresses)


def _require_somebody(alias: Mailbox, addresses: Sequence[str]) -> None:
    """An alias whose mailboxes are gone would come back and reach nobody."""
    if alias.kind != Mailbox.Kind.ALIAS or addresses:
        return
    there = list(alias.delivers_to.order_by("fed_by__pk"))
    if any(each.trashed_at is None for each in there):
        return
    if there:
        raise Invalid.of(
            "delivers_to",
            f"{there[0].local_part}, to which {alias} delivers, is in the trash.",
            f"Restore {there[0].local_part} first, or choose another mailbox for the alias.",
        )
    raise Invalid.of(
        "delivers_to",
        f"Nobody would get the mail of {alias}: what it delivered to is gone for good.",
        "Choose a mailbox for it first, then restore it.",
    )


def _renew_end(mailbox: Mailbox) -> None:
    mailbox.expiry_told_at = None
    if mailbox.expires_at is None or mailbox.expires_at > timezone.now():
        return
    rules = AliasRules.objects.filter(domain=mailbox.domain).first() if mailbox.made_for_id else None
    days = rules.longest_days if rules is not None else None
    mailbox.expires_at = timezone.now() + timedelta(days=days) if days else None


for _verb in ("create_mailbox", "restore_mailbox"):
    undoable(
        _verb,
        find=mailbox_of,
        present=mailbox_now,
        restore=lambda actor, mailbox, event: trash_mailbox(actor=actor, mailbox=mailbox),
        told=lambda mailbox, event: f"{mailbox} goes into the trash, from where it can come back.",
        needs=access.Verb.DELETE,
    )
undoable(
    "trash_mailbox",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, mailbox, event: restore_mailbox(actor=actor, mailbox=mailbox),
    told=lambda mailbox, event: f"{mailbox} comes back from the trash as it was.",
    needs=access.Verb.DELETE,
)
undoable(
    "switch_mailbox",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, mailbox, event: switch_mailbox(
        actor=actor, mailbox=mailbox, enabled=bool(event.before["enabled"])
    ),
    told=lambda mailbox, event: f"{mailbox} is switched {'on' if event.before['enabled'] else 'off'} again.",
    needs=access.Verb.MANAGE,
)
undoable(
    "change_note",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, mailbox, event: change_note(
        actor=actor, mailbox=mailbox, note=event.before["note"]
    ),
    told=lambda mailbox, event: f"The note of {mailbox} becomes what it was before.",
    needs=access.Verb.MANAGE,
)
