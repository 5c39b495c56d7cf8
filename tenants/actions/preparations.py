"""Preparing hosts for albatross: asking a worker to look, and having exactly the plan done that was shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.agreed import Seen, agree, ask, is_current, write_seen
from tenants.actions.audit import record
from tenants.actions.hosts import check_username
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict
from tenants.formats.text import FormatError, printable
from tenants.models import Host, HostPreparation, SyncTarget

# Not among checks: it may take minutes.
_TASK = ("serve_preparation", "images")


@transaction.atomic
def look_at_preparation(
    *,
    actor: Actor,
    host: Host,
    username: str = "root",
    with_git: bool = True,
    with_firewall: bool = True,
    key_fingerprint: str = "",
) -> HostPreparation:
    """Ask for a look at what a host lacks for albatross; nothing is changed there. Operators do this.

    `username` is root or may use sudo without a password, and lets in the key of this host. `key_fingerprint`
    is that of the key that signs albatross's packages; empty: what HTTPS brings is believed.
    """
    _require(actor, host)
    with Checks() as checks:
        username = check_username(username)
    with checks:
        key_fingerprint = _check_fingerprint(key_fingerprint)
    checks.finish()
    row = _row_of(host)
    row.username, row.with_git, row.with_firewall = username, with_git, with_firewall
    row.key_fingerprint, row.agreed = key_fingerprint, ""
    ask(row, HostPreparation.Ask.LOOK, *_TASK)
    after = {"username": username, "with_git": with_git, "with_firewall": with_firewall}
    _record(actor, "look_at_preparation", row, f"{actor} asked what {host} lacks for albatross.", after)
    return row


@transaction.atomic
def prepare_host(*, actor: Actor, host: Host, plan: str) -> HostPreparation:
    """Have exactly the plan carried out that was shown, as root on the host. Operators do this."""
    _require(actor, host)
    row = _row_of(host)
    agree(row, plan, "the host", *_TASK)
    commands = [each["command"] for each in row.steps]
    _record(actor, "prepare_host", row, f"{actor} had {host} prepared for albatross.", {"commands": commands})
    return row


@transaction.atomic
def record_preparation(
    *,
    actor: Actor,
    preparation: HostPreparation,
    seen: Seen,
    script: str | None = None,
    tenders: Iterable[str] | None = None,
    done: bool = False,
) -> None:
    """Write what a worker saw, unless a person asked for something else meanwhile. `script`: all of it for a
    person; `tenders`: those of Solo5; None: as before. `done`: something was done, so the host is looked at
    anew."""
    if not is_current(actor, preparation):
        return
    write_seen(preparation, seen, **({} if script is None else {"script": script}))
    if tenders is not None:
        Host.objects.filter(pk=preparation.host_id).update(tenders=sorted(tenders))
    if done:
        outbox.mark(SyncTarget.objects.filter(host_share__host=preparation.host))


@transaction.atomic
def record_preparation_progress(
    *, actor: Actor, preparation: HostPreparation, steps: Sequence[Mapping[str, str]], within: timedelta
) -> bool:
    """Show how far a worker is, and keep others away for a while. False when a person asked for something
    else meanwhile: then it stops."""
    if not is_current(actor, preparation):
        return False
    preparation.steps = [dict(each) for each in steps]
    preparation.claimed_until = timezone.now() + within
    preparation.save(update_fields=["steps", "claimed_until"])
    return True


def _require(actor: Actor, host: Host) -> None:
    access.require(actor, access.Verb.VIEW, host)
    access.require_create(actor, access.Kind.PREPARATION, host.organization)
    if host.transport != Host.Transport.SSH:
        raise Conflict(f"Rookery reaches {host} without SSH. Connect it by SSH to prepare it.")
    if not host.host_key:
        raise Conflict(f"Compare the key of {host} first: nothing is sent before.")


def _check_fingerprint(text: str) -> str:
    found = re.sub(r"\s", "", text).upper()
    if found and not re.fullmatch(r"[0-9A-F]{40}", found):
        raise FormatError(
            "key_fingerprint",
            f"“{printable(text, 60)}” is no fingerprint.",
            "Write its 40 hex digits, as gpg shows them, or nothing.",
        )
    return found


def _row_of(host: Host) -> HostPreparation:
    row, _ = HostPreparation.objects.get_or_create(host=host, defaults={"asked_at": timezone.now()})
    row.host = host
    lock(row)
    return row


def _record(actor: Actor, verb: str, row: HostPreparation, sentence: str, after: dict[str, Any]) -> None:
    record(actor, verb, row.host, sentence, organization=row.host.organization, after=after)


final("This looked at the host and changed nothing.", "look_at_preparation", "record_preparation")
final("This wrote down how far a worker was.", "record_preparation_progress")
final(
    "What was set up on the host stays: others may use it by now. The history has the commands, to take back"
    " by hand what is not wanted.",
    "prepare_host",
)
