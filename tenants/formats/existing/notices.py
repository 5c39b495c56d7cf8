"""What is missing, contradictory or dangerous among the unikernels. One small function each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from tenants.formats.existing.guess import Certainty
from tenants.formats.existing.picture import Notice, Part, Picture, Seen, Weight, sure
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.kinds import split_remote
from tenants.formats.roles.role import Era

HOST = "host"
_NEEDED = tuple(name for name in ROLES if name not in {"spamfilter", "resolver"})


def about_the_host(seen: Seen, picture: Picture) -> Iterator[Notice]:
    """All that can be said of unikernels."""
    for part in picture.parts:
        for look in _OF_A_PART:
            yield from look(seen, picture, part)
    for whole in _OF_THE_WHOLE:
        yield from whole(seen, picture)


# Each unikernel ---------------------------------------------------------------------------------------


def _unknown(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    if part.guess.certainty is Certainty.UNKNOWN:
        why = " ".join(part.guess.reasons)
        yield Notice(
            "unknown-unikernel",
            Weight.UNKNOWN,
            part.seen.label,
            f"Nobody here can say what {part.seen.label} is. {why}".strip(),
            "It is left alone. Upload its image with its role, or leave it out of the stack.",
        )


def _contradicting(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    for reason in part.guess.contradicts:
        yield Notice(
            "contradicting-role",
            Weight.CONTRADICTION,
            part.seen.label,
            f"{part.seen.label} seems to be a {part.title}, but: {reason}",
            "Look at its console before you take it over as that.",
        )


def _era(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    eras = part.guess.eras
    if sure(part) and len(eras) > 1 and part.guess.role not in {"resolver", "primary", "letsencrypt"}:
        names = ", ".join(each.value for each in eras)
        yield Notice(
            "unknown-generation",
            Weight.UNKNOWN,
            part.seen.label,
            f"{part.seen.label} may be of {names}: its arguments fit all of them.",
            "Say so on the page of its image once it is taken over.",
        )


def _domain(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    if part.domain and part.domain != seen.domain:
        yield Notice(
            "another-domain",
            Weight.NOTE,
            part.seen.label,
            f"{part.seen.label} serves {part.domain}, not {seen.domain}.",
            f"Look at {part.domain} as a domain of its own.",
        )


def _arguments(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    for each in part.seen.arguments:
        if each.problem and each.name:
            yield Notice(
                "odd-argument",
                Weight.CONTRADICTION,
                part.seen.label,
                f"{part.seen.label}, {each.name}: {each.problem}",
                "Correct it with the next release; what runs is left as it is.",
            )


def _restart(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    if sure(part) and not part.seen.restarts:
        yield Notice(
            "no-restart",
            Weight.MISSING,
            part.seen.label,
            f"{part.seen.label} is not started again when it ends: ptt's images leak memory, and wait for "
            "certificates by ending.",
            "Take it over, then set “restart after every exit” on its page.",
        )


def _warnings(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    """What the arguments mean, though they are right."""
    role, unikernel = part.guess.role, part.seen
    if role == "letsencrypt" and unikernel.argument("--production") is None:
        yield Notice(
            "staging",
            Weight.CONTRADICTION,
            unikernel.label,
            f"{unikernel.label} has no --production: its certificates are for tests, and no mail program "
            "trusts them.",
            "Add --production when all else works.",
        )
    if role == "primary" and unikernel.argument("--axfr") is not None:
        yield Notice(
            "open-transfer",
            Weight.NOTE,
            unikernel.label,
            f"{unikernel.label} has --axfr: anybody may copy the whole zone.",
            "Leave it only while a secondary without a key needs it.",
        )
    if role == "verifier" and part.guess.era in {Era.P22, Era.P24}:
        yield Notice(
            "drops-own-mail",
            Weight.DANGER,
            unikernel.label,
            f"Images of {part.guess.era.value} drop mail for {seen.domain}'s own addresses; p23 receives it.",
            "Replace submission, signer, spam filter and receiver by images of p23.",
        )


def _remote(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    value = part.seen.value("--remote")
    place = split_remote(value) if value else None
    known = seen.remotes.get("zones" if part.guess.role == "primary" else "users")
    if place is None or not sure(part):
        return
    _, _, path, branch = place
    used = branch or ("master" if part.guess.era is Era.P22 else "main")
    if not branch:
        yield Notice(
            "no-branch",
            Weight.NOTE,
            part.seen.label,
            f"{part.seen.label} names no branch: {used} is read.",
            "Name it in the next release.",
        )
    if known is not None and (path.lstrip("/"), used) != (known[0].lstrip("/"), known[1]):
        yield Notice(
            "another-repository",
            Weight.CONTRADICTION,
            part.seen.label,
            f"{part.seen.label} reads {path} at {used}; Rookery has {known[0]} at {known[1]}.",
            "Connect the repository that it reads, or changes made here never reach it.",
        )


def _hops(seen: Seen, picture: Picture, part: Part) -> Iterator[Notice]:
    roles = {each.seen.label: each.guess.role for each in picture.parts}
    gateways = {each.gateway for each in seen.bridges}
    for hop in part.hops:
        title = ROLES[hop.expected].title if hop.expected else "something"
        if not hop.label:
            where = "the host itself" if hop.address in gateways else "no unikernel here"
            yield Notice(
                "points-to-nobody",
                Weight.MISSING,
                part.seen.label,
                f"{part.seen.label} speaks to a {title} at {hop.address} ({hop.option}), where {where} is.",
                "If a conventional service is there, name it when the stack is made; else mail ends here.",
            )
        elif hop.expected and roles[hop.label] and roles[hop.label] != hop.expected:
            yield Notice(
                "points-elsewhere",
                Weight.CONTRADICTION,
                part.seen.label,
                f"{part.seen.label} expects a {title} at {hop.address} ({hop.option}); there is {hop.label}, "
                f"a {ROLES[roles[hop.label]].title}.",
                "Mail takes another way than the usual one. Make sure that it is meant.",
            )


_OF_A_PART: tuple[Callable[[Seen, Picture, Part], Iterator[Notice]], ...] = (
    *(_unknown, _contradicting, _era, _domain, _arguments, _restart, _warnings, _remote, _hops),
)


# All of them together ---------------------------------------------------------------------------------


def _missing(seen: Seen, picture: Picture) -> Iterator[Notice]:
    for role in picture.missing:
        if any(sure(part) for part in picture.parts):
            weight = Weight.MISSING if role in _NEEDED else Weight.NOTE
            yield Notice(
                f"no-{role}",
                weight,
                role,
                f"No {ROLES[role].title} runs in this part of the host: nobody here {ROLES[role].does}.",
                "If it runs elsewhere, or something conventional does it, name it when the stack is made.",
            )


def _twice(seen: Seen, picture: Picture) -> Iterator[Notice]:
    counts = Counter((part.guess.role, part.domain) for part in picture.parts if sure(part))
    for (role, domain), count in counts.items():
        if count > 1:
            same = [part for part in picture.parts if (part.guess.role, part.domain) == (role, domain)]
            names = [part.seen.label for part in same]
            reached = [part.seen.label for part in same if part.reached]
            serves = f" The rules lead to {', '.join(reached)}." if reached else ""
            yield Notice(
                "twice",
                Weight.CONTRADICTION,
                names[0],
                f"There are {count} of the {ROLES[role].title}: {', '.join(names)}.{serves}",
                "ptt-deployer never removes what it replaced. Find out which one serves; destroy the others.",
            )


def _same_address(seen: Seen, picture: Picture) -> Iterator[Notice]:
    by_address: dict[str, list[str]] = {}
    for part in picture.parts:
        if part.seen.address:
            by_address.setdefault(part.seen.address, []).append(part.seen.label)
    for address, labels in by_address.items():
        if len(labels) > 1:
            yield Notice(
                "same-address",
                Weight.CONTRADICTION,
                labels[0],
                f"{', '.join(labels)} all have {address}: only one of them is heard, and nobody knows which.",
                "Destroy the one that should not be there.",
            )


def _mixed(seen: Seen, picture: Picture) -> Iterator[Notice]:
    eras = {part.guess.era for part in picture.parts if part.guess.era is not None and picture.serves(part)}
    if Era.P22 in eras and len(eras) > 1:
        names = ", ".join(sorted(each.value for each in eras))
        yield Notice(
            "mixed-generations",
            Weight.CONTRADICTION,
            HOST,
            f"Images of {names} run together: those of p22 want TLS between the hops, later ones speak none.",
            "Use images of one generation.",
        )


_OF_THE_WHOLE: tuple[Callable[[Seen, Picture], Iterator[Notice]], ...] = (
    *(_missing, _twice, _same_address, _mixed),
)
