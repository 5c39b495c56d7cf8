"""Who of a world may do what a row of tests.access.operations does, with all that it needs."""

from __future__ import annotations

from tenants.actor import Actor, Via
from tests.access.rows import Row
from tests.exchanges import shared_pair
from tests.world import World, make_address


def able(row: Row, world: World, alice: Actor, olga: Actor) -> tuple[Actor, str]:
    """The person and their column: the owner, else the operator, else who holds ada@example.org."""
    if row.name == "api:mailbox-target-accept":
        shared_pair(make_address(alice, world.domain, "mixed", password_hash=""))
    holder = Actor(account=world.holder, via=Via.WEB)
    people = {"owner": alice, "operator": olga, "holder": holder}
    return next((actor, name) for name, actor in people.items() if row.answer(name).startswith("2"))
