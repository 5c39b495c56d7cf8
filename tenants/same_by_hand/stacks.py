"""A mail stack: all steps of its plan, as they were carried out."""

from __future__ import annotations

from tenants.formats.by_hand.shell import comment
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.plan import plan_placed
from tenants.formats.text import FormatError
from tenants.models import Stack
from tenants.stack_wishes import placed_of, wish_of


def stack_by_hand(stack: Stack) -> str:
    if stack.release is None:
        return ""
    roles, wish = placed_of(stack.release), wish_of(stack)
    addresses = {name: each.address for name, each in wish.shared.items()}
    addresses |= {each.role.name: each.address for each in roles}
    if set(addresses) != set(ROLES):
        return ""
    try:
        steps = plan_placed(wish, addresses, roles).steps
    except FormatError as error:
        return comment(str(error))
    return "\n\n".join("\n".join([comment(step.title), *step.commands]) for step in steps if step.commands)
