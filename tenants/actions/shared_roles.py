"""Roles that other stacks of the same host use, too: resolver, primary, Let's Encrypt secondary."""

from __future__ import annotations

from tenants.errors import Conflict
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Stack


def require_unused(stack: Stack) -> None:
    """Raises Conflict while what runs in this stack serves another one that should run."""
    own = {part["address"]: part["role"] for part in stack.release.parts} if stack.release is not None else {}
    others = Stack.objects.filter(share__host=stack.share.host_id, wanted=Stack.Wanted.RUNNING)
    for other in others.exclude(pk=stack.pk).select_related("domain", "release").order_by("pk"):
        services = other.release.services.items() if other.release is not None else ()
        used = [ROLES[role].title for role, address in services if own.get(address) == role]
        if used:
            known = other.domain.organization_id == stack.domain.organization_id
            whose = str(other) if known else "a mail stack of another organization"
            raise Conflict(f"Its {' and '.join(used)} also serves {whose}. Give that one its own first.")
