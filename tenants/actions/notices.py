"""Telling people: the one function that decides who is told by mail, in a summary, or in the panel only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from tenants import access
from tenants.actions.audit import record
from tenants.actions.mail import owe_mail
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import Account, Domain, DomainRole, Membership, Notice, NoticeChoice, Organization
from tenants.notices import KINDS, Delivery, NoticeKind, next_summary

MOST_TOLD = 50
_MODELS = {model.__name__: model for model in access.KINDS}


@dataclass(frozen=True)
class Letter:
    """A mail. Its body may hold one-time links."""

    subject: str
    body: str = field(repr=False)


@dataclass(frozen=True)
class About:
    """What a notice is about: the row whose rights say who may still see it, and the page about it."""

    path: str
    thing: Model | None = None
    organization: Organization | None = None
    domain: Domain | None = None


def notify(
    kind: NoticeKind,
    about: About,
    *,
    line: Callable[[], str],
    mail: Callable[[Account], Letter],
    people: Iterable[Account] | None = None,
) -> None:
    """Tell everybody who gets this kind by right (or `people`), each as they chose, in this transaction.

    `line` is what panel and summaries say; `mail` writes to one person and is called for those only who get
    a mail at once. Both are called with the language of the person in force, so their texts are translated
    where they are made.
    """
    by_right = entitled(kind, about).order_by("pk")[:MOST_TOLD] if people is None else people
    recipients = [each for each in by_right if _reads(each)]
    chosen = _choices(kind, recipients)
    now, rows = timezone.now(), []
    for account in recipients:
        delivery = chosen.get(account.pk, kind.default)
        if delivery == Delivery.OFF:
            continue
        with translation.override(language_of(account)):
            rows.append(_unsaved(kind, about, account, line(), delivery, now))
            if delivery == Delivery.AT_ONCE:
                letter = mail(account)
                owe_mail(recipient=account.email, subject=letter.subject, body=letter.body + footer(kind))
    Notice.objects.bulk_create(rows)


def language_of(account: Account) -> str:
    """The language in which we write to somebody: the installation's, whoever's request it is."""
    return settings.LANGUAGE_CODE


def entitled(kind: NoticeKind, about: About) -> QuerySet[Account]:
    """Those who get the kind by rank or, where it says so, by a role on the domain."""
    organization = about.domain.organization if about.domain is not None else about.organization
    members = Membership.objects.filter(organization=organization, role__in=kind.roles)
    entitled = Q(pk__in=members.values("account_id"))
    if kind.on_domain and about.domain is not None:
        given = DomainRole.objects.filter(domain=about.domain, role__in=kind.roles)
        entitled |= Q(pk__in=given.values("account_id"))
    return Account.objects.filter(entitled, is_active=True, is_service=False)


def footer(kind: NoticeKind | None = None) -> str:
    if kind is not None and kind.fixed:
        return ""
    page = f"{settings.BASE_URL}/account/notices"
    return "\n\n" + _("Which notices you get, and how, is your choice:\n%(page)s") % {"page": page}


def _reads(account: Account) -> bool:
    return account.is_active and not account.is_service


def _choices(kind: NoticeKind, recipients: Sequence[Account]) -> dict[int, str]:
    if kind.fixed or not recipients:
        return {}
    rows = NoticeChoice.objects.filter(kind=kind.name, account__in=recipients)
    return dict(rows.values_list("account_id", "delivery"))


def _unsaved(
    kind: NoticeKind, about: About, account: Account, line: str, delivery: str, now: datetime
) -> Notice:
    domain, thing = about.domain, about.thing
    organization = domain.organization if domain is not None else about.organization
    return Notice(
        account=account,
        kind=kind.name,
        organization=organization,
        domain=domain,
        thing_type=type(thing).__name__ if thing is not None else "",
        thing_id=thing.pk if thing is not None else None,
        path=about.path[:400],
        line=line[:300],
        at=now,
        due_at=next_summary(delivery, now),
    )


# Reading ----------------------------------------------------------------------------------------------


def own_notices(actor: Actor) -> QuerySet[Notice]:
    """The actor's own. A narrowed token has none: they tell of everything that its person may see."""
    return Notice.objects.filter(account=_reader(actor))


def _reader(actor: Actor) -> Account:
    if actor.account is None:
        raise Absent
    if actor.organization_id is not None or actor.domain_id is not None or actor.kinds:
        raise Forbidden(
            "Notices are about everything that you may see, and this token is for less. Use one that may"
            " act wherever you may."
        )
    return actor.account


def still_seen(actor: Actor, rows: Iterable[Notice]) -> set[int]:
    """Which of these notices are about something that the actor may see now, or about the actor alone: one
    question for each sort of thing."""
    rows = list(rows)
    found = {row.pk for row in rows if not row.thing_type}
    for name in {row.thing_type for row in rows} & set(_MODELS):
        mine = {row.pk: row.thing_id for row in rows if row.thing_type == name}
        visible = access.visible_to(actor, _MODELS[name]).filter(pk__in=set(mine.values()))
        seen = set(visible.values_list("pk", flat=True))
        found |= {pk for pk, thing in mine.items() if thing in seen}
    return found


def mark_notices_read(*, actor: Actor, notice_id: int | None = None, up_to: int | None = None) -> int:
    """Mark one's notices as read: one, all up to one that was seen, or all; returns how many were unread.

    Noted on the rows only: what somebody has read is nobody else's matter, so there is no event.
    """
    rows = own_notices(actor)
    _require_writing(actor)
    if notice_id is not None:
        rows = rows.filter(pk=notice_id)
        if not rows.exists():
            raise Absent
    if up_to is not None:
        rows = rows.filter(pk__lte=up_to)
    return rows.filter(read_at=None).update(read_at=timezone.now())


def _require_writing(actor: Actor) -> None:
    if actor.read_only or actor.verbs:
        raise Forbidden("This token may not change how you are told. Use one that may do all that you may.")


@transaction.atomic
def choose_notices(*, actor: Actor, choices: dict[str, str]) -> dict[str, str]:
    """Say how one wants to be told: a delivery for each named kind; returns those that are different now.

    Raises Invalid for what is no kind or no delivery, Conflict for kinds that nobody switches off.
    """
    account = _reader(actor)
    _require_writing(actor)
    for name, delivery in choices.items():
        if name not in KINDS:
            raise Invalid.of("kind", "There is no such kind of notice.", f"Take one of {', '.join(KINDS)}.")
        if delivery not in Delivery.values:
            raise Invalid.of(
                "delivery", "That is no way to be told.", f"Take one of {', '.join(Delivery.values)}."
            )
        if KINDS[name].fixed and delivery != Delivery.AT_ONCE:
            raise Conflict("These notices protect your account and organization: they always come by mail.")
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    before = chosen_by(account)
    changed = {name: each for name, each in choices.items() if before[name] != each}
    for name, delivery in changed.items():
        account.notice_choices.update_or_create(kind=name, defaults={"delivery": delivery})
        # What waits for a summary goes out with the new one, or stays in the panel.
        waiting = account.notices.filter(kind=name, due_at__isnull=False)
        waiting.update(due_at=next_summary(delivery, timezone.now()))
    if changed:
        record(
            actor,
            "choose_notices",
            account.email,
            f"{account.email} changed how they are told.",
            before={name: before[name] for name in changed},
            after=changed,
        )
    return changed


def chosen_by(account: Account) -> dict[str, str]:
    """How this person is told of each kind."""
    given = dict(account.notice_choices.values_list("kind", "delivery"))
    return {
        name: kind.default.value if kind.fixed else str(given.get(name, kind.default.value))
        for name, kind in KINDS.items()
    }


final("Choose again on the page of your notices.", "choose_notices")
