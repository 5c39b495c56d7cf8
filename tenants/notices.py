"""The kinds of notices as data: what each tells, who gets it by right, and how where they chose nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants import access
from tenants.access import Kind, Verb
from tenants.models import DomainRole, Membership, NoticeChoice

Delivery = NoticeChoice.Delivery
# When summaries go out, by the clock of the installation (`ROOKERY_TIME_ZONE`).
SUMMARY_AT = clock(7)
_MONDAY = 0


@dataclass(frozen=True)
class NoticeKind:
    """Without `verb` and `of` it goes to the person whom it concerns. `fixed` ones are about the safety of an
    account or an organization: they come by mail at once, and nobody switches them off. `on_domain`: roles on
    the domain count, too."""

    name: str
    title: str | Promise
    sentence: str | Promise
    verb: Verb | None = None
    of: Kind | None = None
    on_domain: bool = False
    default: Delivery = Delivery.AT_ONCE
    fixed: bool = False

    @property
    def roles(self) -> list[str]:
        """The roles whose people get it; none where it goes to the person whom it concerns."""
        return access.roles_that(self.verb, self.of) if self.verb and self.of else []


ACCOUNT_CHANGED = NoticeKind(
    "account_changed",
    _("Changes to how you sign in"),
    _("A panel password, second factor, passkey or key for programs was made, changed or removed."),
    fixed=True,
)
SUSPENSION = NoticeKind(
    "suspension",
    _("Suspension"),
    _("An organization of yours was suspended, or may go on."),
    Verb.CHANGE,
    Kind.ORGANIZATION,
    fixed=True,
)
EXPORT_ASKED = NoticeKind(
    "export_asked",
    _("Exports with secrets"),
    _("Somebody asked for an export of a domain with all its secrets."),
    Verb.CREATE,
    Kind.EXPORT,
    fixed=True,
)
REQUEST_WAITS = NoticeKind(
    "request_waits",
    _("Requests for addresses"),
    _("Somebody asks for an address and waits for a decision, or still waits."),
    Verb.DECIDE,
    Kind.REQUEST,
    on_domain=True,
)
CHECKS_TURNED = NoticeKind(
    "checks_turned",
    _("Checks of a domain"),
    _("Something about the mail of a domain became wrong, or is well again."),
    Verb.CHANGE,
    Kind.DOMAIN,
)
CANARY_TURNED = NoticeKind(
    "canary_turned",
    _("Mail that does not arrive"),
    _("Test messages through a mail stack fail, or arrive again."),
    Verb.CHANGE,
    Kind.DOMAIN,
)
UNIKERNEL_ENDED = NoticeKind(
    "unikernel_ended",
    _("Unikernels that end"),
    _("A unikernel that should run ended by itself."),
    Verb.SWITCH,
    Kind.UNIKERNEL,
)
WEBHOOK_STOPPED = NoticeKind(
    "webhook_stopped",
    _("Webhooks switched off"),
    _("Rookery switched a webhook off because its server does not take what is sent."),
    Verb.SWITCH,
    Kind.WEBHOOK,
)
ADDRESSES_END = NoticeKind(
    "addresses_end",
    _("Addresses that end"),
    _("Addresses of a domain that you run end within a week."),
    Verb.MANAGE,
    Kind.MAILBOX,
)
OWN_ADDRESS_ENDS = NoticeKind(
    "own_address_ends", _("Your own addresses"), _("An address that you hold ends within a week.")
)

KINDS: dict[str, NoticeKind] = {
    kind.name: kind
    for kind in (
        REQUEST_WAITS,
        CANARY_TURNED,
        CHECKS_TURNED,
        UNIKERNEL_ENDED,
        WEBHOOK_STOPPED,
        ADDRESSES_END,
        OWN_ADDRESS_ENDS,
        ACCOUNT_CHANGED,
        SUSPENSION,
        EXPORT_ASKED,
    )
}


def kinds_for(account_id: int) -> list[NoticeKind]:
    """The kinds that this person gets, by what they are now; those that concern everybody are among them."""
    ranks = set(Membership.objects.filter(account=account_id).values_list("role", flat=True).distinct())
    given = set(DomainRole.objects.filter(account=account_id).values_list("role", flat=True).distinct())
    return [
        kind
        for kind in KINDS.values()
        if kind.verb is None or ranks & set(kind.roles) or (kind.on_domain and given & set(kind.roles))
    ]


def next_summary(delivery: str, now: datetime) -> datetime | None:
    """When what is told now goes out in a summary: the next morning, the next Monday's, or never."""
    if delivery not in {Delivery.DAILY, Delivery.WEEKLY}:
        return None
    zone = timezone.get_default_timezone()
    day = timezone.localtime(now, zone).date()
    while True:
        at = datetime.combine(day, SUMMARY_AT, tzinfo=zone)
        if at > now and (delivery == Delivery.DAILY or day.weekday() == _MONDAY):
            return at
        day += timedelta(days=1)
