"""The checks of a domain's mail: what workers found, what people want looked at again or hear no more of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.notices import About, Letter, notify
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden, Invalid
from tenants.formats.mail_checks import CHECKS, Finding, Level, worst
from tenants.formats.text import FormatError, check_text
from tenants.limits import Limit, spend
from tenants.models import Account, CheckChange, CheckLine, CheckMute, Domain, MailCheck
from tenants.models.sync import LONG_AGO
from tenants.notices import CHECKS_TURNED

RECHECKS = Limit("rechecks", 60, timedelta(hours=1), "This domain was checked very often in the last hour.")
MOST_MUTED = timedelta(days=366)
SERIOUS = (Level.WARN, Level.FAIL)
# A change counts once two looks in a row agree: one server's hiccup wakes nobody.
AGREED = 2
MOST_LINES, MOST_CHANGES = 300, 500
_MOST_TOLD = 20
_ORDER = {check.id: position for position, check in enumerate(CHECKS)}
EVERY, SOON = timedelta(hours=24), timedelta(minutes=15)


def checks_of(domain: Domain) -> MailCheck:
    """The row of a domain, made when it is first needed."""
    row, _ = MailCheck.objects.get_or_create(domain=domain)
    return row


def lines_of(check: MailCheck, now: datetime) -> tuple[list[CheckLine], dict[str, CheckMute]]:
    """The lines in the order in which people read them, and the mutes that hold, by line."""
    lines = CheckLine.objects.filter(check_of=check.pk).order_by("position", "line")
    mutes = CheckMute.objects.filter(check_of=check.pk, until__gt=now).order_by("line")
    return list(lines), {each.line: each for each in mutes}


def level_of(lines: Collection[CheckLine], mutes: Collection[str]) -> Level:
    """The worst level of the lines that count."""
    return worst([Level(each.level) for each in lines if each.line not in mutes])


@transaction.atomic
def recheck(*, actor: Actor, domain: Domain, checks: Collection[str] = ()) -> MailCheck:
    """Have these checks (ids) done again now, or all of them."""
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.RUN, domain)
    unknown = sorted(set(checks) - set(_ORDER))
    if unknown:
        problem = f"There is no check “{unknown[0][:40]}”."
        raise Invalid.of("checks", problem, f"Take one of {', '.join(_ORDER)}.")
    spend(RECHECKS, str(domain.pk))
    row = checks_of(domain)
    lock(row)
    is_due = row.next_look_at <= timezone.now()
    everything = not checks or (is_due and not row.wanted)
    row.wanted = [] if everything else sorted({*row.wanted, *checks})
    row.next_look_at = LONG_AGO
    row.save(update_fields=["wanted", "next_look_at"])
    outbox.hint_on_commit("check_mail", row.pk, "mail_checks")
    return row


def check_soon(domain: Domain) -> None:
    """Have everything looked at again, for something else is expected now; not before the first look."""
    row = MailCheck.objects.filter(domain=domain, looked_at__isnull=False).first()
    if row is not None:
        MailCheck.objects.filter(pk=row.pk).update(wanted=[], next_look_at=LONG_AGO)
        outbox.hint_on_commit("check_mail", row.pk, "mail_checks")


@transaction.atomic
def mute_check(*, actor: Actor, domain: Domain, line: str, reason: str, until: datetime) -> CheckMute:
    """Hear no more of one line until a time (aware), for a reason that others can read."""
    access.require(actor, access.Verb.CHANGE, domain)
    given, now = Checks(), timezone.now()
    with given:
        reason = check_text(reason, field="reason", maximum=200)
        if not reason:
            raise FormatError("reason", "A mute needs a reason.", "Say why, for those who wonder later.")
    with given:
        if not now < until <= now + MOST_MUTED:
            raise FormatError(
                "until", "That day cannot be taken.", "Take one from tomorrow on, within a year."
            )
    given.finish()
    row = checks_of(domain)
    lock(row)
    _require_line(row, line)
    mute, _ = CheckMute.objects.update_or_create(
        check_of=row, line=line, defaults={"reason": reason, "until": until, "muted_by": actor.account}
    )
    record(
        actor,
        "mute_check",
        line,
        f"The check {line} of {domain} is muted until {until:%Y-%m-%d}: {reason}",
        domain=domain,
        after={"reason": reason, "until": until.isoformat()},
    )
    return mute


@transaction.atomic
def unmute_check(*, actor: Actor, domain: Domain, line: str) -> None:
    """Hear of a line again."""
    access.require(actor, access.Verb.CHANGE, domain)
    row = checks_of(domain)
    lock(row)
    _require_line(row, line)
    if not row.mutes.filter(line=line).delete()[0]:
        raise Conflict("That line is not muted.")
    record(actor, "unmute_check", line, f"The check {line} of {domain} counts again.", domain=domain)


def _require_line(row: MailCheck, line: str) -> None:
    known = "\0" not in line and any(
        rows.filter(line=line).exists() for rows in (row.lines.all(), row.mutes.all())
    )
    if not known:
        raise Invalid.of("line", "There is no such line among the checks.", "Look at the page again.")


@transaction.atomic
def keep_dns_elsewhere(*, actor: Actor, domain: Domain, elsewhere: bool) -> None:
    """Say that the domain's DNS is not what Rookery keeps: then only what is seen is judged."""
    access.require(actor, access.Verb.CHANGE, domain)
    row = checks_of(domain)
    lock(row)
    if row.dns_elsewhere == elsewhere:
        return
    row.dns_elsewhere = elsewhere
    row.wanted, row.next_look_at = [], LONG_AGO
    row.save(update_fields=["dns_elsewhere", "wanted", "next_look_at"])
    where = "elsewhere" if elsewhere else "with Rookery"
    record(
        actor,
        "keep_dns_elsewhere",
        domain,
        f"The DNS of {domain} is {where}, for the checks.",
        domain=domain,
        before={"elsewhere": not elsewhere},
        after={"elsewhere": elsewhere},
    )
    outbox.hint_on_commit("check_mail", row.pk, "mail_checks")


@transaction.atomic
def record_findings(
    *, actor: Actor, check: MailCheck, findings: Sequence[Finding], only: Collection[str], at: datetime
) -> None:
    """Keep what a look found at `at`, by all checks or those of `only`; tell people what changed for good.

    Nothing is told before the second look at all checks, and never of a line that is muted. What somebody
    wants since the look began is still to be done.
    """
    if not actor.system:
        raise Forbidden("Only Rookery's workers check domains.")
    lock(check)
    first = check.looked_at is None
    changes = _keep_all(check, findings, only, at)
    if not first:
        CheckChange.objects.bulk_create(changes)
        _forget_changes(check)
    check.mutes.filter(until__lte=at).delete()
    if not only:
        check.looked_at = at
        _tell(check, first=first)
    if check.next_look_at != LONG_AGO:
        check.next_look_at = _next_look(check, at)
    check.claimed_until = LONG_AGO
    check.save(update_fields=["looked_at", "next_look_at", "claimed_until"])


def _next_look(check: MailCheck, at: datetime) -> datetime:
    """A day after the last look at all, spread over an hour; soon where a look has to be confirmed or old
    answers are forgotten."""
    usual = (check.looked_at or at) + EVERY + timedelta(seconds=check.pk % 3600)
    rows = list(check.lines.all())
    awaited = [row.until + timedelta(minutes=1) for row in rows if row.until is not None]
    if any(row.times < AGREED and _serious(row.level) != _serious(row.told) for row in rows):
        awaited.append(at + SOON)
    return max(at + SOON, min([usual, *awaited]))


def _keep_all(
    check: MailCheck, findings: Sequence[Finding], only: Collection[str], at: datetime
) -> list[CheckChange]:
    """Make the lines say what was found; returns what is different."""
    known = {row.line: row for row in check.lines.all()}
    found = list({each.line[:400]: each for each in findings}.items())[:MOST_LINES]
    changes: list[CheckChange] = []
    for line, finding in found:
        change = _keep(check, known.pop(line, None), line, finding, at)
        if change is not None:
            changes.append(change)
    gone = [row for row in known.values() if not only or row.check_name in only]
    CheckLine.objects.filter(pk__in=[row.pk for row in gone]).delete()
    text = "This line is no matter any more."
    return changes + [
        CheckChange(check_of=check, line=row.line, before=row.level, sentence=text, at=at) for row in gone
    ]


def _keep(
    check: MailCheck, row: CheckLine | None, line: str, finding: Finding, at: datetime
) -> CheckChange | None:
    before = row.level if row is not None else ""
    level = finding.level.value
    if row is None:
        row = CheckLine(check_of=check, line=line, since=at, told=Level.OK if check.looked_at else "")
    elif before == level:
        row.times += 1
    else:
        row.since, row.times = at, 1
    row.level, row.sentence, row.fix = level, finding.sentence, finding.fix
    row.seen, row.wanted = list(finding.seen), list(finding.wanted)
    row.who, row.until = finding.who.value, finding.until
    row.position, row.looked_at = _ORDER.get(finding.check, 0), at
    row.save()
    if before == level:
        return None
    return CheckChange(
        check_of=check, line=line, before=before, after=level, sentence=finding.sentence, at=at
    )


def _forget_changes(check: MailCheck) -> None:
    oldest = check.changes.order_by("-at", "-pk").values_list("pk", flat=True)[MOST_CHANGES:]
    CheckChange.objects.filter(pk__in=list(oldest)).delete()


def _serious(level: str) -> bool:
    return level in SERIOUS


def _tell(check: MailCheck, *, first: bool) -> None:
    """Mail what became serious, or is so no more, and was seen twice. A first look tells nobody: whoever made
    the domain has the page before them."""
    rows = list(check.lines.order_by("position", "line"))
    if first:
        for row in rows:
            row.told = row.level
        CheckLine.objects.bulk_update(rows, ["told"])
        return
    muted = set(check.mutes.values_list("line", flat=True))
    settled = [row for row in rows if row.times >= AGREED and row.level != Level.UNKNOWN]
    changed = [row for row in settled if _serious(row.level) != _serious(row.told)]
    told = [row for row in changed if row.line not in muted]
    for row in changed:
        row.told = row.level
    CheckLine.objects.bulk_update(changed, ["told"])
    if told:
        _mail(check.domain, told)


def _mail(domain: Domain, rows: list[CheckLine]) -> None:
    worse = [row for row in rows if _serious(row.level)]
    better = [row for row in rows if not _serious(row.level)]

    def line() -> str:
        if worse:
            return f"{domain}: {worse[0].sentence}"
        return _("%(domain)s: well again") % {"domain": domain}

    def mail(_account: Account) -> Letter:
        parts = [_("Hello,")]
        for title, chosen in ((_("Something is wrong now:"), worse), (_("This is well again:"), better)):
            if chosen:
                lines = [
                    f"- {row.sentence}{' ' + row.fix if row in worse else ''}" for row in chosen[:_MOST_TOLD]
                ]
                parts.append("\n".join([title, *lines]))
        page = f"{settings.BASE_URL}/d/{domain}/checks"
        parts.append(_("All checks of %(domain)s:\n%(page)s") % {"domain": domain, "page": page})
        return Letter(line()[:190], "\n\n".join(parts) + "\n")

    notify(CHECKS_TURNED, About(f"/d/{domain}/checks", thing=domain, domain=domain), line=line, mail=mail)


final("It looked; nothing was changed.", "recheck")
final("Say on the page of checks that the line counts again.", "mute_check")
final("Mute the line again on the page of checks.", "unmute_check")
final("Say on the page of checks where the DNS is.", "keep_dns_elsewhere")
final("It notes what was found; nothing was changed.", "record_findings")
