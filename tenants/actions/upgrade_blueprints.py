"""An upgrade of a mail stack before it begins: all of it, and what stands in its way. Nothing is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tenants import access
from tenants.actions.blueprints import image_choices
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid, Problem
from tenants.fit import room
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.phases import FIREWALL, GIT_ACCESS, RECORDS
from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.plan import Step
from tenants.formats.stacks.upgrade import NextRelease, next_release, upgrade_steps
from tenants.formats.stacks.wish import Wish
from tenants.formats.text import printable
from tenants.models import FirewallRule, Image, Release, Stack, StackPhase, Unikernel
from tenants.stack_wishes import placed_of, stacks_on, upgrade_of, wish_of


@dataclass(frozen=True)
class UpgradeBlueprint:
    """The next release, every step to it, what is worth knowing, and what has to be done before."""

    stack: Stack
    wish: Wish
    running: tuple[Placed, ...]
    following: NextRelease
    images: Mapping[str, Image]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    lacking: tuple[Problem, ...]

    @property
    def digest(self) -> str:
        """Identifies what was shown, so that exactly this is confirmed."""
        shown = [[step.kind.value, step.title, list(step.what), list(step.commands)] for step in self.steps]
        return hashlib.sha256(json.dumps([self.wish.release, shown]).encode()).hexdigest()


def preview_upgrade(*, actor: Actor, stack: Stack, images: Mapping[str, Image]) -> UpgradeBlueprint:
    """Return what would be done for a next release with other images for some roles. Raises Invalid with the
    role whose image cannot be, and Conflict while the stack is on its way to something else."""
    access.require(actor, access.Verb.CHANGE, stack)
    release = _require_upgradable(stack)
    running = placed_of(release)
    here = {each.role.name for each in running}
    checks = Checks()
    for role, image in images.items():
        if role not in here:
            known = ", ".join(each.role.name for each in running)
            checks.problems.append(
                Problem("images", f"No “{printable(role, 40)}” of this stack runs here.", f"Use {known}.")
            )
            continue
        access.require(actor, access.Verb.VIEW, image)
        if not image.is_for(stack.share.organization_id):
            said = f"The image {image} is not shared with {stack.share.organization}, or not any more."
            checks.problems.append(Problem(role, said, "Choose another, or ask its owner to share it."))
    chosen = image_choices({role: image for role, image in images.items() if role in here}, checks)
    checks.finish()
    before = wish_of(stack, release)
    wish = replace(
        before,
        images={**before.images, **chosen},
        release=_next_number(stack),
        taken=frozenset(stack.network.addresses.values_list("address", flat=True)),
    )
    digests = {part["role"]: part["image"] for part in release.parts}
    with checks:
        following = next_release(wish, running, digests, _pinned(stack, running))
    checks.finish()
    return UpgradeBlueprint(
        stack,
        wish,
        running,
        following,
        {role: image for role, image in images.items() if wish.images[role].digest != digests[role]},
        upgrade_steps(wish, running, following),
        tuple(_warnings(stack, running, following)),
        tuple(_about_host(stack, running, following)),
    )


def images_of(actor: Actor, release: Release) -> dict[str, Image]:
    """The images of an earlier release, by role. Raises Invalid for those that are not there any more."""
    checks, found = Checks(), dict[str, Image]()
    current = release.stack.release
    now = {part["role"]: part["image"] for part in current.parts} if current is not None else {}
    for part in release.parts:
        role = part["role"]
        if now.get(role) in {None, part["image"]}:
            continue
        image = find_image(release.stack, part["image"])
        if image is None or not access.may(actor, access.Verb.VIEW, image):
            said = f"The image of its {ROLES[role].title}, {part['image'][:12]}, is not here any more."
            checks.problems.append(Problem(role, said, "Upload it again."))
        else:
            found[role] = image
    checks.finish()
    return found


def find_image(stack: Stack, digest: str) -> Image | None:
    """An image that this stack's organization may start: its own, else one that is shared with it."""
    organization = stack.share.organization_id
    rows = sorted(Image.objects.filter(sha256=digest), key=lambda row: row.organization_id != organization)
    return next((row for row in rows if row.is_for(organization)), None)


def _next_number(stack: Stack) -> int:
    last = stack.releases.order_by("number").values_list("number", flat=True).last()
    return (last or 0) + 1


def _require_upgradable(stack: Stack) -> Release:
    release = stack.release
    if stack.wanted != Stack.Wanted.RUNNING or release is None:
        raise Conflict(f"{stack} is {stack.get_wanted_display()}. Only one that should run is upgraded.")
    if stack.firewall == Stack.Firewall.OTHERS:
        raise Conflict(
            f"Rules of others lead to {stack}, and Rookery could not lead the ports of mail to the next"
            " release. Let Rookery write its rules first, and take the others out."
        )
    upgrade = upgrade_of(stack)
    if upgrade is not None:
        began = f"{upgrade.began_at:%Y-%m-%d %H:%M} UTC"
        raise Conflict(
            f"{upgrade.after.made_by} began {upgrade} at {began}, and it is {upgrade.get_state_display()}."
            " Only one is done at a time: wait for its end, or roll it back."
        )
    states = dict(stack.phases.values_list("name", "state"))
    busy = StackPhase.State.DOING in states.values()
    ready = all(states.get(name) == StackPhase.State.PROVED for name in (GIT_ACCESS, RECORDS, FIREWALL))
    if busy or not ready:
        raise Conflict(f"{stack} is still on its way. Upgrade it when each phase was proved, or has failed.")
    return release


def _pinned(stack: Stack, running: tuple[Placed, ...]) -> frozenset[str]:
    """Roles whose address another stack of the host was told."""
    told = {
        address
        for other in stacks_on(stack.share.host)
        if other.pk != stack.pk and other.release is not None
        for address in other.release.services.values()
    }
    return frozenset(each.role.name for each in running if each.address in told)


def _warnings(stack: Stack, running: tuple[Placed, ...], following: NextRelease) -> Iterator[str]:
    for each in following.roles:
        if each.role.name in following.changed:
            yield from (f"{each.role.title}: {text}" for text in each.warnings)
    leaving = {each.address: each.role.title for each in running if each.role.name in following.beside}
    rows = FirewallRule.objects.filter(firewall__host=stack.share.host_id, to_address__in=leaving)
    for address in rows.order_by("to_address").values_list("to_address", flat=True).distinct():
        yield (
            f"A rule by hand in the host's firewall leads to the old {leaving[address]} at {address}."
            " It is not changed: ask those who run the host to change it."
        )


def _about_host(stack: Stack, running: tuple[Placed, ...], following: NextRelease) -> Iterator[Problem]:
    """Those beside need as much as the old ones until these are gone."""
    share, left = stack.share, room(stack.share)
    labels = {each.role.name: each.label for each in running}
    rows = Unikernel.objects.filter(share=share, name__in=labels.values(), deleted_at=None)
    there = {row.name: row for row in rows}
    for role in sorted(following.changed):
        if labels[role] not in there:
            said = f"The unikernel of the {ROLES[role].title} was deleted, and its secrets with it."
            yield Problem(role, said, "Remove the stack, and make it anew.")
    wanted = sum(there[labels[role]].memory for role in following.beside if labels[role] in there)
    if wanted > left.memory:
        yield Problem(
            "images",
            f"The new ones beside the old ones need {wanted} MB, and {left.memory} of {left.memory_quota} MB"
            " are free.",
            "Stop something there, or have the quota raised.",
        )
    elif left.host_memory_free is not None and wanted > left.host_memory_free:
        said = f"The new ones need {wanted} MB, and {share.host} itself has {left.host_memory_free} MB left."
        yield Problem("images", said, "Stop something there, or change fewer roles at a time.")
    if len(following.beside) > left.unikernels:
        yield Problem(
            "images",
            f"They are {len(following.beside)} unikernels more, and {left.unikernels} of"
            f" {left.unikernel_quota} are free.",
            "Delete some there, or have the quota raised.",
        )


def require_nothing_lacks(blueprint: UpgradeBlueprint, plan: str) -> None:
    """Raises Invalid with all that is lacking, and Conflict when the plan is another one by now."""
    if blueprint.lacking:
        raise Invalid(blueprint.lacking)
    if blueprint.digest != plan:
        raise Conflict("The plan is another one by now. Read it again, then confirm it.")
