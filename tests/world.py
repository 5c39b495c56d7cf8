"""An organization with something of everything: what tests of doors (pages, API, access) look at.

Two of them, built beside each other, show what one organization sees of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db.models import F
from django.utils import timezone

from panel.api.waiting import change_url
from tenants.actions import (
    accounts,
    alias_rules,
    aliases,
    domain_offers,
    domain_roles,
    domains,
    imports,
    invitations,
    mail_checks,
    mailboxes,
    names,
    organizations,
    repositories,
    requests,
    secondaries,
    signing_keys,
    targets,
    tsig_keys,
    update_servers,
    zone_repositories,
    zones,
)
from tenants.actions.adoption_blueprints import preview_adoption
from tenants.actions.blueprints import Choices, preview_stack
from tenants.actions.organization_imports import preview_organization_import
from tenants.actions.service_tokens import create_service_token
from tenants.actions.token_rows import Wish
from tenants.actions.upgrade_blueprints import preview_upgrade
from tenants.actions.upgrades import preview_return
from tenants.actor import Actor
from tenants.formats import mail_checks as checks
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.sshkeys import fingerprint
from tenants.formats.way_out.archive import new_key
from tenants.models import (
    Account,
    AddressImport,
    AddressRequest,
    CertificateUse,
    Domain,
    DomainRole,
    Event,
    Export,
    HeldName,
    Image,
    Invitation,
    Mailbox,
    Membership,
    Organization,
    OrganizationImport,
    Repository,
    RepositoryReader,
    Run,
    SecondaryServer,
    SigningKey,
    Stack,
    SyncTarget,
    TsigKey,
    UpdateServer,
)
from tests.as_if import file_of, ready_export, ready_file, seen_host, stopped_run
from tests.conftest import make_address
from tests.hosting import HOST_KEY, Rock, build_rock, waiting_reader, waiting_use
from tests.links import ask, decision_link, link_of, sign_in_link
from tests.stacking import build_letter, build_stack, build_upgradable, build_upgrading
from tests.surveying import saw_relay, survey
from tests.tenants.zoning import begin


@dataclass
class World:
    """A domain: connected, waiting for its host key, with a stopped run and open requests; a bare one; and
    one that is `ready` for the stack of `plan`. A part of `stack` failed, `halted` is cancelled, `upgradable`
    has the plans of an upgrade and of its way back to release 2, and `upgrading` is at one."""

    organization: Organization
    domain: Domain
    bare: Domain
    ready: Domain
    offered: Domain
    offer_code: str
    plan: str
    adoption: str
    stack: Stack
    halted: Stack
    upgradable: Stack
    upgrading: Stack
    upgrade_plan: str
    return_plan: str
    holder: Account
    mailbox: Mailbox
    trashed: Mailbox
    alias: Mailbox
    held: HeldName
    repository: Repository
    target: SyncTarget
    run: Run
    request: AddressRequest
    member: Membership
    asked_token: str
    page_token: str
    target_token: str
    link_token: str
    invitation: Invitation
    domain_role: DomainRole
    invited_token: str
    deciding_token: str
    fingerprint: str
    token_id: int
    service_token_id: int
    preview: AddressImport
    change: str
    event_id: int
    zone_repository: Repository
    pinned_repository: Repository
    zone_key: TsigKey
    secondary: SecondaryServer
    signing_key: SigningKey
    export: Export
    export_key: str
    all_export: Export
    all_import: OrganizationImport
    update_server: UpdateServer
    rock: Rock
    reader: RepositoryReader
    use: CertificateUse

    @cached_property
    def names(self) -> dict[str, Any]:
        """What stands for this world's things in addresses and bodies."""
        return {
            "organization": self.organization.pk,
            "domain": self.domain.name,
            "bare": self.bare.name,
            "ready": self.ready.name,
            "plan": self.plan,
            "adoption": self.adoption,
            "stacked": self.stack.domain.name,
            "offered": self.offered.name,
            "offer_code": self.offer_code,
            "halted": self.halted.domain.name,
            "upgradable": self.upgradable.domain.name,
            "upgrading": self.upgrading.domain.name,
            "letter": self.upgradable.canary.rounds.values_list("pk", flat=True).first(),
            "upgrade_plan": self.upgrade_plan,
            "return_plan": self.return_plan,
            "mailbox": self.mailbox.pk,
            "held": self.held.pk,
            "request": self.request.pk,
            "target": self.target.pk,
            "run": self.run.pk,
            "member": self.member.pk,
            "email": self.member.account.email,
            "page": self.page_token,
            "asked": self.asked_token,
            "target_token": self.target_token,
            "link": self.link_token,
            "invitation": self.invitation.pk,
            "role": self.domain_role.pk,
            "invited": self.invited_token,
            "deciding": self.deciding_token,
            "fingerprint": self.fingerprint,
            "token": self.token_id,
            "service_token": self.service_token_id,
            "import": self.preview.pk,
            "digest": self.preview.digest,
            "change": self.change,
            "event": self.event_id,
            "holder": self.holder.email,
            "zone_repository": self.zone_repository.pk,
            "pinned_repository": self.pinned_repository.pk,
            "pinned_target": self.pinned_repository.sync_target.pk,
            "zone_key": self.zone_key.pk,
            "secondary": self.secondary.pk,
            "signing_key": self.signing_key.pk,
            "reader": self.reader.pk,
            "certificate": self.use.zone.certificates.get(host=self.use.host).pk,
            "update_server": self.update_server.pk,
            "held_target": self.update_server.sync_target.pk,
            "export": self.export.pk,
            "export_key": self.export_key,
            "all_export": self.all_export.pk,
            "all_import": self.all_import.pk,
            "all_digest": self.all_import.digest,
            "soon": f"{timezone.now() + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}",
            **self.rock.names,
        }


def build_world(
    owner: Actor,
    organization: Organization,
    domain: Domain,
    *,
    holder: Account | None = None,
    member: Membership | None = None,
) -> World:
    """Fill both; `holder` (or somebody new) holds ada, `member` is the one who can be sent away."""
    name = domain.name
    bare = domains.create_domain(actor=owner, organization=organization, name=f"bare.{name}")
    domains.change_domain(actor=owner, domain=domain, requests="moderated")
    repository = repositories.connect_repository(
        actor=owner, domain=domain, host=f"git.{name}", path="relay.git"
    )
    Repository.objects.filter(pk=repository.pk).update(offered_host_key=HOST_KEY)
    repository.refresh_from_db()
    zone_repository, zone_key, secondary = _zone(owner, domain)
    _checks(owner, domain)
    holder = holder or accounts.account_for(f"holder@people.{name}")
    mailbox = make_address(owner, domain, "ada", holder=holder)
    trashed = make_address(owner, domain, "babbage", "cb@home.example")
    mailboxes.trash_mailbox(actor=owner, mailbox=trashed)
    # As if a pass had proved that it is gone.
    SyncTarget.objects.filter(repository=repository).update(observed_generation=F("generation"))
    targets.add_target(actor=owner, mailbox=mailbox, address="second@home.example")
    alias_rules.change_alias_rules(actor=owner, domain=domain, allowed=True, pattern="{own}-*", most_each=10)
    alias = aliases.create_alias(
        actor=owner,
        domain=domain,
        local_part="team",
        delivers_to=["ada"],
        targets=["team@home.example"],
        expires_at=timezone.now() + timedelta(days=20),
    )
    held = names.hold_name(actor=owner, domain=domain, local_part="spent", reason="Known to spammers")
    request, page_token, confirm_token = ask(domain, "grace")
    request = requests.confirm_request(actor=Actor(), confirm_token=confirm_token)
    _, _, asked_token = ask(domain, "hopper")
    invited = invitations.make_invitation(actor=owner, domain=domain, note="For the harbour", uses=5)
    target = SyncTarget.objects.get(repository=repository)
    row, _ = accounts.create_token(actor=owner, name="old")
    service, _ = create_service_token(actor=owner, organization=organization, role="viewer", wish=Wish("old"))
    rock = build_rock(organization, HOST_KEY)
    key = new_key()
    ready, plan = ready_for_a_stack(owner, domain, rock, zone_repository)
    survey(domain, rock.share)
    update_server = update_servers.connect_update_server(
        actor=owner, organization=organization, name="ns1", address=PUBLIC_SERVER, key=UPDATE_KEY
    )
    # As if it had come out of a backup.
    SyncTarget.objects.filter(update_server=update_server).update(
        held_since=timezone.now(), mode_before="repair"
    )
    return World(
        organization=organization,
        domain=domain,
        bare=bare,
        ready=ready,
        plan=plan,
        adoption=_adoption(owner, ready, rock),
        offered=_offered(domain.organization, f"offered.{name}").offer.domain,
        offer_code=_offered(rock.spare, f"given-{name}").code,
        stack=_stack(owner, domain, rock, "running", "192.0.2.91"),
        halted=_stack(owner, domain, rock, "cancelled", "192.0.2.92"),
        **_upgrades(owner, domain, rock),
        holder=holder,
        mailbox=mailbox,
        trashed=trashed,
        alias=alias,
        held=held,
        repository=repository,
        target=target,
        run=stopped_run(target),
        request=request,
        member=member or add_member(organization, f"member@{name}", "viewer"),
        asked_token=asked_token,
        page_token=page_token,
        target_token=link_of(mailbox, "second@home.example"),
        link_token=sign_in_link(owner),
        invitation=invited.invitation,
        domain_role=domain_roles.give_domain_role(
            actor=owner, domain=domain, email=f"ruth-of-{domain.name}@people.example", role="postmaster"
        ),
        invited_token=invited.url.rpartition("/")[2],
        deciding_token=decision_link(request, owner),
        fingerprint=fingerprint(HOST_KEY),
        token_id=row.pk,
        service_token_id=service.pk,
        preview=imports.preview_import(actor=owner, domain=domain, content=b"address,note\nlovelace,new\n"),
        change=change_url(owner, {target.pk: target.generation}).rstrip("/").rpartition("/")[2],
        # The last change of ada's address: who gets its mail, which its holder may undo too.
        event_id=Event.objects.filter(mailbox=mailbox, verb="add_target").latest("pk").pk,
        zone_repository=zone_repository,
        pinned_repository=_pinned(owner, domain),
        zone_key=zone_key,
        secondary=secondary,
        signing_key=_retired_key(owner, domain),
        export=ready_export(domain, key.public),
        export_key=key.private,
        all_export=ready_file(organization),
        all_import=preview_organization_import(
            actor=owner, organization=organization, content=file_of(f"moved.{domain.name}")
        ),
        rock=rock,
        reader=waiting_reader(repository, rock.unikernel),
        use=waiting_use(secondary.zone, rock.unikernel),
        update_server=update_server,
    )


def _offered(organization: Organization, name: str) -> domain_offers.Offered:
    rookery = Actor.rookery()
    domain = domains.create_domain(actor=rookery, organization=organization, name=name)
    return domain_offers.offer_domain(actor=rookery, domain=domain)


def ready_for_a_stack(owner: Actor, domain: Domain, rock: Rock, zones_at: Repository) -> tuple[Domain, str]:
    """A domain with a relay and a zone, and the plan of a stack in which services fill all roles."""
    ready = domains.create_domain(actor=owner, organization=domain.organization, name=f"ready.{domain.name}")
    begin(owner, ready, zones_at)
    relay = repositories.connect_repository(actor=owner, domain=ready, host=f"git.{ready}", path="r.git")
    Repository.objects.filter(pk=relay.pk).update(host_key=HOST_KEY)
    choices = Choices(rock.share, rock.network, rock.public, images={}, services=SERVICES)
    return ready, preview_stack(actor=owner, domain=ready, choices=choices).digest


def _adoption(owner: Actor, ready: Domain, rock: Rock) -> str:
    """The plan of a stack of a relay that was found, with services in all other roles."""
    Image.objects.filter(pk=rock.image.pk).update(role="relay", era="p23")
    saw_relay(survey(ready, rock.share), rock.unikernel.name, rock.image.sha256)
    services = {role: address for role, address in SERVICES.items() if role != "relay"}
    return preview_adoption(actor=owner, domain=ready, public=rock.public, services=services).digest


def _stack(owner: Actor, domain: Domain, rock: Rock, wanted: str, address: str) -> Stack:
    """That of another domain of the organization."""
    stack = build_stack(_another(owner, domain, wanted), rock.share, rock.network, address, wanted)
    if wanted == Stack.Wanted.RUNNING:
        stack.firewall = Stack.Firewall.OTHERS
        stack.save()
        survey(stack.domain, rock.share)
    return stack


def _another(owner: Actor, domain: Domain, label: str) -> Domain:
    return domains.create_domain(actor=owner, organization=domain.organization, name=f"{label}.{domain.name}")


def _upgrades(owner: Actor, domain: Domain, rock: Rock) -> dict[str, Any]:
    given = (rock.share, rock.network)
    still = build_upgradable(_another(owner, domain, "still"), *given, "192.0.2.94", rock.stopped)
    going = build_upgradable(_another(owner, domain, "going"), *given, "192.0.2.95", rock.stopped)
    build_upgrading(going)
    build_letter(still)
    Image.objects.filter(pk=rock.image.pk).update(era="p23")
    rock.image.refresh_from_db()
    images = {"relay": rock.image}
    return {
        "upgradable": still,
        "upgrading": going,
        "upgrade_plan": preview_upgrade(actor=owner, stack=still, images=images).digest,
        "return_plan": preview_return(actor=owner, release=still.releases.get(number=2)).digest,
    }


SERVICES = {role: f"192.0.2.{number}" for number, role in enumerate(ROLES, start=71)}

# Nobody asks it anything.
PUBLIC_SERVER = "9.9.9.9"
UPDATE_KEY = "rookery.keys.example:SHA256:" + "QUJD" * 8


def _zone(owner: Actor, domain: Domain) -> tuple[Repository, TsigKey, SecondaryServer]:
    """A zone that waits for proof of ownership, with a key and a second name server."""
    repository = zone_repositories.connect_zone_repository(
        actor=owner,
        organization=domain.organization,
        host=f"dns.{domain.name}",
        path="zone.git",
        address="127.0.0.53",
    )
    Repository.objects.filter(pk=repository.pk).update(offered_host_key=HOST_KEY)
    zone = zones.create_zone(actor=owner, domain=domain, repository=repository, address="192.0.2.1")
    key = tsig_keys.create_key(
        actor=owner, repository=repository, zone=zone, used_by="signer", right="update"
    ).row
    server, _ = secondaries.add_secondary(
        actor=owner, zone=zone, host="ns6.gandi.example", address="127.0.0.46", transfer="open"
    )
    return repository, key, server


def _retired_key(owner: Actor, domain: Domain) -> SigningKey:
    """A DKIM key that signs no more, and that a worker computed."""
    key = signing_keys.make_signing_key(actor=owner, domain=domain, selector="s2025").row
    signing_keys.record_public_key(actor=Actor.rookery(), key=key, public_key="QUJD")
    signing_keys.switch_signing_key(actor=owner, key=key, in_use=False)
    return key


def _pinned(owner: Actor, domain: Domain) -> Repository:
    """A zone repository whose host was trusted and looked at; a person may agree to what is to be done."""
    repository = zone_repositories.connect_zone_repository(
        actor=owner,
        organization=domain.organization,
        host=f"pinned.{domain.name}",
        path="zone.git",
        address="127.0.0.54",
    )
    Repository.objects.filter(pk=repository.pk).update(host_key=HOST_KEY)
    seen_host(repository)
    return repository


def _checks(owner: Actor, domain: Domain) -> None:
    """Of mail: one line that is wrong, and one that is muted."""
    found = [checks.Finding(check, checks.Level.FAIL, "It is wrong.") for check in ("mx", "spf")]
    check, at = mail_checks.checks_of(domain), timezone.now()
    mail_checks.record_findings(actor=Actor.rookery(), check=check, findings=found, only=(), at=at)
    until = at + timedelta(days=5)
    mail_checks.mute_check(actor=owner, domain=domain, line="spf", reason="We know.", until=until)


def add_member(organization: Organization, email: str, role: str) -> Membership:
    return organizations.add_member(actor=Actor.rookery(), organization=organization, email=email, role=role)
