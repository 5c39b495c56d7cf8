"""“Will my mail work?”: the lines of a domain's checks, by topic, and the button that has one done again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from panel.web import sentences, times
from panel.web.domains import get_domain
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from tenants.access import Kind, Verb
from tenants.actions.mail_checks import SERIOUS, recheck
from tenants.errors import Invalid
from tenants.formats.mail_checks import CHECKS, TOPICS, Level
from tenants.models import CheckLine, CheckMute, Domain, MailCheck

_BADGES = {
    Level.OK: ("ok", "right"),
    Level.INFO: ("off", "good to know"),
    Level.RECOMMENDED: ("off", "recommended"),
    Level.WAITING: ("wait", "on its way"),
    Level.UNKNOWN: ("wait", "not known"),
    Level.WARN: ("todo", "could be better"),
    Level.FAIL: ("fail", "wrong"),
}
_MUTED = ("off", "muted")


def checks_context(request: HttpRequest, domain: Domain, now: datetime) -> dict[str, Any]:
    """The section of the checks page, as its template wants it."""
    check = MailCheck.objects.filter(domain=domain).first()
    lines = list(check.lines.order_by("position", "line")) if check else []
    mutes = {each.line: each for each in check.mutes.filter(until__gt=now)} if check else {}
    broken = sum(each.level in SERIOUS and each.line not in mutes for each in lines)
    return {
        "mail_topics": _topics(lines, mutes, now),
        "mail_broken": broken,
        "mail_sentence": _sentence(domain, check, lines, broken),
        "mail_looked_at": times.moment(check.looked_at if check else None, now),
        "may_check": shows(request, Verb.CREATE, Kind.RUN, domain.organization_id),
    }


def _sentence(domain: Domain, check: MailCheck | None, lines: list[CheckLine], broken: int) -> str:
    if check is None or not lines:
        return f"{domain} was not looked at yet. A worker does it within minutes, and then every night."
    if broken:
        return f"{sentences.amount(broken, 'thing', 'things')} to mend before all mail of {domain} works."
    unknown = sum(each.level == Level.UNKNOWN for each in lines)
    if unknown:
        lacking = sentences.amount(unknown, "line", "lines")
        return f"Nothing is known to be wrong, but {lacking} could not be checked."
    return f"Mail of {domain} works, as far as Rookery can see."


def _topics(lines: list[CheckLine], mutes: dict[str, CheckMute], now: datetime) -> list[dict[str, Any]]:
    checks = {check.id: check for check in CHECKS}
    by_topic: dict[str, list[dict[str, Any]]] = {topic: [] for topic in TOPICS}
    for number, line in enumerate(lines, start=1):
        check = checks.get(line.check_name)
        if check is not None:
            by_topic[check.topic].append(
                {
                    **_line(line, mutes.get(line.line), now),
                    "number": number,
                    "check": check.id,
                    "title": check.title,
                }
            )
    return [{"title": topic, "lines": found} for topic, found in by_topic.items() if found]


def _line(line: CheckLine, mute: CheckMute | None, now: datetime) -> dict[str, Any]:
    badge, word = _MUTED if mute is not None else _BADGES[Level(line.level)]
    return {
        "badge": badge,
        "word": word,
        "sentence": line.sentence,
        "seen": line.seen,
        "wanted": line.wanted,
        "who": line.who,
        "fix": line.fix,
        "mute": mute,
        "muted_until": times.moment(mute.until if mute else None, now),
        "since": times.moment(line.since, now),
    }


@page(methods=("POST",))
def domain_check_again(request: HttpRequest, domain: str) -> HttpResponse:
    """Have one check done again, or without one all of them."""
    row = get_domain(request, domain)
    check = request.POST.get("check", "")
    try:
        recheck(actor=actor_of(request), domain=row.domain, checks=[check] if check else [])
        tell(request, "A worker checks it now. Look at this page again in some seconds.")
    except Invalid as error:
        refuse(request, error)
    return redirect("domain-checks", domain=row.domain.name)
