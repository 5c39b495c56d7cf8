"""Taking a whole organization along as one file, and making one of such a file."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions import aliases, mailboxes
from tenants.actions.alias_rules import change_alias_rules
from tenants.actions.audit import record
from tenants.actions.domains import change_domain, create_domain
from tenants.actions.imports import import_addresses
from tenants.actions.names import hold_name
from tenants.actions.request_rules import change_request_rules
from tenants.actions.reversals import final
from tenants.actions.sets import check_digest
from tenants.actions.zone_imports import import_zone
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.errors import ActionError, Checks, Conflict, Forbidden, Invalid, Problem
from tenants.formats.organization_file import Address, MailDomain, OrganizationFile, read_file
from tenants.formats.text import printable
from tenants.models import AliasRules, Domain, HeldName, Mailbox, Organization, RequestRules, Zone
from tenants.organization_export import aliases_of, organization_file, requests_of
from tenants.secrets import Opener

NEW, CHANGED, UNCHANGED, REFUSED, LEFT_OUT = "new", "changed", "unchanged", "refused", "left out"


@dataclass(frozen=True)
class Line:
    """What becomes of one thing of the file, and why when it is refused or left out."""

    verdict: str
    thing: str
    why: str = ""


@dataclass(frozen=True)
class MovedIn:
    """`digest` names exactly these lines."""

    lines: Sequence[Line]
    digest: str

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(line.verdict for line in self.lines))

    @property
    def refused(self) -> list[Line]:
        return [line for line in self.lines if line.verdict == REFUSED]


@transaction.atomic
def export_organization(
    *, actor: Actor, organization: Organization, opener: Opener | None = None
) -> OrganizationFile:
    """Everything that the file knows; with an `opener`, which only workers have, with the hashes of
    passphrases.

    Whoever is narrowed to a domain cannot: the file holds all of them. Raises CannotOpen.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.EXPORT, organization)
    if actor.domain_id is not None:
        raise Forbidden("This key is for one domain; the file holds all of them.")
    file = organization_file(organization, timezone.now(), opener)
    secrets = "with the hashes of its passphrases" if opener is not None else "without secrets"
    record(
        actor,
        "export_organization",
        organization,
        f"{actor} took all of {organization} along, {secrets}.",
        organization=organization,
        after={"domains": len(file.domains), "secrets": opener is not None},
    )
    return file


def import_organization(
    *,
    actor: Actor,
    organization: Organization,
    content: bytes,
    key: str = "",
    vouched: bool = False,
    leave_out_refused: bool = False,
    digest: str | None = None,
    rehearse: bool = False,
) -> MovedIn:
    """Make what the file says in `organization`, as one transaction; doing it again goes on where something
    was refused. No repository is connected by it; one that is connected gets the addresses as by any import.

    With `rehearse` it is done and taken back. With a `digest` of that it is done only while it comes to
    exactly the same (Conflict). Raises Invalid for a file that is none, and for what is refused unless that
    is to be left out.
    """
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.DOMAIN, organization)
    check_digest(digest)
    with Checks() as checks:
        file = read_file(content, key)
    checks.finish()
    with rehearsal(rehearse), transaction.atomic():
        done = _MovingIn(actor, organization, vouched).all_of(file)
        if not rehearse:
            _require_agreed(done, digest, leave_out_refused=leave_out_refused)
            told = ", ".join(f"{count:,} {verdict}" for verdict, count in done.counts.items())
            record(
                actor,
                "import_organization",
                organization,
                f"The export of an organization was imported into {organization}: {told or 'nothing'}.",
                organization=organization,
                after={"counts": done.counts, "vouched": vouched},
            )
    return done


def _require_agreed(done: MovedIn, digest: str | None, *, leave_out_refused: bool) -> None:
    if digest is not None and digest != done.digest:
        raise Conflict("Something changed since you looked, or this is another file. Look again.")
    if done.refused and not leave_out_refused:
        raise Invalid(Problem("file", f"{line.thing}: {line.why}") for line in done.refused[:100])


@dataclass
class _MovingIn:
    actor: Actor
    organization: Organization
    vouched: bool
    lines: list[Line] = field(default_factory=list)

    def all_of(self, file: OrganizationFile) -> MovedIn:
        for each in file.people:
            self._leave_out(each.email, f"Add them as {printable(each.role, 20)}; they get a mail then.")
        for each_domain in file.domains:
            self._one_domain(each_domain)
        for sentence in file.left_out[:50]:
            self._leave_out("not in the file", printable(sentence, 300))
        kept = [[line.verdict, line.thing, line.why] for line in self.lines]
        text = json.dumps([self.vouched, kept])
        return MovedIn(self.lines, hashlib.sha256(text.encode()).hexdigest())

    def _add(self, verdict: str, thing: str, why: str = "") -> None:
        self.lines.append(Line(verdict, printable(thing, 300), why))

    def _leave_out(self, thing: str, why: str) -> None:
        self._add(LEFT_OUT, thing, why)

    def _try(self, thing: str, do: Callable[[], str]) -> bool:
        """Do one thing, which says what came of it; whether it was not refused."""
        try:
            with transaction.atomic():
                verdict = do()
        except ActionError as error:
            self._add(REFUSED, thing, error.sentence)
            return False
        self._add(verdict, thing)
        return True

    def _one_domain(self, given: MailDomain) -> None:
        if not self._try(given.name, lambda: self._make(given)):
            return
        domain = Domain.objects.get(organization=self.organization, name=given.name.lower())
        self._rules(domain, given)
        for name in given.held_names:
            self._try(f"the name {name.local_part}@{domain}", lambda name=name: self._hold(domain, name))  # type: ignore[misc]
        self._addresses(domain, given.addresses)
        for role in given.roles:
            why = f"Give the part of {printable(role.role, 20)} in {domain} again; they get a mail then."
            self._leave_out(role.email, why)
        self._zone(domain, given)

    def _make(self, given: MailDomain) -> str:
        name = given.name.lower()
        if Domain.objects.filter(organization=self.organization, name=name).exists():
            return UNCHANGED
        create_domain(actor=self.actor, organization=self.organization, name=given.name)
        return NEW

    def _rules(self, domain: Domain, given: MailDomain) -> None:
        def settings() -> str:
            before = (domain.requests, domain.submission_host)
            change_domain(
                actor=self.actor,
                domain=domain,
                requests=given.requests,
                submission_host=given.submission_host,
            )
            return UNCHANGED if before == (domain.requests, domain.submission_host) else CHANGED

        self._try(f"the settings of {domain}", settings)
        if (asked := given.request_rules) is not None:
            lapses: dict[str, Any] = {"never_lapse": True}
            if asked.decide_within_days is not None:
                lapses = {"decide_within_days": asked.decide_within_days}

            def requests() -> str:
                before = requests_of(RequestRules.objects.filter(domain=domain).first())
                change_request_rules(
                    actor=self.actor,
                    domain=domain,
                    pattern=asked.pattern,
                    mail_domains=asked.mail_domains,
                    most=asked.most,
                    most_each=asked.most_each,
                    **lapses,
                )
                return UNCHANGED if before == asked else CHANGED

            self._try(f"what {domain} does with requests", requests)
        if (made := given.alias_rules) is not None:

            def people() -> str:
                before = aliases_of(AliasRules.objects.filter(domain=domain).first())
                change_alias_rules(
                    actor=self.actor,
                    domain=domain,
                    allowed=True,
                    pattern=made.pattern,
                    most_each=made.most_each,
                    longest_days=made.longest_days,
                )
                return UNCHANGED if before == made else CHANGED

            self._try(f"which aliases people of {domain} make", people)

    def _hold(self, domain: Domain, name: Any) -> str:
        if HeldName.objects.filter(domain=domain, local_part=name.local_part, kind=name.kind).exists():
            return UNCHANGED
        hold_name(
            actor=self.actor, domain=domain, local_part=name.local_part, kind=name.kind, reason=name.reason
        )
        return NEW

    # Addresses

    def _addresses(self, domain: Domain, given: Sequence[Address]) -> None:
        plain = [each for each in given if not each.delivers_to]
        if plain:
            try:
                with transaction.atomic():
                    self._table(domain, plain)
            except ActionError as error:
                self._add(REFUSED, f"the addresses of {domain}", error.sentence)
                return
        for each in given:
            if each.delivers_to:
                self._try(f"{each.local_part}@{domain}", lambda each=each: self._alias(domain, each))  # type: ignore[misc]
        for line in _not_taken(domain, given):
            self._leave_out(*line)

    def _table(self, domain: Domain, given: Sequence[Address]) -> None:
        rows = [
            {
                "address": each.local_part,
                "targets": list(each.targets),
                "note": each.note,
                "enabled": each.enabled,
                **({"password_hash": each.password_hash} if each.password_hash else {}),
            }
            for each in given
        ]
        done = import_addresses(
            actor=self.actor,
            domain=domain,
            content=json.dumps(rows).encode(),
            vouched=self.vouched,
            leave_out_refused=True,
        )
        words = {"create": NEW, "change": CHANGED}
        for row, outcome in zip(done.rows, done.preview.outcomes, strict=True):
            why = " ".join(str(each) for each in outcome.problems)
            self._add(words.get(outcome.verdict, outcome.verdict), f"{row.shown}@{domain}", why)

    def _alias(self, domain: Domain, each: Address) -> str:
        found = Mailbox.objects.filter(domain=domain, local_part=each.local_part, trashed_at=None).first()
        if found is not None:
            return UNCHANGED
        made = aliases.create_alias(
            actor=self.actor,
            domain=domain,
            local_part=each.local_part,
            delivers_to=each.delivers_to,
            targets=each.targets,
            note=each.note,
        )
        if not each.enabled:
            mailboxes.switch_mailbox(actor=self.actor, mailbox=made, enabled=False)
        return NEW

    def _zone(self, domain: Domain, given: MailDomain) -> None:
        text = given.zone
        if text is None:
            return
        zone = (
            Zone.objects.select_related("target__repository__primary", "domain").filter(domain=domain).first()
        )
        if zone is None or not zone.is_kept:
            self._leave_out(f"the zone of {domain}", "Begin its zone here, and import the file once more.")
            return

        def records() -> str:
            read, changed = import_zone(actor=self.actor, zone=zone, text=text, leave_out_refused=True)
            for line in read.refused()[:20]:
                self._leave_out(f"a record of {domain}", str(line))
            return CHANGED if changed else UNCHANGED

        self._try(f"the records of {domain}", records)


def _not_taken(domain: Domain, given: Sequence[Address]) -> Iterator[tuple[str, str]]:
    """What addresses have that no import makes, told once for each domain."""
    lost = sum(each.has_passphrase and not each.password_hash for each in given)
    if lost:
        why = f"Of {lost:,} addresses: their hashes are not in the file. People set new ones."
        yield f"passphrases of {domain}", why
    held = sum(bool(each.holders) for each in given)
    if held:
        yield f"holders in {domain}", f"Of {held:,} addresses: hand each to its holder again."
    ending = sum(each.expires_at is not None for each in given)
    if ending:
        yield f"ends in {domain}", f"Of {ending:,} addresses: they do not end here until you say so."


final("What was taken along cannot be taken back.", "export_organization")
final("Each thing was made on its own, too: undo that in its history.", "import_organization")
