"""The firewall of a host, for those who run it; operators change it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from panel.api.base import ApiView
from panel.api.etags import Subject
from panel.api.fields import HIGHEST_PORT, Choice, Number, Shape, Switch, Text
from panel.api.hosts import HostView
from panel.api.schema import operation
from tenants import access
from tenants.actions import firewalls as actions
from tenants.desired_firewall import rule_of
from tenants.errors import Absent
from tenants.formats.firewall.by_hand import KINDS
from tenants.models import Firewall, FirewallRule
from tenants.models.firewalls import FIELDS

_KINDS = [(kind, kind) for kind in KINDS]


class FirewallSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null before Rookery keeps rules there.")
    enabled = serializers.BooleanField(help_text="Whether Rookery keeps rules there.")
    isolates = serializers.BooleanField(help_text="Whether the host's networks are kept apart.")
    seen = serializers.DictField(help_text="What was read from the host last, with packets and bytes.")
    seen_at = serializers.DateTimeField(allow_null=True)
    target = serializers.IntegerField(allow_null=True, help_text="Its sync target.")


class FirewallRuleSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run.")
    position = serializers.IntegerField(help_text="From 1; the first that fits counts.")
    kind = serializers.ChoiceField(choices=_KINDS)
    source = serializers.CharField(help_text="Address or subnet. Empty, here and below: any.")  # type: ignore[assignment]
    destination = serializers.CharField()
    protocol = serializers.CharField()
    port = serializers.IntegerField(help_text="0: any.")
    to_address = serializers.CharField()
    to_port = serializers.IntegerField()
    from_interface = serializers.CharField()
    to_interface = serializers.CharField()
    verdict = serializers.CharField(help_text="accept, drop or reject, for forward and input.")
    note = serializers.CharField()
    line = serializers.CharField(help_text="As iptables-save prints it.")


class ChangedFirewall(Shape):
    isolates = Switch()

    example = {"isolates": True}


class GivenRule(Shape):
    kind = Choice(choices=_KINDS)
    source = Text(required=False, default="", max_length=100)  # type: ignore[assignment]
    destination = Text(required=False, default="", max_length=100)
    protocol = Text(required=False, default="", max_length=40)
    port = Number(required=False, default=0, min_value=0, max_value=HIGHEST_PORT)
    to_address = Text(required=False, default="", max_length=100)
    to_port = Number(required=False, default=0, min_value=0, max_value=HIGHEST_PORT)
    from_interface = Text(required=False, default="", max_length=100)
    to_interface = Text(required=False, default="", max_length=100)
    verdict = Text(required=False, default="", max_length=40)
    note = Text(required=False, default="", max_length=400)
    position = Number(
        required=False, min_value=1, help_text="Its place; the end, or where it is, when left out."
    )

    example = {
        "kind": "dnat",
        "destination": "192.0.2.1",
        "protocol": "tcp",
        "port": 25,
        "to_address": "10.0.0.9",
        "note": "mail of example.org",
    }


class FirewallView(HostView, ApiView):
    tag = "Firewalls"

    def _firewall(self, share_id: int) -> Firewall:
        host = self._host(share_id)
        row = Firewall.objects.select_related("host__organization", "sync_target").filter(host=host).first()
        if row is None:
            raise Absent
        access.require(self.actor, access.Verb.VIEW, row)
        return row

    def _host(self, share_id: int) -> Any:
        """For those who run it; guests do not see its firewall."""
        host = self._find(share_id).host
        access.require(self.actor, access.Verb.VIEW, host)
        return host

    def _rule(self, share_id: int, rule_id: int) -> FirewallRule:
        row = self._firewall(share_id).rules.filter(pk=rule_id).first()
        if row is None:
            raise Absent
        return row


class Firewalls(FirewallView):
    noun = "firewall"
    reported = frozenset({"seen", "seen_at"})

    def subject(self, share_id: int) -> Subject:
        row = self._firewall(share_id)
        return Subject([row.host, row], lambda: self._shown(self._firewall(share_id)))

    def _shown(self, row: Firewall, *, made: bool = False) -> dict[str, Any]:
        unreal = made and self.dry
        return {
            "id": None if unreal else row.pk,
            "enabled": row.enabled,
            "isolates": row.isolates,
            "seen": row.seen,
            "seen_at": row.seen_at.isoformat() if row.seen_at else None,
            "target": None if unreal else row.sync_target.pk,
        }

    @operation("How it stands, and what was read last", responses=FirewallSerializer)
    def retrieve(self, request: Request, share_id: int) -> Response:
        return Response(self._shown(self._firewall(share_id)))

    @operation("Keep its networks apart, or not", request=ChangedFirewall, responses=FirewallSerializer)
    def partial_update(self, request: Request, share_id: int) -> Response:
        given, row = self.body(ChangedFirewall), self._firewall(share_id)
        return self.act(lambda: actions.change_firewall(actor=self.actor, firewall=row, **given), self._shown)

    @operation("Take Rookery's rules off the host", responses=FirewallSerializer)
    def release_firewall(self, request: Request, share_id: int) -> Response:
        row = self._firewall(share_id)
        return self.act(lambda: actions.release_firewall(actor=self.actor, firewall=row), self._shown)

    @operation("Let Rookery keep rules there", responses=FirewallSerializer)
    def manage_firewall(self, request: Request, share_id: int) -> Response:
        host = self._host(share_id)
        return self.act(
            lambda: actions.manage_firewall(actor=self.actor, host=host),
            lambda row: self._shown(row, made=True),
            tagged=False,
        )


class FirewallRules(FirewallView):
    noun = "firewall_rule"

    @operation("Its rules by hand", responses=FirewallRuleSerializer)
    def list(self, request: Request, share_id: int) -> Response:
        rows = self._firewall(share_id).rules.all()
        return self.page(rows, lambda found: [self._line(each) for each in found])

    @operation("Add one", request=GivenRule, responses={201: FirewallRuleSerializer})
    def create(self, request: Request, share_id: int) -> Response:
        given, row = self.body(GivenRule), self._firewall(share_id)
        return self.act(
            lambda: actions.add_firewall_rule(actor=self.actor, firewall=row, **given),
            self._line,
            status=201,
        )

    @operation("Change what it says, and its place", request=GivenRule, responses=FirewallRuleSerializer)
    def update(self, request: Request, share_id: int, rule_id: int) -> Response:
        given, row = self.body(GivenRule), self._rule(share_id, rule_id)
        return self.act(lambda: actions.change_firewall_rule(actor=self.actor, rule=row, **given), self._line)

    @operation("Remove it", responses={200: FirewallRuleSerializer, 204: None})
    def destroy(self, request: Request, share_id: int, rule_id: int) -> Response:
        row = self._rule(share_id, rule_id)
        shown = self._line(row)
        return self.act(
            lambda: actions.remove_firewall_rule(actor=self.actor, rule=row), lambda _: shown, status=204
        )

    def _line(self, row: FirewallRule) -> dict[str, Any]:
        rule = rule_of(row)
        unreal = self.dry and self.action == "create"
        told = {name: getattr(row, name) for name in ("position", *FIELDS)}
        line = f"-A {rule.chain.label} {' '.join(rule.words(rule.family or 4))}"
        return {"id": None if unreal else row.pk, **told, "line": line}
