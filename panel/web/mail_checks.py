"""“Will my mail work?”: the lines of a domain's checks, by topic, one with its history, and the buttons."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from panel.web import sentences, times
from panel.web.check_topics import CALM, Shown, Topic, group
from panel.web.crumbs import below_domain
from panel.web.domains import domain_context, get_domain
from panel.web.fields import Tried, Typed, show, try_form
from panel.web.frame import shows
from panel.web.handling import actor_of, page, refuse, tell
from tenants import access
from tenants.access import Kind, Verb
from tenants.actions import mail_checks as actions
from tenants.actions.mail_checks import SERIOUS, lines_of
from tenants.errors import Absent, Conflict, Invalid
from tenants.formats.mail_checks import CHECKS, TOPICS, Level, Who
from tenants.models import CheckChange, CheckLine, CheckMute, Domain, MailCheck

# A page that follows a look asks so often, some seconds apart; a look lasts a minute at most.
LOOKS = 40
SHOWN_CHANGES = 50
_CHECKS = {check.id: check for check in CHECKS}
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


class MuteForm(forms.Form):
    reason = Typed(
        label="Why it may stay as it is",
        widget=forms.TextInput({"maxlength": "200"}),
        help_text="For those who wonder later.",
    )
    days = forms.ChoiceField(
        label="For how long",
        choices=[("7", "A week"), ("30", "A month"), ("90", "Three months"), ("365", "A year")],
        initial="30",
    )


def checks_context(request: HttpRequest, domain: Domain, now: datetime) -> dict[str, Any]:
    """The section of the checks page, as its template wants it."""
    found = MailCheck.objects.filter(domain=domain).first()
    check = found or MailCheck(domain=domain)
    lines, mutes = lines_of(check, now)
    broken = sum(each.level in SERIOUS and each.line not in mutes for each in lines)
    awaited = found is not None and found.is_awaited(now)
    url = reverse("domain-checks", kwargs={"domain": domain.name})
    return {
        "mail_topics": _topics(domain, lines, mutes, now),
        "mail_broken": broken,
        "mail_sentence": _sentence(domain, lines, broken),
        "mail_looked_at": times.moment(check.looked_at, now),
        "mail_awaited": awaited,
        "mail_follow_url": follow_url(request, found, url, now),
        "dns_elsewhere": check.dns_elsewhere,
        "may_check": shows(request, Verb.CREATE, Kind.RUN, domain.organization_id),
    }


def follow_url(request: HttpRequest, check: MailCheck | None, url: str, now: datetime) -> str:
    """Where a page that shows checks asks again, some seconds later; "" when there is nothing to wait for."""
    looks = request.GET.get("look", "0")
    look = int(looks) if looks.isascii() and looks.isdigit() and len(looks) < 4 else LOOKS
    awaited = check is not None and check.is_awaited(now)
    return f"{url}?look={look + 1}" if awaited and look < LOOKS else ""


def _sentence(domain: Domain, lines: list[CheckLine], broken: int) -> str:
    if not lines:
        return "A worker looks within minutes, and then every night."
    if broken:
        return f"{sentences.amount(broken, 'thing', 'things')} to mend before all mail of {domain} works."
    unknown = sum(each.level == Level.UNKNOWN for each in lines)
    if unknown:
        lacking = sentences.amount(unknown, "line", "lines")
        return f"Nothing is known to be wrong, but {lacking} could not be checked."
    return f"Mail of {domain} works, as far as Rookery can see."


def _topics(
    domain: Domain, lines: list[CheckLine], mutes: dict[str, CheckMute], now: datetime
) -> list[Topic]:
    shown = []
    for number, line in enumerate(lines, start=1):
        check, mute = _CHECKS.get(line.check_name), mutes.get(line.line)
        if check is not None:
            context = {**_line(domain, line, mute, now), "number": number}
            shown.append(Shown(check.topic, Level(line.level), mute is not None, context))
    return group(TOPICS, shown)


def check_lines(domain: Domain, check: str, now: datetime) -> list[dict[str, Any]]:
    """The lines of one check, for another page than that of all."""
    row = MailCheck.objects.filter(domain=domain).first()
    lines, mutes = lines_of(row, now) if row is not None else ([], {})
    chosen = [line for line in lines if line.check_name == check]
    return [
        {**_line(domain, line, mutes.get(line.line), now), "number": number}
        for number, line in enumerate(chosen, start=1)
    ]


def _line(domain: Domain, line: CheckLine, mute: CheckMute | None, now: datetime) -> dict[str, Any]:
    badge, word = _MUTED if mute is not None else _BADGES[Level(line.level)]
    check = _CHECKS.get(line.check_name)
    if mute is None and line.until is not None:
        word = f"on its way until {times.clock(line.until, now)}"
    return {
        "check": line.check_name,
        "title": check.title if check is not None else line.check_name,
        "subject": line.line.partition(":")[2],
        "badge": badge,
        "word": word,
        "sentence": line.sentence,
        "seen": line.seen,
        "wanted": line.wanted,
        "who": line.who,
        "at_registrar": line.who == Who.REGISTRAR,
        "fix": line.fix,
        "is_calm": mute is not None or Level(line.level) in CALM,
        "mute": mute,
        "muted_until": times.moment(mute.until if mute else None, now),
        "since": times.moment(line.since, now),
        "looked_at": times.moment(line.looked_at, now),
        "url": _line_url(domain, line.line),
    }


def _line_url(domain: Domain, line: str) -> str:
    return f"{reverse('domain-check-line', kwargs={'domain': domain.name})}?{urlencode({'line': line})}"


@page(methods=("GET", "HEAD", "POST"))
def domain_check_line(request: HttpRequest, domain: str) -> HttpResponse:
    """One line: what it says, how it changed, and muting it."""
    row = get_domain(request, domain)
    thing, now = row.domain, timezone.now()
    access.require(actor_of(request), Verb.VIEW, thing)
    line = _find_line(thing, request.GET.get("line", ""))
    form = MuteForm(request.POST if request.method == "POST" else None)
    tried: Tried[Any] | None = None
    if request.method == "POST":
        access.require(actor_of(request), Verb.CHANGE, thing)

        def act() -> CheckMute:
            until = now + timedelta(days=int(form.cleaned_data["days"]))
            reason = form.cleaned_data["reason"]
            return actions.mute_check(
                actor=actor_of(request), domain=thing, line=line.line, reason=reason, until=until
            )

        tried = try_form(form, act)
        if tried.ok:
            tell(request, "It counts no more, and nobody is told of it, until the mute ends.")
            return redirect(_line_url(thing, line.line))
    mute = line.check_of.mutes.filter(line=line.line, until__gt=now).first()
    changes = line.check_of.changes.filter(line=line.line).order_by("-at", "-pk")[:SHOWN_CHANGES]
    context = {
        **domain_context(request, row, "domain-checks"),
        "each": {**_line(thing, line, mute, now), "number": 1},
        "line": line.line,
        "changes": [_change(change, now) for change in changes],
        "form": form,
        "may_check": shows(request, Verb.CREATE, Kind.RUN, thing.organization_id),
        "crumbs": below_domain(
            thing.name,
            _CHECKS[line.check_name].title if line.check_name in _CHECKS else line.check_name,
            ("Checks", "domain-checks"),
        ),
    }
    return show(request, "panel/domain/check_line.html", context, tried)


def _find_line(domain: Domain, name: str) -> CheckLine:
    if not name or "\0" in name or len(name) > 400:
        raise Absent
    found = CheckLine.objects.select_related("check_of").filter(check_of__domain=domain, line=name).first()
    if found is None:
        raise Absent
    return found


def _change(change: CheckChange, now: datetime) -> dict[str, Any]:
    badge, word = _BADGES[Level(change.after)] if change.after else ("off", "gone")
    before = _BADGES[Level(change.before)][1] if change.before else "not there"
    return {
        "badge": badge,
        "word": word,
        "before": before,
        "sentence": change.sentence,
        "at": times.moment(change.at, now),
    }


@page(methods=("POST",))
def domain_check_again(request: HttpRequest, domain: str) -> HttpResponse:
    """Have some checks done again, or without any named all of them."""
    row = get_domain(request, domain)
    checks = [each for each in request.POST.getlist("check")[: len(CHECKS)] if each]
    try:
        actions.recheck(actor=actor_of(request), domain=row.domain, checks=checks)
        tell(request, "A worker checks it now.")
    except Invalid as error:
        refuse(request, error)
    backs = {"registrar": "domain-registrar", "dns": "zone", "open-relay": "open-relay"}
    back = backs.get(request.POST.get("back", ""), "domain-checks")
    return redirect(back, domain=row.domain.name)


@page(methods=("POST",))
def domain_check_unmute(request: HttpRequest, domain: str) -> HttpResponse:
    row = get_domain(request, domain)
    line = request.POST.get("line", "")
    try:
        actions.unmute_check(actor=actor_of(request), domain=row.domain, line=line)
        tell(request, "The line counts again.")
    except (Conflict, Invalid) as error:
        refuse(request, error)
    return redirect("domain-checks", domain=row.domain.name)


@page(methods=("POST",))
def domain_check_elsewhere(request: HttpRequest, domain: str) -> HttpResponse:
    """`on`: the DNS is not what Rookery keeps."""
    row = get_domain(request, domain)
    elsewhere = request.POST.get("on") == "1"
    actions.keep_dns_elsewhere(actor=actor_of(request), domain=row.domain, elsewhere=elsewhere)
    tell(request, "A worker checks all of it now, as you said.")
    return redirect("domain-checks", domain=row.domain.name)
