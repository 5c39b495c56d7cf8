"""Which role a unikernel has, and of which generation: told by its arguments, its image, its name, and who
points at it. Nothing is guessed in silence: each guess says how sure it is, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from tenants.formats.existing.seen import SeenUnikernel
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.options import NETWORK
from tenants.formats.roles.role import Era, Role
from tenants.formats.stacks.placing import NEXT_HOP

_NETWORK = frozenset(name for each in NETWORK for name in (each.name, each.short) if name) | {
    "--name",
    "--delay",
}
_LABELS: Mapping[str, tuple[str, ...]] = {
    "resolver": ("resolver",),
    "primary": ("primary-git", "primary"),
    "letsencrypt": ("letsencrypt", "le"),
    "relay": ("relay", "mti-gf"),
    "signer": ("signer", "nec"),
    "submission": ("submission", "lipap"),
    "spamfilter": ("spamfilter", "spartacus", "spamtacus"),
    "verifier": ("verifier", "hm"),
}
"""Words in names of unikernels: those of the articles, of ptt-deployer, and the author's own."""
_MOST_REASONS = 5


class Certainty(Enum):
    CERTAIN = "certain"
    LIKELY = "likely"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Guess:
    """A role by its name (empty: unknown), with the reasons. `eras` are the generations it may be of."""

    role: str = ""
    certainty: Certainty = Certainty.UNKNOWN
    eras: tuple[Era, ...] = ()
    reasons: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    """What speaks against it."""

    @property
    def era(self) -> Era | None:
        return self.eras[0] if len(self.eras) == 1 else None


@dataclass(frozen=True)
class KnownImage:
    """What Rookery knows of an image, by its SHA-256: a role's name and a generation, or neither."""

    role: str = ""
    era: str = ""


@dataclass(frozen=True)
class _Fit:
    """How well a role of one generation takes the arguments."""

    role: Role
    era: Era
    own: frozenset[str]
    unknown: frozenset[str]
    missing: frozenset[str]

    @property
    def exact(self) -> bool:
        return not self.unknown and not self.missing and self.distinct

    @property
    def distinct(self) -> bool:
        """Is there an argument that only some roles need?"""
        return any(each.required and each.name in self.own for each in self.role.options[self.era])

    @property
    def score(self) -> int:
        return 2 * len(self.own) - 3 * len(self.unknown) - len(self.missing)


def guess_all(
    unikernels: Iterable[SeenUnikernel], images: Mapping[str, KnownImage] | None = None
) -> dict[str, Guess]:
    """The guess of each unikernel, by its label. They help each other: who is pointed at is known by that,
    and generations are seldom mixed."""
    seen = list(unikernels)
    known = images or {}
    found = {each.label: _alone(each, known.get(each.digest, KnownImage())) for each in seen}
    pointed = _pointed_at(seen, found)
    for each in seen:
        found[each.label] = _with_pointers(each, found[each.label], pointed.get(each.address, {}))
    usual = _usual_eras(found.values())
    return {label: _with_era(each, usual) for label, each in found.items()}


def role_of_label(label: str) -> str:
    """The role that a name speaks of, or "". `ptt-relay.0f3a…`, `primary-git`, `x25519-net-signer-1`."""
    words = re.split(r"[^a-z0-9]+", label.lower()[:100])
    joined = f"-{'-'.join(words)}-"
    roles = {role for role, names in _LABELS.items() for name in names if f"-{name}-" in joined}
    return roles.pop() if len(roles) == 1 else ""


def _alone(seen: SeenUnikernel, image: KnownImage) -> Guess:
    """Told by itself."""
    fits = _fits(seen)
    said = role_of_label(seen.label)
    if image.role in ROLES:
        return _by_image(image, fits)
    exact = [fit for fit in fits if fit.exact]
    roles = {fit.role.name for fit in exact}
    if len(roles) == 1:
        role = roles.pop()
        options = ", ".join(sorted(exact[0].own)[:6])
        against = (f"Its name speaks of a {ROLES[said].title}.",) if said and said != role else ()
        return Guess(
            role,
            Certainty.CERTAIN,
            tuple(fit.era for fit in exact),
            (f"Only a {ROLES[role].title} takes exactly these arguments: {options}.",),
            against,
        )
    return _by_name(seen, said, fits) or _nearest(fits) or Guess(reasons=(_no_clue(seen),))


def _fits(seen: SeenUnikernel) -> list[_Fit]:
    names = seen.names - _NETWORK
    found = []
    for role in ROLES.values():
        for era, options in role.options.items():
            known = {each.name for each in options} - _NETWORK
            required = {each.name for each in options if each.required} - _NETWORK
            found.append(_Fit(role, era, names & known, names - known, frozenset(required - names)))
    return found


def _by_image(image: KnownImage, fits: Iterable[_Fit]) -> Guess:
    era = Era(image.era) if image.era in {each.value for each in Era} else None
    own = [fit for fit in fits if fit.role.name == image.role and (era is None or fit.era is era)]
    best = min(own, key=lambda fit: len(fit.unknown))
    against = tuple(f"Such an image knows no {name}." for name in sorted(best.unknown)[:3])
    eras = (era,) if era else tuple(fit.era for fit in own if not fit.unknown)
    reason = f"Rookery has this very image as a {ROLES[image.role].title}{f' of {era.value}' if era else ''}."
    return Guess(image.role, Certainty.CERTAIN, eras, (reason,), against)


def _by_name(seen: SeenUnikernel, said: str, fits: Iterable[_Fit]) -> Guess | None:
    if not said:
        return None
    possible = [fit for fit in fits if fit.role.name == said and not fit.unknown]
    title = ROLES[said].title
    if not possible:
        return None
    missing = min((fit.missing for fit in possible), key=len)
    reasons = [f"Its name speaks of a {title}, which takes all of its arguments."]
    if missing:
        reasons.append(f"{_list(missing)} must be built into the image.")
    return Guess(said, Certainty.LIKELY, tuple(fit.era for fit in possible), tuple(reasons))


def _nearest(fits: Iterable[_Fit]) -> Guess | None:
    """The role that its arguments speak for most, if no other comes near."""
    ordered = sorted(fits, key=lambda fit: fit.score, reverse=True)
    best = ordered[0]
    second = next((fit.score for fit in ordered if fit.role is not best.role), 0)
    if not best.distinct or best.score <= second or len(best.own) < 2:
        return None
    reasons = [f"Its arguments are nearest to those of a {best.role.title}: {_list(best.own)}."]
    if best.missing:
        reasons.append(f"{_list(best.missing)} must be built into the image.")
    against = tuple(f"Such an image knows no {name}." for name in sorted(best.unknown)[:3])
    eras = tuple(fit.era for fit in ordered if fit.role is best.role and fit.score == best.score)
    return Guess(best.role.name, Certainty.LIKELY, eras, tuple(reasons), against)


def _no_clue(seen: SeenUnikernel) -> str:
    own = sorted(seen.names - _NETWORK)
    if own:
        return f"No role of ptt takes such arguments: {', '.join(own[:5])}."
    return "It has only the arguments that every image takes, and its name is none of ptt's."


def pointers(seen: SeenUnikernel, role: str) -> tuple[tuple[str, str, str], ...]:
    """(option, address, role expected there) of each unikernel that it speaks to."""
    found = []
    hop = NEXT_HOP.get(role, "")
    for option, expected in (
        ("--dns-server", "primary"),
        ("--nameserver", "resolver"),
        ("--resolver", "resolver"),
        ("--destination", hop),
    ):
        for each in seen.arguments:
            if each.name == option and each.value and (address := _address(each.value)):
                found.append((option, address, expected))
    return tuple(found)


def _address(value: str) -> str:
    found = re.search(r"(?:^|[:/])(\d{1,3}(?:\.\d{1,3}){3})(?=$|[:!/])", value)
    return found[1] if found else ""


def _pointed_at(seen: Iterable[SeenUnikernel], found: Mapping[str, Guess]) -> dict[str, dict[str, list[str]]]:
    """By address: the role that others expect there, and which others."""
    told: dict[str, dict[str, list[str]]] = {}
    for each in seen:
        for option, address, expected in pointers(each, found[each.label].role):
            if expected:
                told.setdefault(address, {}).setdefault(expected, []).append(f"{each.label} ({option})")
    return told


def _with_pointers(seen: SeenUnikernel, guess: Guess, told: Mapping[str, list[str]]) -> Guess:
    if not told:
        return guess
    who = {role: ", ".join(each[:3]) for role, each in told.items()}
    if guess.role in told:
        reasons = (*guess.reasons, f"Others use it as such: {who[guess.role]}.")
        certain = Certainty.CERTAIN if not guess.contradicts else guess.certainty
        return replace(guess, certainty=certain, reasons=reasons[:_MOST_REASONS])
    if guess.role:
        against = [f"{who[role]} expects a {ROLES[role].title} here." for role in who]
        return replace(guess, contradicts=(*guess.contradicts, *against)[:_MOST_REASONS])
    [role] = list(who) if len(who) == 1 else [""]
    fits = [fit for fit in _fits(seen) if fit.role.name == role and not fit.unknown]
    if not role or not fits:
        return guess
    reason = f"Others use it as a {ROLES[role].title}: {who[role]}. It takes no other arguments."
    return Guess(role, Certainty.LIKELY, tuple(fit.era for fit in fits), (reason,))


def _usual_eras(found: Iterable[Guess]) -> frozenset[Era]:
    """The generations of those of which it is certain."""
    return frozenset(each.era for each in found if each.era and each.certainty is Certainty.CERTAIN)


def _with_era(guess: Guess, usual: frozenset[Era]) -> Guess:
    """One generation where all the others are of it; several stay several."""
    if len(guess.eras) < 2 or len(usual) != 1 or not usual <= set(guess.eras):
        return guess
    era = next(iter(usual))
    reason = f"Its arguments fit several generations; the others are of {era.value}."
    return replace(guess, eras=(era,), reasons=(*guess.reasons, reason)[:_MOST_REASONS])


def _list(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - 6} more" if len(ordered) > 6 else ""
    return ", ".join(ordered[:6]) + more
