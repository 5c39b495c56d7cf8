"""What Rookery keeps in the firewall of a host: rules by hand, and whether networks are kept apart."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.formats.firewall.by_hand import KINDS, VERDICTS, RuleByHand
from tenants.models.checks import one_of


class Firewall(models.Model):
    """Rookery's chains in one host's iptables. Once it is switched off, they are taken away there; the rules
    stay here."""

    host = models.OneToOneField("tenants.Host", on_delete=models.CASCADE, related_name="firewall")
    enabled = models.BooleanField(default=True)
    isolates = models.BooleanField(
        default=False, help_text="Whether the host's networks are kept apart from each other and the host."
    )
    seen = models.JSONField(default=dict, help_text="What a worker read last, with counters.")
    seen_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"the firewall of {self.host}"


class FirewallRule(models.Model):
    """A rule that an operator wrote; see tenants.formats.firewall.by_hand. Empty means any."""

    firewall = models.ForeignKey(Firewall, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(help_text="From 1; the first that fits counts.")
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in KINDS])
    source = models.CharField(max_length=50, blank=True)
    destination = models.CharField(max_length=50, blank=True)
    protocol = models.CharField(max_length=10, blank=True)
    port = models.PositiveIntegerField(default=0)
    to_address = models.CharField(max_length=50, blank=True)
    to_port = models.PositiveIntegerField(default=0)
    from_interface = models.CharField(max_length=15, blank=True)
    to_interface = models.CharField(max_length=15, blank=True)
    verdict = models.CharField(
        max_length=10, blank=True, choices=[(verdict, verdict) for verdict in ("", *VERDICTS)]
    )
    note = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            one_of("firewall_rule", "kind", "dnat", "snat", "masquerade", "forward", "input"),
            one_of("firewall_rule", "verdict", "", "accept", "drop", "reject"),
            models.CheckConstraint(
                condition=Q(port__range=(0, 65535)) & Q(to_port__range=(0, 65535)),
                name="firewall_rule_has_possible_ports",
            ),
        ]

    def __str__(self) -> str:
        return self.note or f"rule {self.position}"

    @property
    def as_given(self) -> RuleByHand:
        return RuleByHand(**{name: getattr(self, name) for name in FIELDS})


FIELDS = tuple(RuleByHand.__dataclass_fields__)
