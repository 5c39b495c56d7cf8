"""Summaries by mail: what waits for each person, in one letter, and forgetting old notices.

The letter is owed in the transaction that takes its notices off the waiting ones: killed anywhere, either
both happened or neither, so that nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.actions.mail import owe_mail
from tenants.actions.notices import Letter, footer, language_of, still_seen
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import Account, Notice

# How many people get their summary, and how many notices are forgotten, in one look.
AT_ONCE = 50
FORGOTTEN_AT_ONCE = 500
KEPT = timedelta(days=90)
# Of one letter: the newest are written out, the rest is a number.
MOST_LINES = 50
_LOOKED_THROUGH = 500


def _require_rookery(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Summaries go out by themselves; Rookery looks every few seconds.")


def send_digests(*, actor: Actor, now: datetime | None = None) -> int:
    """Owe everybody for whom something is due one mail with all of it; returns how many mails."""
    _require_rookery(actor)
    now = now or timezone.now()
    due = Notice.objects.filter(due_at__lte=now).order_by("account_id")
    people = list(due.values_list("account_id", flat=True).distinct()[:AT_ONCE])
    return sum(_send_one(pk, now) for pk in people)


@transaction.atomic
def _send_one(account_id: int, now: datetime) -> bool:
    # Two workers at once: the second waits here, and finds nothing due.
    account = Account.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    if account is None:
        return False
    due = account.notices.filter(due_at__lte=now)
    unread = due.filter(read_at=None)
    newest = list(unread.select_related("organization", "domain").order_by("-pk")[:_LOOKED_THROUGH])
    seen = still_seen(Actor(account=account), newest)
    told = [row for row in newest if row.pk in seen]
    more = unread.count() - len(newest)
    due.update(due_at=None)
    if not told or not account.is_active:
        return False
    with translation.override(language_of(account)):
        letter = digest_letter(told, more=more)
        owe_mail(recipient=account.email, subject=letter.subject, body=letter.body)
    return True


def digest_letter(told: Sequence[Notice], *, more: int = 0) -> Letter:
    """One letter about all of these, and `more` that are not among them: by place, the oldest first."""
    count = len(told) + more
    subject = ngettext("%(count)d notice of Rookery", "%(count)d notices of Rookery", count) % {
        "count": count
    }
    shown = sorted(told[:MOST_LINES], key=lambda row: (_place(row), row.pk))
    parts = [_("Hello,\n\nthis happened since the last summary.")]
    for place, rows in groupby(shown, key=_place):
        lines = [_line(row) for row in rows]
        parts.append("\n".join([place or _("Your account"), *lines]))
    if count > len(shown):
        left = {"count": count - len(shown)}
        parts.append(ngettext("And %(count)d more.", "And %(count)d more.", left["count"]) % left)
    parts.append(_("All of them:\n%(page)s") % {"page": f"{settings.BASE_URL}/notices"})
    return Letter(subject, "\n\n".join(parts) + footer())


def _place(row: Notice) -> str:
    """Organization and domain, as a heading; nothing for what is about the person alone."""
    return ", ".join(str(each) for each in (row.organization, row.domain) if each is not None)


def _line(row: Notice) -> str:
    at = f"{timezone.localtime(row.at):%Y-%m-%d %H:%M}"
    return f"- {at}  {row.line}\n  {settings.BASE_URL}{row.path}"


def forget_notices(*, actor: Actor) -> int:
    """Delete notices that are older than `KEPT`, some at once; returns how many."""
    _require_rookery(actor)
    old = Notice.objects.filter(at__lt=timezone.now() - KEPT).order_by("at")
    pks = list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    if pks:
        Notice.objects.filter(pk__in=pks).delete()
    return len(pks)
