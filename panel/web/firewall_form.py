"""The form of a firewall rule; the action says what is wrong."""

from __future__ import annotations

from typing import Any

from django import forms

from panel.web.fields import Typed, plain_input
from tenants.models import FirewallRule

KINDS = (
    ("dnat", "Forward a port to a unikernel (DNAT)"),
    ("snat", "Give a source address (SNAT)"),
    ("masquerade", "Give the host's own source address (MASQUERADE)"),
    ("forward", "Let through the host, or not (FORWARD)"),
    ("input", "Let in to the host itself, or not (INPUT)"),
)
PROTOCOLS = (("", "any"), ("tcp", "tcp"), ("udp", "udp"), ("icmp", "icmp"), ("ipv6-icmp", "ipv6-icmp"))
VERDICTS = (("", "none: the kind says it"), ("accept", "accept"), ("drop", "drop"), ("reject", "reject"))


def _text(label: str, width: str, help_text: str = "") -> Typed:
    widget = plain_input(maxlength=width, autocomplete="off")
    return Typed(label=label, required=False, mark_optional=True, widget=widget, help_text=help_text)


def _number(label: str, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=most, help_text=help_text)


class FirewallRuleForm(forms.Form):
    """Empty means any."""

    kind = forms.ChoiceField(label="What it does", choices=KINDS)
    source = _text("From", "50", "An address or a subnet, e.g. 203.0.113.0/24 or 10.0.0.0/24.")
    destination = _text("To", "50", "For a forwarded port: the host's public address.")
    protocol = forms.ChoiceField(label="Protocol", choices=PROTOCOLS, required=False)
    port = _number("Port", 65535, "Where it arrives.")
    to_address = _text("New address", "50", "For DNAT the unikernel, for SNAT the source address.")
    to_port = _number("New port", 65535, "For DNAT; the same one when empty.")
    from_interface = _text("Comes in by", "15", "An interface or a bridge.")
    to_interface = _text("Goes out by", "15")
    verdict = forms.ChoiceField(
        label="Verdict", choices=VERDICTS, required=False, help_text="For FORWARD and INPUT."
    )
    note = _text("Note", "120", "Shown in iptables too: letters, digits and . _ : / @ -")
    position = _number("Place", 1000, "The first rule that fits counts. At the end when empty.")

    @classmethod
    def of(cls, rule: FirewallRule) -> FirewallRuleForm:
        fields = list(cls.base_fields)
        return cls(initial={name: getattr(rule, name) or None for name in fields})

    @property
    def given(self) -> dict[str, Any]:
        """As the action takes it."""
        found = dict(self.cleaned_data)
        return found | {"port": found["port"] or 0, "to_port": found["to_port"] or 0}
