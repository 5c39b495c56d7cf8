"""What a domain does with requests by itself."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import Number, Shape, Switch, Text, Texts
from panel.api.schema import operation
from tenants import access
from tenants.actions import request_rules as actions
from tenants.models import Domain, RequestRules


class RequestRulesSerializer(serializers.Serializer[RequestRules]):
    domain = serializers.CharField(source="domain.name")
    pattern = serializers.CharField(help_text="Of the name; * and ? stand for others. Empty: any name.")
    mail_domains = serializers.ListField(
        child=serializers.CharField(), help_text="Where targets may be; empty: anywhere."
    )
    most = serializers.IntegerField(help_text="How many addresses the rule gives.")
    most_each = serializers.IntegerField(help_text="How many of them to one target.")
    given = serializers.IntegerField(help_text="How many it has given.")
    decide_within_days = serializers.IntegerField(
        allow_null=True, help_text="After these an undecided request lapses; null: never."
    )


class NewRules(Shape):
    pattern = Text(required=False, max_length=400)
    mail_domains = Texts(required=False)
    most = Number(required=False, min_value=1, max_value=actions.MOST_ADDRESSES)
    most_each = Number(required=False, min_value=1, max_value=actions.MOST_EACH)
    decide_within_days = Number(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=actions.LONGEST_WAIT_DAYS,
        help_text="Null: it waits without end.",
    )
    count_anew = Switch(required=False, default=False, help_text="Begin to count `given` at nought.")

    example = {"pattern": "*.*", "mail_domains": ["school.example"], "most": 200, "most_each": 1}


class DomainRequestRules(ApiView):
    noun, tag = "request_rules", "Requests"
    reported = frozenset({"given"})

    def subject(self, domain: str) -> Subject:
        row = access.get(self.actor, Domain, name=domain)
        rules = actions.rules_of(row)
        return Subject([row if rules._state.adding else rules], lambda: self._show(actions.rules_of(row)))

    @operation("The rule by which a domain gives addresses itself", responses=RequestRulesSerializer)
    def retrieve(self, request: Request, domain: str) -> Response:
        row = access.get(self.actor, Domain, name=domain)
        return Response(self._show(actions.rules_of(row)))

    @operation(
        "Change that rule; it holds while the domain's `requests` are automatic",
        request=NewRules,
        responses=RequestRulesSerializer,
    )
    def partial_update(self, request: Request, domain: str) -> Response:
        given = self.body(NewRules)
        row = access.get(self.actor, Domain, name=domain)
        never = "decide_within_days" in given and given["decide_within_days"] is None
        return self.act(
            lambda: actions.change_request_rules(actor=self.actor, domain=row, never_lapse=never, **given),
            self._show,
        )

    @staticmethod
    def _show(rules: RequestRules) -> dict[str, Any]:
        return dict(RequestRulesSerializer(rules).data)
