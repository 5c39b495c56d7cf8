"""Making what an organization's file says, thing by thing: what is refused keeps the others from nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants.actions import aliases, mailboxes
from tenants.actions.alias_rules import change_alias_rules
from tenants.actions.domain_roles import give_domain_role
from tenants.actions.domains import change_domain, create_domain
from tenants.actions.expiry import change_expiry
from tenants.actions.imports import import_addresses
from tenants.actions.moved_lines import of_addresses, of_domain, of_organization
from tenants.actions.names import hold_name
from tenants.actions.organizations import add_member
from tenants.actions.request_rules import change_request_rules
from tenants.actions.signing_keys import make_signing_key
from tenants.actions.zone_imports import import_zone
from tenants.actor import Actor
from tenants.errors import ActionError
from tenants.formats.organization_file import Address, MailDomain, Name, OrganizationFile, Person
from tenants.formats.organization_machines import SignerKey
from tenants.formats.text import printable
from tenants.models import (
    AliasRules,
    Domain,
    DomainRole,
    HeldName,
    Mailbox,
    Membership,
    Organization,
    RequestRules,
    SigningKey,
    Zone,
)
from tenants.organization_export import aliases_of, requests_of

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


@dataclass
class MovingIn:
    actor: Actor
    organization: Organization
    vouched: bool
    people: bool
    lines: list[Line] = field(default_factory=list)

    def all_of(self, file: OrganizationFile) -> MovedIn:
        for each in file.people:
            self._member(each)
        for each_domain in file.domains:
            self._one_domain(each_domain)
        self._leave_out_all(of_organization(file))
        kept = [[line.verdict, line.thing, line.why] for line in self.lines]
        text = json.dumps([self.vouched, self.people, kept])
        return MovedIn(self.lines, hashlib.sha256(text.encode()).hexdigest())

    def _add(self, verdict: str, thing: str, why: str = "") -> None:
        self.lines.append(Line(verdict, printable(thing, 300), printable(why, 600)))

    def _leave_out(self, thing: str, why: str) -> None:
        self._add(LEFT_OUT, thing, why)

    def _leave_out_all(self, lines: Iterable[tuple[str, str]]) -> None:
        for line in lines:
            self._leave_out(*line)

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
            self._role(domain, role)
        for key in given.signing_keys:
            self._signing_key(domain, key)
        self._zone(domain, given)
        self._leave_out_all(of_domain(given))

    # People: who is here already stays as they are

    def _member(self, given: Person) -> None:
        role, email = printable(given.role, 20), given.email.strip().lower()
        here = Membership.objects.filter(organization=self.organization, account__email=email).first()
        if here is not None and here.role == given.role:
            self._add(UNCHANGED, given.email)
        elif here is not None:
            self._leave_out(given.email, f"They are {here.role} here already; they were {role} there.")
        elif not self.people:
            self._leave_out(given.email, f"Add them as {role}; they get a mail then.")
        else:
            self._try(given.email, lambda: self._let_in(given))

    def _let_in(self, given: Person) -> str:
        add_member(actor=self.actor, organization=self.organization, email=given.email, role=given.role)
        return NEW

    def _role(self, domain: Domain, given: Person) -> None:
        role, email = printable(given.role, 20), given.email.strip().lower()
        thing = f"{given.email} as {role} in {domain}"
        if DomainRole.objects.filter(domain=domain, account__email=email, role=given.role).exists():
            self._add(UNCHANGED, thing)
        elif not self.people:
            why = f"Give the part of {role} in {domain} again; they get a mail then."
            self._leave_out(thing, why)
        else:
            self._try(thing, lambda: self._give(domain, given))

    def _give(self, domain: Domain, given: Person) -> str:
        give_domain_role(actor=self.actor, domain=domain, email=given.email, role=given.role)
        return NEW

    # Keys of signatures

    def _signing_key(self, domain: Domain, given: SignerKey) -> None:
        thing = f"the signing key {given.selector} of {domain}"
        if SigningKey.objects.filter(domain=domain, selector=given.selector).exists():
            self._add(UNCHANGED, thing)
        elif given.retired:
            self._leave_out(thing, "It was retired: it signs nothing any more.")
        elif given.seed is None:
            self._leave_out(thing, "Its seed is only in a sealed file. Make a new key.")
        else:
            self._try(thing, lambda: self._make_key(domain, given))

    def _make_key(self, domain: Domain, given: SignerKey) -> str:
        make_signing_key(
            actor=self.actor,
            domain=domain,
            selector=given.selector,
            algorithm=given.algorithm,
            seed=given.seed or "",
        )
        return NEW

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

    def _hold(self, domain: Domain, name: Name) -> str:
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
        for each in given:
            if each.expires_at is not None:
                self._end(domain, each)
        self._leave_out_all(of_addresses(domain.name, given))

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

    def _end(self, domain: Domain, each: Address) -> None:
        found = Mailbox.objects.filter(domain=domain, local_part=each.local_part, trashed_at=None).first()
        thing = f"the end of {each.local_part}@{domain}"
        try:
            ends = datetime.fromisoformat(each.expires_at or "")
        except ValueError:
            self._add(REFUSED, thing, "This is no time. Write one, such as 2027-01-31T00:00:00Z.")
            return
        if found is None:
            return  # refused itself
        if found.expires_at == ends:
            self._add(UNCHANGED, thing)
        elif ends.tzinfo is not None and ends <= timezone.now():
            self._leave_out(thing, "That is past: switch the address off, or say anew when it ends.")
        else:
            self._try(thing, lambda: self._set_end(found, ends))

    def _set_end(self, found: Mailbox, ends: datetime) -> str:
        change_expiry(actor=self.actor, mailbox=found, expires_at=ends)
        return CHANGED

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
