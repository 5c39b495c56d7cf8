"""What a zone lacks for its domain's mail, and which of it must stay as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from tenants.actions.zone_imports import holding
from tenants.errors import Invalid
from tenants.formats.text import FormatError
from tenants.formats.zones.dkim_record import published_key
from tenants.formats.zones.mail_records import MailWish, Proposal, mail_proposals, read_wish
from tenants.formats.zones.names import Name
from tenants.models import Zone
from tenants.sandbox_note import sandbox_door


@dataclass(frozen=True)
class Proposed:
    """A record set as it should be. `held` says why it must stay as it is, or nothing."""

    proposal: Proposal
    held: str

    @property
    def key(self) -> tuple[str, str]:
        return self.proposal.owner, self.proposal.type


@dataclass(frozen=True)
class PredictedKey:
    """The record of a key that signs: the signer writes it, so it is never proposed as a change.

    `seen` says whether the zone has exactly this key there, another, or none: "equal", "other" or "".
    """

    owner: str
    text: str
    seen: str


@dataclass(frozen=True)
class MailPlan:
    """`dkim`: the names at which the zone has DKIM keys; `predicted` what signers will write there."""

    wish: MailWish
    proposed: tuple[Proposed, ...]
    dkim: tuple[str, ...]
    predicted: tuple[PredictedKey, ...] = ()


def usual_wish(zone: Zone) -> dict[str, str]:
    """What the form of a wish says first: the host and the addresses that the zone has for mail already."""
    rows = {(row.owner, row.type): row.data for row in zone.record_sets.filter(absent=False)}
    best = sorted(rows.get((zone.name, "MX"), ()), key=lambda text: int(text.partition(" ")[0] or 0))
    host = best[0].rpartition(" ")[2].removesuffix(".") if best else f"mail.{zone.name}"
    addresses = [*rows.get((host, "A"), ()), *rows.get((host, "AAAA"), ())] or _sandbox_door()
    return {
        "host": host,
        "addresses": " ".join(addresses),
        "reports": f"postmaster@{zone.name}",
        "issuer": "letsencrypt.org",
    }


def _sandbox_door() -> list[str]:
    """The address of the sandbox's mail server that any domain may name; none outside the sandbox."""
    return [door[0]] if settings.SANDBOX and (door := sandbox_door()) else []


def plan_mail(zone: Zone, **wish: Any) -> MailPlan:
    """Compare the zone with what somebody wishes (see `read_wish`). Raises Invalid."""
    try:
        wanted = read_wish(zone.name, **wish)
    except FormatError as error:
        raise Invalid.of(error.field, error.problem, error.fix) from error
    rows = {(row.owner, row.type): row for row in zone.record_sets.filter(absent=False)}
    held = holding(zone, rows)
    found = mail_proposals(wanted, {key: row.data for key, row in rows.items()})
    return MailPlan(
        wanted,
        tuple(Proposed(each, held((Name.of(each.owner), each.type))) for each in found),
        tuple(owner for owner, kind in rows if kind == "TXT" and "._domainkey." in f".{owner}"),
        tuple(_predicted(zone, {key: row.data for key, row in rows.items()})),
    )


def _predicted(zone: Zone, sets: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[PredictedKey]:
    """What signers write, of keys that workers have computed."""
    known = zone.domain.signing_keys.filter(retired_at=None).exclude(public_key="")
    for key in known.select_related("domain").order_by("selector"):
        there = [published_key(text.strip('"').encode()) for text in sets.get((key.owner, "TXT"), ())]
        seen = "" if not there else "equal" if there == [key.public_key] else "other"
        yield PredictedKey(key.owner, key.record, seen)
