"""Mail stacks, their adoption and upgrades."""

from __future__ import annotations

from typing import Any

from tenants.actions import (
    canaries,
    letters,
    stack_adoption,
    stacks,
    surveys,
    upgrades,
)
from tenants.actions.adoption_blueprints import preview_adoption
from tenants.actions.blueprints import Choices, preview_stack
from tenants.actions.upgrade_blueprints import preview_upgrade
from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tests.tenants.every_action.world import Rows, World


def choices(world: World) -> Choices:
    """Those of a stack that can be made."""
    images = dict.fromkeys(ROLES, world.image)
    return Choices(world.share, world.network, world.public, images, services={})


def plan_digest(world: World) -> str:
    return preview_stack(actor=Actor.rookery(), domain=world.ready, choices=choices(world)).digest


def as_it_runs(world: World) -> dict[str, Any]:
    """A relay was found; services fill the other roles."""
    others = [role for role in ROLES if role != "relay"]
    services = {role: f"10.0.0.{number}" for number, role in enumerate(others, start=50)}
    return {"public": world.public, "services": services}


def adoption_digest(world: World) -> str:
    return preview_adoption(actor=Actor.rookery(), domain=world.ready, **as_it_runs(world)).digest


def another_relay(world: World) -> dict[str, Any]:
    images = {"relay": world.image}
    plan = preview_upgrade(actor=Actor.rookery(), stack=world.upgradable, images=images).digest
    return {"stack": world.upgradable, "images": images, "plan": plan}


def earlier_release(world: World) -> dict[str, Any]:
    release = world.upgradable.releases.get(number=2)
    return {
        "release": release,
        "plan": upgrades.preview_return(actor=Actor.rookery(), release=release).digest,
    }


ROWS: Rows = {
    "preview_stack": ("OP", lambda a, w: preview_stack(actor=a, domain=w.ready, choices=choices(w))),
    "make_stack": (
        "OP",
        lambda a, w: stacks.make_stack(actor=a, domain=w.ready, choices=choices(w), plan=plan_digest(w)),
    ),
    "look_at_installation": (
        "OP",
        lambda a, w: surveys.look_at_installation(actor=a, domain=w.domain, share=w.share),
    ),
    "preview_adoption": ("OP", lambda a, w: preview_adoption(actor=a, domain=w.ready, **as_it_runs(w))),
    "adopt_stack": (
        "OP",
        lambda a, w: stack_adoption.adopt_stack(
            actor=a, domain=w.ready, plan=adoption_digest(w), **as_it_runs(w)
        ),
    ),
    "take_over_rules": ("OP", lambda a, w: stack_adoption.take_over_rules(actor=a, stack=w.stack)),
    "retry_phase": ("OP", lambda a, w: stacks.retry_phase(actor=a, stack=w.stack, phase="git")),
    "cancel_stack": ("OP", lambda a, w: stacks.cancel_stack(actor=a, stack=w.stack)),
    "resume_stack": ("OP", lambda a, w: stacks.resume_stack(actor=a, stack=w.halted)),
    "remove_stack": ("OP", lambda a, w: stacks.remove_stack(actor=a, stack=w.stack, name="example.org")),
    "decide_open_relay": (
        "OP",
        lambda a, w: stacks.decide_open_relay(actor=a, stack=w.stack, open_relay=True, reason="a test"),
    ),
    "make_canary": ("OP", lambda a, w: canaries.make_canary(actor=a, stack=w.stack)),
    "follow_letter": ("OP", lambda a, w: letters.follow_letter(actor=a, stack=w.upgradable, way="in")),
    "preview_upgrade": (
        "OP",
        lambda a, w: preview_upgrade(actor=a, stack=w.upgradable, images={"relay": w.image}),
    ),
    "upgrade_stack": ("OP", lambda a, w: upgrades.upgrade_stack(actor=a, **another_relay(w))),
    "preview_return": (
        "OP",
        lambda a, w: upgrades.preview_return(actor=a, release=w.upgradable.releases.get(number=2)),
    ),
    "make_current": ("OP", lambda a, w: upgrades.make_current(actor=a, **earlier_release(w))),
    "roll_back": ("OP", lambda a, w: upgrades.roll_back(actor=a, stack=w.upgrading)),
}
