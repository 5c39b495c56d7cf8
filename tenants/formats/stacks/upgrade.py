"""The next release of a stack: what is made beside what runs, what is replaced in place, what stays.

Of what runs, a role changes when it gets another image, or when what it is told changes: mostly the address
of a role that changes before it. A role that changes is made beside the old one, at a new address. In place,
at its own address and with an outage, are replaced those of which there must not be two (they would write
over each other), and those whose address others were told who are no part of this stack.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from tenants.formats.by_hand import destroy_line
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Intent
from tenants.formats.firewall.rules import Chain
from tenants.formats.networks import next_free
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.needs import firewall_needs, side_by_side
from tenants.formats.stacks.placing import Placed, placed_roles
from tenants.formats.stacks.plan import Step, StepKind, firewall_step, unikernel_step
from tenants.formats.stacks.upgrade_phases import DRAIN_MOST, WATCH_SECONDS
from tenants.formats.stacks.wish import Wish, check_image
from tenants.formats.text import FormatError

IN_PLACE = frozenset(name for name, role in ROLES.items() if role.single_writer)


@dataclass(frozen=True)
class NextRelease:
    """All roles of the next release, in the order in which they start, and which of them change how."""

    roles: tuple[Placed, ...]
    beside: frozenset[str]
    in_place: frozenset[str]

    @property
    def changed(self) -> frozenset[str]:
        return self.beside | self.in_place


def next_release(
    wish: Wish, running: Iterable[Placed], images: Mapping[str, str], pinned: Collection[str] = ()
) -> NextRelease:
    """Return what follows on the `running` roles, which have these `images` (SHA-256 by role).

    `wish` is that of the next release; its `taken` addresses are given to nobody. The addresses of `pinned`
    roles were told to others. Raises FormatError with the role, or `images` when nothing would change.
    """
    standing = {each.role.name: each for each in running}
    fixed = IN_PLACE | frozenset(pinned)
    addresses = {name: service.address for name, service in wish.shared.items()}
    addresses |= {name: each.address for name, each in standing.items()}
    changed = {name for name in standing if wish.images[name].digest != images[name]}
    for name in changed:
        check_image(name, wish.images[name])
    taken, moved = set(wish.taken) | set(addresses.values()), set[str]()
    while True:
        for name in (each for each in ROLES if each in changed - fixed - moved):
            addresses[name] = _free(wish, name, taken)
            taken.add(addresses[name])
            moved.add(name)
        placed = placed_roles(wish, addresses)
        told_otherwise = {
            each.role.name for each in placed if each.arguments != standing[each.role.name].arguments
        }
        if told_otherwise <= changed:
            break
        changed |= told_otherwise
    if not changed:
        raise FormatError(
            "images", "Every role has this image already.", "Choose another image for at least one of them."
        )
    roles = (each if each.role.name in moved else _kept(each, standing) for each in placed)
    return NextRelease(tuple(roles), frozenset(moved), frozenset(changed - moved))


def _kept(each: Placed, standing: Mapping[str, Placed]) -> Placed:
    return replace(each, label=standing[each.role.name].label)


def _free(wish: Wish, name: str, taken: Collection[str]) -> str:
    free = next_free(wish.network, taken)
    if free is None:
        raise FormatError(
            "network",
            f"{wish.network['subnet']} has no free address for another {ROLES[name].title}.",
            "Widen the pool, or remove what is not needed.",
        )
    return free


# The plan of it ---------------------------------------------------------------------------------------


def upgrade_steps(wish: Wish, running: Iterable[Placed], following: NextRelease) -> tuple[Step, ...]:
    """Every step with the commands that do the same by hand, in the order in which they happen."""
    standing = {each.role.name: each for each in running}
    before = _intent(wish, standing.values())
    after = _intent(wish, following.roles)
    steps = [
        _addresses(following, standing),
        firewall_step(
            side_by_side(before, after, serves=before), StepKind.FIREWALL, "Let the new ones speak, too"
        ),
        *(unikernel_step(wish, each) for each in following.roles if each.role.name in following.beside),
    ]
    trial = _trial(wish, following)
    steps += [
        *((trial,) if trial is not None else ()),
        *(
            _with_outage(unikernel_step(wish, each, force=True))
            for each in following.roles
            if each.role.name in following.in_place
        ),
        _flip(after, following),
        Step(
            StepKind.CHECK,
            "Watch it",
            (
                f"The new ones are asked again and again for {WATCH_SECONDS} seconds.",
                "If one of them fails, the old release gets the traffic back.",
            ),
            within=WATCH_SECONDS,
        ),
    ]
    leaving = [standing[name] for name in ROLES if name in following.beside]
    if leaving:
        steps += [_drain(leaving), _remove(wish, leaving, after)]
    return tuple(steps)


def _intent(wish: Wish, roles: Iterable[Placed]) -> Intent:
    placed = tuple(roles)
    addresses = {name: service.address for name, service in wish.shared.items()}
    return firewall_needs(wish, placed, addresses | {each.role.name: each.address for each in placed})


def _addresses(following: NextRelease, standing: Mapping[str, Placed]) -> Step:
    what = []
    for each in following.roles:
        name, title = each.role.name, each.role.title
        if name in following.beside:
            what.append(f"{title}: {each.address}, beside the old one at {standing[name].address}")
        elif name in following.in_place:
            what.append(f"{title}: {each.address}, replaced in place")
        else:
            what.append(f"{title}: {each.address}, stays as it is")
    what.append("Keys and seeds stay: the DKIM key, the certificates and the rights on the git host.")
    return Step(StepKind.ADDRESSES, "What changes and what stays", tuple(what))


def _with_outage(step: Step) -> Step:
    title = ROLES[step.role].title
    sentence = (
        f"There must never be two of the {title}."
        if step.role in IN_PLACE
        else f"Others use the {title} at this address."
    )
    return replace(
        step, what=(sentence, "It does not serve for a moment; how long, is measured.", *step.what)
    )


def _trial(wish: Wish, following: NextRelease) -> Step | None:
    """By hand: only as far as no mail is sent."""
    what, commands = [], []
    for each in following.roles:
        name = each.role.name
        if name not in following.beside or name not in {"submission", "verifier"}:
            continue
        port, host = (465, wish.submission) if name == "submission" else (25, wish.domain)
        start = "" if name == "submission" else "-starttls smtp "
        what.append(
            "The new submission server: banner, name in the certificate, AUTH and a recipient."
            if name == "submission"
            else "The new receiver: banner, STARTTLS, name in the certificate and a recipient."
        )
        commands.append(
            f"openssl s_client {start}-connect {each.address}:{port} -crlf -quiet"
            f" -verify_return_error -verify_hostname {shlex.quote(host)}"
        )
    if not what:
        return None
    return Step(StepKind.TRIAL, "Try the new ones", tuple(what), tuple(commands), within=120)


def _flip(after: Intent, following: NextRelease) -> Step:
    rules = [f"-A {rule.chain.label} {rule}" for rule in derive(after) if rule.chain is Chain.DNAT]
    what = [
        f"{each.public} {each.protocol} port {each.port} goes to {each.what} at {each.target}."
        for each in after.published
        if each.what in following.beside
    ]
    what.append(
        "All of it in one step. Connections that stand stay with the old ones; new ones go to the new ones."
    )
    commands = (
        "iptables-restore --noflush <<'END'",
        "*nat",
        f":{Chain.DNAT.label} - [0:0]",
        *rules,
        "COMMIT",
        "END",
    )
    return Step(StepKind.FLIP, "Lead the traffic to the new ones", tuple(what), commands, within=180)


def _drain(leaving: Iterable[Placed]) -> Step:
    places = [each.address for each in leaving]
    return Step(
        StepKind.DRAIN,
        "Let the old ones finish",
        (
            f"Until no connection of theirs stands, for at most {DRAIN_MOST // 60} minutes.",
            "What still stands then is cut, and shown.",
        ),
        (f"conntrack -L | grep -wE {shlex.quote('|'.join(places).replace('.', '[.]'))}",),
        within=DRAIN_MOST,
    )


def _remove(wish: Wish, leaving: Iterable[Placed], after: Intent) -> Step:
    gone = tuple(leaving)
    return Step(
        StepKind.REMOVE,
        "Remove the old ones",
        (
            *(f"{each.role.title} at {each.address}." for each in gone),
            "To go back to this release later, it is made anew.",
        ),
        (
            *(destroy_line(wish.full_name(each.label), wish.albatross) for each in gone),
            *firewall_step(after, StepKind.EXPOSE, "").commands,
        ),
    )
