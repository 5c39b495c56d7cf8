"""What reads a relay repository, restarted by a person: what is known of it, and else what to put in."""

from __future__ import annotations

from itertools import pairwise

from tenants.formats.by_hand.albatross import NEWEST, about
from tenants.formats.by_hand.shell import comment
from tenants.formats.restarts import RELAY, SUBMISSION
from tenants.models import Repository, Unikernel
from tenants.same_by_hand.hosts import restarts_by_hand

ROLES = (SUBMISSION, RELAY)
"""In the order in which they restart."""
_MOST = 200


def readers_by_hand(repository: Repository) -> tuple[list[str], list[str]]:
    """Names of what must restart, in order, and the lines for it; a role that is not known is a variable."""
    known = known_readers(repository)
    names = [row.full_name for role in ROLES for row in known[role]] or list(ROLES)
    lines: list[str] = []
    for role in ROLES:
        if known[role]:
            lines += (each for each in restarts_by_hand(known[role]) if each not in lines)
        else:
            lines += _unknown(role, first=not lines)
    return names, lines


def _unknown(role: str, *, first: bool) -> list[str]:
    variable = role.upper()
    return [
        *(about(NEWEST) if first else []),
        comment(f"{variable}: the name of its {role} unikernel, path:label or :label, as"),
        comment("albatross-client info shows it. Before albatross 2.6: create it again with --force."),
        f'albatross-client restart "${{{variable}:?}}"',
    ]


def known_readers(repository: Repository) -> dict[str, list[Unikernel]]:
    """By role, what runs for the repository's domain: of its stack, else what says so in its arguments."""
    rows = Unikernel.objects.filter(
        share__organization=repository.organization_id, deleted_at=None
    ).select_related("share__host", "image")
    domain = repository.domain
    stack = getattr(domain, "stack", None)
    if stack is not None and stack.release is not None:
        labels = stack.release.labels
        of_stack = {row.name: row for row in rows.filter(share=stack.share_id, name__in=labels.values())}
        found = {role: [of_stack[label]] for role, label in labels.items() if label in of_stack}
        if any(role in found for role in ROLES):
            return {role: found.get(role, []) for role in ROLES}
    named = rows.filter(image__role__in=ROLES).order_by("pk")[:_MOST]
    return {
        role: [row for row in named if row.image.role == role and _serves(row, str(domain))] for role in ROLES
    }


def _serves(row: Unikernel, domain: str) -> bool:
    words = [str(each) for each in row.arguments]
    after = pairwise(words)
    return f"--domain={domain}" in words or ("--domain", domain) in after
