"""Chains that another Rookery signed: those of a lost one are taken over, by a person's word."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tenants.desired_firewall import DesiredFirewall
from tenants.formats.firewall.helper import Report
from tenants.models import SyncTarget
from workers.outcome import NeedsPerson


def taken_from(target: SyncTarget, report: Report, desired: DesiredFirewall) -> Mapping[int, str]:
    """By family, the mark of another Rookery whose chains a person let this one take over.

    The mark counts that one's changes: if it writes again, it lives, and this is asked anew. Raises
    NeedsPerson while nobody agreed.
    """
    others = {
        family: f"{owner.installation} {owner.generation}"
        for family, seen in sorted(report.families.items())
        if (owner := seen.saved.owner) is not None
        and owner.installation != desired.wanted[family].owner.installation
    }
    marks = ", ".join(dict.fromkeys(others.values()))
    asked = hashlib.sha256(marks.encode()).hexdigest()
    if asked in target.agreed_to or set(others.values()) <= set(target.proof.get("taken_from", ())):
        return others
    raise NeedsPerson(
        "firewall-of-another",
        f"Another Rookery ({marks}) looks after this host's firewall.",
        "Let only one of them do it. If that one is lost, agree to take over its chains: they stay.",
        {"marks": marks},
        agree_to=asked,
    )
