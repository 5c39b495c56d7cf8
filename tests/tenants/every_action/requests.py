"""Requests for addresses, and invitations."""

from __future__ import annotations

from tenants.actions import (
    invitations,
    request_rules,
    requests,
)
from tests.tenants.every_action.world import Rows

ROWS: Rows = {
    "approve_request": ("OMP", lambda a, w: requests.approve_request(actor=a, request=w.request)),
    "refuse_request": ("OMP", lambda a, w: requests.refuse_request(actor=a, request=w.request, reason="No.")),
    "change_request_rules": (
        "OP",
        lambda a, w: request_rules.change_request_rules(actor=a, domain=w.domain, pattern="*.*"),
    ),
    "make_invitation": ("OMP", lambda a, w: invitations.make_invitation(actor=a, domain=w.domain)),
    "withdraw_invitation": (
        "OMP",
        lambda a, w: invitations.withdraw_invitation(actor=a, invitation=w.invitation),
    ),
}
