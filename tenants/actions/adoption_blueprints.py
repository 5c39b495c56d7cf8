"""Which mail stack something is that runs already: who has which role, and what stands in the way. Nothing is
written."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tenants import access
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Invalid, Problem
from tenants.formats.existing.guess import Certainty
from tenants.formats.existing.picture import Part, Picture
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import Era, Role
from tenants.models import (
    Domain,
    Network,
    PublicAddress,
    Stack,
    Survey,
    Unikernel,
)
from tenants.stack_wishes import relay_of, services_of, zone_of
from tenants.surveys import picture_of

REFERENCE = re.compile(r"\{secret:([a-z0-9-]{1,40})\}")


@dataclass(frozen=True)
class Taken:
    """A role, and the unikernel of ours that has it. `secrets` are names in its arguments by those of the
    role's own."""

    role: Role
    era: Era
    part: Part
    row: Unikernel
    secrets: Mapping[str, str]


@dataclass(frozen=True)
class Adoption:
    """The stack that would be, and what has to be done first; empty when nothing has."""

    taken: tuple[Taken, ...]
    services: Mapping[str, str]
    network: Network | None
    public: PublicAddress
    submission_host: str
    selector: str
    git_address: str
    production: bool
    lacking: tuple[Problem, ...]

    @property
    def digest(self) -> str:
        """Identifies what was shown, so that exactly this is confirmed."""
        shown: list[Any] = [
            [each.role.name, each.era.value, each.row.pk, each.row.generation, each.row.image.sha256]
            for each in self.taken
        ]
        shown += [dict(self.services), self.public.pk, self.submission_host, self.selector, self.git_address]
        shown.append(self.production)
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def preview_adoption(
    *,
    actor: Actor,
    domain: Domain,
    public: PublicAddress,
    services: Mapping[str, str] | None = None,
) -> Adoption:
    """Say which stack that would be. Raises Invalid for a service that cannot fill its role, and Conflict
    where nobody looked yet, or a stack is there."""
    survey = survey_of(actor, domain)
    if public.share_id != survey.share_id:
        raise Absent
    with (checks := Checks()):
        filled = services_of({role: text for role, text in (services or {}).items() if text.strip()})
    checks.finish()
    picture = picture_of(actor, survey)
    lacking = [*_about_places(domain), *_about_public(public)]
    taken: list[Taken] = []
    for role in ROLES.values():
        if role.name in filled:
            continue
        try:
            taken.append(_take(survey, picture, role))
        except Invalid as refusal:
            lacking += refusal.problems
    networks = {_network_of(each) for each in taken}
    if not taken and not lacking:
        said = "Services fill all roles: nothing that runs here is left."
        lacking.append(Problem("share", said, "Leave out the address of a role that was found."))
    if len(networks) > 1 or None in networks:
        said = "The unikernels are not all in one network of yours."
        lacking.append(Problem("share", said, "Rookery's stacks are: make a new one beside it."))
    found = {each.role.name: each.part.seen for each in taken}
    first = next(iter(networks - {None}), None)
    network = Network.objects.filter(pk=first).first() if first is not None else None
    submission = found.get("submission")
    signer, certificates = found.get("signer"), found.get("letsencrypt")
    named = submission.value("--submission-domain", "--hostname") if submission is not None else ""
    return Adoption(
        taken=tuple(taken),
        services={role: each.address for role, each in filled.items()},
        network=network,
        public=public,
        submission_host=named.lower().rstrip(".") or domain.mail_program_host,
        selector=(signer.value("--selector") if signer is not None else "").lower() or "s1",
        git_address=_git_address(picture) or (network.gateway if network is not None else ""),
        production=certificates is not None and "--production" in certificates.names,
        lacking=tuple(lacking),
    )


def survey_of(actor: Actor, domain: Domain) -> Survey:
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.STACK, domain.organization)
    row = Survey.objects.filter(domain=domain).select_related("share__host", "domain__organization").first()
    if row is None:
        raise Conflict(f"Nobody looked at the installation of {domain} yet. Begin with that.")
    access.require(actor, access.Verb.VIEW, row.share)
    if Stack.objects.filter(domain=domain).exists():
        raise Conflict(f"{domain} has a mail stack already.")
    return row


def _about_places(domain: Domain) -> Iterator[Problem]:
    if relay_of(domain) is None:
        yield Problem("domain", "No relay repository is connected.", "Connect one on the domain's page.")
    zone = zone_of(domain)
    if zone is None or not zone.is_kept:
        yield Problem("domain", "Rookery does not keep the zone yet.", "Take it over on the DNS page.")


def _about_public(public: PublicAddress) -> Iterator[Problem]:
    if Stack.objects.filter(public=public).exists():
        said = f"{public} serves another domain's mail. ptt serves one domain at ports 25 and 465."
        yield Problem("public", said, "Choose the address that this domain's mail has.")


def _take(survey: Survey, picture: Picture, role: Role) -> Taken:
    """Raises Invalid with the reason why this role cannot be had as it runs."""
    found = [each for each in picture.parts if each.guess.role == role.name and picture.serves(each)]
    title = role.title
    if not found:
        fix = "Write the address of a service that fills the role, or look again when it runs."
        raise Invalid.of(role.name, f"Nothing that was found is a {title}.", fix)
    if len(found) > 1:
        names = ", ".join(each.seen.label for each in found[:5])
        fix = "Stop those that serve nobody any more, then look again."
        raise Invalid.of(role.name, f"There are {len(found)} of the {title}: {names}.", fix)
    [part] = found
    seen = part.seen
    rows = Unikernel.objects.filter(share=survey.share, name=seen.label, deleted_at=None, running=True)
    row = rows.select_related("image").prefetch_related("secrets").first()
    if row is None or row.image.sha256 != seen.digest:
        fix = "Make a new release beside it." if seen.why_not else "Take it over on the page of the host."
        said = f"{seen.label}, the {title}, is not Rookery's yet. {seen.why_not}"
        raise Invalid.of(role.name, said.strip(), fix)
    era = part.guess.era
    if era is None or part.guess.certainty is Certainty.UNKNOWN:
        said = f"It is not certain of which generation {seen.label}, the {title}, is."
        raise Invalid.of(role.name, said, "Write role and generation on the page of its image.")
    if not seen.address:
        raise Invalid.of(role.name, f"{seen.label} names no address of its own.", "Make a new release.")
    return Taken(role, era, part, row, _secrets(role, era, row))


def _secrets(role: Role, era: Era, row: Unikernel) -> dict[str, str]:
    """By the names that Rookery's own have: where each of the role's secrets stands among the arguments."""
    words = [word for argument in row.arguments for word in re.split(r"[ =]+", str(argument))]
    found = {}
    for secret in role.secrets[era]:
        for option, value in pairwise(words):
            if option == secret.option and (reference := REFERENCE.fullmatch(value)):
                found[secret.name] = reference[1]
    return found


def _network_of(each: Taken) -> int | None:
    """Of the device that the role has."""
    networks = {str(device): int(pk) for device, pk in each.row.networks}
    return networks.get(each.role.device)


def _git_address(picture: Picture) -> str:
    """The git host as the relay reaches it: what stands between `@` and `:` of its repository."""
    part = picture.part_of("relay") or picture.part_of("submission")
    remote = part.seen.value("--remote") if part is not None else ""
    found = re.fullmatch(r"[^@/]+@([A-Za-z0-9.-]{1,253}):.*", remote)
    return found[1] if found else ""
