"""`manage.py seed_sandbox`: an organization, a domain, an address and a waiting request, by the one door."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from panel.sandbox_ready import connect_git
from tenants.actions import domains, image_fetches, mailboxes, organizations, requests, targets
from tenants.actor import Actor, Via
from tenants.formats import passphrase
from tenants.models import Domain, Membership, Organization
from tenants.sandbox_note import sandbox_note
from tenants.tokens import digest, new_token

ORGANIZATION, DOMAIN = "Analytical Society", "example.org"
OWNER, REQUESTER = "ada@home.example", "grace@harbour.example"


class Command(BaseCommand):
    help = "Fill an empty sandbox with one organization, a domain, an address and a waiting request."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="An operator who becomes an owner of the organization too.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError("This is for the sandbox only: set ROOKERY_SANDBOX=1.")
        if Organization.objects.exists():
            return
        actor = Actor.rookery(Via.COMMAND, "the sandbox")
        organization = organizations.create_organization(actor=actor, name=ORGANIZATION)
        for email in filter(None, [OWNER, options["email"]]):
            organizations.add_member(
                actor=actor, organization=organization, email=email, role=Membership.Role.OWNER
            )
        domain = domains.create_domain(actor=actor, organization=organization, name=DOMAIN)
        domains.change_domain(actor=actor, domain=domain, requests=Domain.Requests.MODERATED)
        connect_git(actor, domain, "relay.git", sandbox_note())
        image_fetches.add_build_server(
            actor=actor, name=sandbox_note()["builds"]["name"], note="The sandbox's own"
        )
        mailbox = mailboxes.create_mailbox(
            actor=actor,
            domain=domain,
            local_part="ada",
            targets=[OWNER],
            password_hash=_unknown_hash(),
            holder=Membership.objects.get(account__email=OWNER).account,
        )
        _confirm(actor, mailbox.pk)
        _ask(domain)
        self.stdout.write(f"sandbox  seeded {ORGANIZATION} with {DOMAIN}, ada@{DOMAIN} and a waiting request")


def _unknown_hash() -> str:
    """A passphrase that nobody knows: whoever uses the sandbox sets their own."""
    return passphrase.hash_passphrase(new_token())


def _confirm(actor: Actor, mailbox_id: int) -> None:
    from tenants.models import TargetAddress  # noqa: PLC0415 - only here

    token = new_token()
    TargetAddress.objects.filter(mailbox_id=mailbox_id).update(digest=digest(token))
    targets.confirm_target(actor=actor, token=token)


def _ask(domain: Domain) -> None:
    from tenants.models import AddressRequest  # noqa: PLC0415 - only here

    stranger = Actor(via=Via.COMMAND, name="the sandbox")
    submitted = requests.submit_request(
        actor=stranger,
        domain=domain,
        local_part="grace",
        target=REQUESTER,
        password_hash=_unknown_hash(),
        message="I would like to write to the society from here.",
    )
    token = new_token()
    AddressRequest.objects.filter(pk=submitted.request.pk).update(confirm_digest=digest(token))
    requests.confirm_request(actor=stranger, confirm_token=token)
