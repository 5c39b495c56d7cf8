"""“Will my mail work?”: the lines of a domain's checks, having them done again, and what is muted."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Choice, Moment, PageQuery, Shape, Switch, Text
from panel.api.schema import operation
from panel.api.waiting import OBSERVED_HEADER, wait_until
from tenants import access
from tenants.actions import mail_checks
from tenants.formats.mail_checks import CHECKS, Level
from tenants.models import CheckChange, CheckLine, Domain, MailCheck

LEVELS = [level.value for level in Level]
CHECK_IDS = [check.id for check in CHECKS]
ALL = "all"


class CheckLineSerializer(serializers.Serializer[CheckLine]):
    line = serializers.CharField(help_text="Names it from one look to the next.")
    check_id = serializers.ChoiceField(
        source="check_name", choices=CHECK_IDS, help_text="What to have checked again."
    )
    level = serializers.ChoiceField(choices=LEVELS, help_text="The worst is fail.")
    sentence = serializers.CharField()
    seen = serializers.ListField(child=serializers.CharField(), help_text="What is there.")
    wanted = serializers.ListField(child=serializers.CharField(), help_text="What should be there.")
    who = serializers.CharField(help_text="Who can fix it.")
    fix = serializers.CharField(help_text="How.")
    until = serializers.DateTimeField(
        allow_null=True, help_text="With waiting: when the last old answer is forgotten."
    )
    since = serializers.DateTimeField(help_text="Since when it is at this level.")
    looked_at = serializers.DateTimeField()


class CheckMuteSerializer(serializers.Serializer[Any]):
    line = serializers.CharField()
    reason = serializers.CharField()
    until = serializers.DateTimeField()


class MailChecksSerializer(serializers.Serializer[Any]):
    dns_elsewhere = serializers.BooleanField(help_text="The DNS is not what Rookery keeps.")
    mutes = CheckMuteSerializer(many=True)
    level = serializers.ChoiceField(choices=LEVELS, help_text="The worst of all lines that are not muted.")
    looked_at = serializers.DateTimeField(allow_null=True, help_text="When all checks were done last.")
    next_look_at = serializers.DateTimeField(allow_null=True, help_text="Null: soon.")
    under_way = serializers.BooleanField(help_text="A look is wanted or going on.")
    lines = CheckLineSerializer(many=True)


class CheckChangeSerializer(serializers.Serializer[CheckChange]):
    line = serializers.CharField()
    before = serializers.ChoiceField(choices=LEVELS, allow_blank=True, help_text="Empty: it was not there.")
    after = serializers.ChoiceField(choices=LEVELS, allow_blank=True, help_text="Empty: it is gone.")
    sentence = serializers.CharField()
    at = serializers.DateTimeField()


class ChangeQuery(PageQuery):
    line = Text(required=False, max_length=400, help_text="Only of this line.")


class Again(Shape):
    check = Choice(choices=[ALL, *CHECK_IDS], help_text="One of them, or all.")

    example = {"check": "mx"}


class Muting(Shape):
    line = Text(max_length=400)
    reason = Text(max_length=1_000, help_text="For those who wonder later.")
    until = Moment(help_text="Within a year.")

    example = {"line": "mx", "reason": "We move next week.", "until": "2027-01-31T00:00:00Z"}


class Unmuting(Shape):
    line = Text(max_length=400)

    example = {"line": "mx"}


class Elsewhere(Shape):
    elsewhere = Switch()

    example = {"elsewhere": True}


class MailChecks(ApiView):
    noun, plural, tag = "mail_check", "mail_checks", "Checks of mail"
    reported = frozenset({"level", "looked_at", "next_look_at", "under_way", "lines"})
    orders = {"-id": ("-pk",), "id": ("pk",)}
    queries = {"list": ChangeQuery}

    def subject(self, domain: str) -> Subject:
        thing = access.get(self.actor, Domain, name=domain)
        return Subject([thing], lambda: _shown(thing))

    @operation("Whether the mail of a domain works, line by line", responses=MailChecksSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        return Response(_shown(access.get(self.actor, Domain, name=domain)))

    @operation("What became better or worse, the newest first", responses=CheckChangeSerializer)
    def list(self, request: Request, domain: str) -> Response:
        rows = CheckChange.objects.filter(check_of__domain=access.get(self.actor, Domain, name=domain))
        if "line" in self.given:
            rows = rows.filter(line=self.given["line"])
        return self.page(rows, lambda found: [dict(CheckChangeSerializer(each).data) for each in found])

    @operation(
        "Have checks done again now; with `wait`, until they are",
        request=Again,
        responses={202: MailChecksSerializer},
    )
    def check_again(self, request: Request, domain: str) -> Response:
        check = self.body(Again)["check"]
        checks = [] if check == ALL else [check]
        thing = access.get(self.actor, Domain, name=domain)
        answer = self.act(
            lambda: mail_checks.recheck(actor=self.actor, domain=thing, checks=checks),
            lambda _: _shown(thing),
            status=202,
        )
        seconds = self.given.get("wait")
        if seconds is None or self.dry or self.in_bulk:
            return answer

        def is_over() -> bool:
            row = MailCheck.objects.filter(domain=thing).first()
            return row is None or not row.is_awaited(timezone.now())

        answer[OBSERVED_HEADER] = "true" if wait_until(is_over, seconds) else "false"
        answer.data = _shown(thing)
        return answer

    @operation("Hear no more of one line for a while", request=Muting, responses=MailChecksSerializer)
    def mute(self, request: Request, domain: str) -> Response:
        given = self.body(Muting)
        thing = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: mail_checks.mute_check(actor=self.actor, domain=thing, **given), lambda _: _shown(thing)
        )

    @operation("Hear of a line again", request=Unmuting, responses=MailChecksSerializer)
    def unmute(self, request: Request, domain: str) -> Response:
        given = self.body(Unmuting)
        thing = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: mail_checks.unmute_check(actor=self.actor, domain=thing, **given), lambda _: _shown(thing)
        )

    @operation(
        "Say whether the DNS of the domain is elsewhere", request=Elsewhere, responses=MailChecksSerializer
    )
    def keep_elsewhere(self, request: Request, domain: str) -> Response:
        given = self.body(Elsewhere)
        thing = access.get(self.actor, Domain, name=domain)
        return self.act(
            lambda: mail_checks.keep_dns_elsewhere(actor=self.actor, domain=thing, **given),
            lambda _: _shown(thing),
        )


def _shown(domain: Domain) -> dict[str, Any]:
    """The checks of a domain; before their first look too, when there is no row."""
    now = timezone.now()
    check = MailCheck.objects.filter(domain=domain).first() or MailCheck(domain=domain)
    lines, mutes = mail_checks.lines_of(check, now)
    told = {
        "dns_elsewhere": check.dns_elsewhere,
        "mutes": list(mutes.values()),
        "level": mail_checks.level_of(lines, mutes),
        "looked_at": check.looked_at,
        "next_look_at": check.next_look_at if check.next_look_at > now else None,
        "under_way": check.is_awaited(now),
        "lines": lines,
    }
    return dict(MailChecksSerializer(told).data)
