"""Two organizations with one thing of every kind, for the rows of this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.utils import timezone

from tenants.actions import (
    aliases,
    domain_offers,
    domain_roles,
    domains,
    holders,
    host_shares,
    invitations,
    mail_checks,
    mailboxes,
    names,
    organizations,
    record_sets,
    repositories,
    requests,
    secondaries,
    signing_keys,
    suspension,
    targets,
    tsig_keys,
    update_servers,
    zone_endings,
    zones,
)
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint, new_ssh_key
from tenants.formats.way_out.archive import new_key
from tenants.models import (
    Account,
    AddressRequest,
    BuildServer,
    CertificateUse,
    CheckLine,
    Condition,
    Domain,
    DomainRole,
    Export,
    Finding,
    Firewall,
    FirewallRule,
    HeldName,
    Host,
    HostShare,
    Image,
    ImageFeed,
    ImageFetch,
    Invitation,
    Mailbox,
    Membership,
    Network,
    Organization,
    PublicAddress,
    Repository,
    RepositoryReader,
    Run,
    SecondaryServer,
    SigningKey,
    Stack,
    SyncTarget,
    TsigKey,
    Unikernel,
    UpdateServer,
    Volume,
    Webhook,
    WebhookDelivery,
    Zone,
)
from tests.as_if import ready_export, seen_host
from tests.conftest import HASH, account, join
from tests.exchanges import shared_pair
from tests.hosting import Rock, build_rock, waiting_reader, waiting_use
from tests.stacking import build_letter, build_stack, build_upgradable, build_upgrading
from tests.surveying import saw_relay, survey
from tests.tenants.zoning import begin, connect
from tests.world import HOST_KEY, UPDATE_KEY


@dataclass
class World:
    organization: Organization
    domain: Domain
    mailbox: Mailbox
    trashed: Mailbox
    untouched: Mailbox
    alias: Mailbox
    held: HeldName
    shared: Mailbox
    request: AddressRequest
    invitation: Invitation
    membership: Membership
    program: Membership
    repository: Repository
    target: SyncTarget
    run: Run
    fingerprint: str
    zone: Zone
    zones_at: Repository
    key: TsigKey
    secondary: SecondaryServer
    signing_key: SigningKey
    old_signing_key: SigningKey
    export: Export
    export_key: str
    unproved: Zone
    let_go: Zone
    updated: UpdateServer
    held_target: SyncTarget
    host: Host
    share: HostShare
    bare_host: HostShare
    image: Image
    bare_image: Image
    network: Network
    bare_network: Network
    unikernel: Unikernel
    stopped: Unikernel
    guest_share: HostShare
    spare: Organization
    suspended: Organization
    domain_role: DomainRole
    reader: RepositoryReader
    use: CertificateUse
    fetch: ImageFetch
    feed: ImageFeed
    webhook: Webhook
    delivery: WebhookDelivery
    volume: Volume
    build_server: BuildServer
    firewall: Firewall
    firewall_rule: FirewallRule
    public: PublicAddress
    stack: Stack
    halted: Stack
    upgradable: Stack
    upgrading: Stack
    ready: Domain
    offered: Domain
    offer_code: str
    unbound: Domain


Act = Callable[[Actor, World], object]
Rows = dict[str, tuple[str, Act]]


def member(organization: Organization, name: str, role: str) -> Actor:
    person = account(name)
    join(organization, person, role)
    return Actor(account=person)


def reread(world: World) -> World:
    """The same rows as they are in the database: actions change those that they are given."""
    return replace(
        world,
        **{
            name: type(row)._default_manager.get(pk=row.pk)
            for name, row in vars(world).items()
            if isinstance(row, Model)
        },
    )


def program(organization: Organization) -> Membership:
    """A program of the organization."""
    row = Account.objects.create(email=f"program-1@{Account.SERVICES}", name="nightly", is_service=True)
    return Membership.objects.create(organization=organization, account=row, role="viewer")


def switched_off(organization: Organization) -> Any:
    person = account("ophelia")
    organizations.add_member(
        actor=Actor.rookery(), organization=organization, email=person.email, role="owner"
    )
    person.is_active = False
    person.save()
    return person


def _held(target: SyncTarget) -> SyncTarget:
    """As if it had come out of a backup."""
    SyncTarget.objects.filter(pk=target.pk).update(held_since=timezone.now(), mode_before="report")
    return target


def build_world(
    people: dict[str, Actor], alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> World:
    second = domains.create_domain(actor=alice, organization=domain.organization, name="second.example")
    assert second.pk
    zones_at = connect(alice, domain)
    zone = begin(alice, domain, zones_at)
    Repository.objects.filter(pk=zones_at.pk).update(host_key=HOST_KEY)
    zones_at.refresh_from_db()
    seen_host(zones_at)
    record_sets.set_record_set(actor=alice, zone=zone, owner="old", record_type="A", data=["192.0.2.9"])
    key = tsig_keys.create_key(
        actor=alice, repository=zones_at, zone=zone, used_by="signer", right="update"
    ).row
    secondary, _ = secondaries.add_secondary(
        actor=alice, zone=zone, host="ns7.gandi.example", address="127.0.0.41", transfer="open"
    )
    signing_key = signing_keys.make_signing_key(actor=alice, domain=domain, selector="now").row
    old_signing_key = signing_keys.make_signing_key(actor=alice, domain=domain, selector="old").row
    signing_keys.switch_signing_key(actor=alice, key=old_signing_key, in_use=False)
    fourth = domains.create_domain(actor=alice, organization=domain.organization, name="fourth.example")
    third = domains.create_domain(actor=alice, organization=domain.organization, name="third.example")
    checked = mail_checks.checks_of(domain)
    for line in ("mx", "spf"):
        CheckLine.objects.create(
            check_of=checked,
            line=line,
            position=0,
            level="fail",
            sentence="wrong",
            since=timezone.now(),
            looked_at=timezone.now(),
        )
    mail_checks.mute_check(
        actor=alice, domain=domain, line="spf", reason="known", until=timezone.now() + timedelta(days=5)
    )
    unproved = zones.create_zone(actor=alice, domain=third, repository=zones_at)
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    _, line = new_ssh_key("host")
    Repository.objects.update(offered_host_key=line)
    mailbox = make_mailbox(holder=people["H"].account)
    targets.add_target(actor=alice, mailbox=mailbox, address="later@home.example")
    shared_pair(mailbox)
    trashed = make_mailbox("old", target="old@home.example", holder=people["H"].account)
    mailboxes.trash_mailbox(actor=alice, mailbox=trashed)
    make_mailbox("bob", target="bob@home.example")
    alias = aliases.create_alias(
        actor=alice,
        domain=domain,
        local_part="team",
        delivers_to=["ada"],
        expires_at=timezone.now() + timedelta(days=5),
    )
    held = names.hold_name(actor=alice, domain=domain, local_part="gone")
    shared = make_mailbox("shared", target="sh@home.example", holder=people["H"].account)
    holders.add_holder(actor=alice, mailbox=shared, email="erin@people.example")
    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    request = requests.submit_request(
        actor=Actor(), domain=domain, local_part="grace", target="g@home.example", password_hash=HASH
    ).request
    AddressRequest.objects.update(status="confirmed", confirmed_at=timezone.now())
    invitation = invitations.make_invitation(actor=alice, domain=domain).invitation
    target = repository.sync_target
    run = Run.objects.create(
        target=target, state="stopped", generation=1, title="x", agree_to="ab" * 32, created_at=timezone.now()
    )
    Condition.objects.create(
        target=target,
        type="ReloadPending",
        status=True,
        reason="x",
        message="x",
        since=timezone.now(),
        seen_at=timezone.now(),
    )
    Finding.objects.create(
        target=target,
        unit="mary",
        kind=Finding.Kind.FOREIGN,
        sentence="ptt uses it.",
        outside_id="1" * 40,
        takeable=True,
        since=timezone.now(),
    )
    target.refresh_from_db()
    # As if a pass had just proved everything.
    SyncTarget.objects.filter(pk=target.pk).update(observed_generation=target.generation)
    target.refresh_from_db()
    rock = build_rock(domain.organization, line)
    key_pair = new_key()
    ready = _ready_for_a_stack(alice, domain.organization, zones_at, rock)
    given = (rock.share, rock.network)
    return World(
        unbound=domains.create_domain(actor=alice, organization=domain.organization, name="unbound.example"),
        offered=_offered(domain.organization, "offered.example").offer.domain,
        offer_code=_offered(rock.spare, "theirs.example").code,
        ready=ready,
        stack=_led_to_by_others(build_stack(domain, *given, "192.0.2.91", "running")),
        halted=build_stack(second, *given, "192.0.2.92", "cancelled"),
        upgradable=_followed(build_upgradable(third, *given, "192.0.2.93", rock.stopped)),
        upgrading=build_upgrading(build_upgradable(fourth, *given, "192.0.2.94", rock.stopped)).stack,
        suspended=_suspended(people["P"]),
        domain_role=domain_roles.give_domain_role(
            actor=alice, domain=domain, email="ruth@people.example", role="postmaster"
        ),
        organization=domain.organization,
        domain=domain,
        mailbox=mailbox,
        trashed=trashed,
        untouched=make_mailbox("untouched", holder=people["H"].account),
        alias=alias,
        held=held,
        shared=shared,
        request=request,
        invitation=invitation,
        program=program(domain.organization),
        membership=Membership.objects.get(account__email="bob@people.example"),
        repository=repository,
        target=target,
        run=run,
        fingerprint=fingerprint(line),
        zone=Zone.objects.get(pk=zone.pk),
        zones_at=zones_at,
        key=TsigKey.objects.get(pk=key.pk),
        secondary=secondary,
        signing_key=signing_key,
        old_signing_key=old_signing_key,
        export=ready_export(domain, key_pair.public),
        export_key=key_pair.private,
        unproved=unproved,
        reader=waiting_reader(repository, rock.unikernel),
        use=waiting_use(zone, rock.unikernel),
        **vars(rock),
        let_go=zone_endings.let_go_zone(actor=alice, zone=begin(alice, fourth, zones_at)),
        held_target=_held(repository.sync_target),
        updated=update_servers.connect_update_server(
            actor=alice,
            organization=domain.organization,
            name="ns1",
            address="9.9.9.9",
            key=UPDATE_KEY,
        ),
    )


def _offered(organization: Organization, name: str) -> domain_offers.Offered:
    rookery = Actor.rookery()
    domain = domains.create_domain(actor=rookery, organization=organization, name=name)
    return domain_offers.offer_domain(actor=rookery, domain=domain)


def _suspended(operator: Actor) -> Organization:
    row = organizations.create_organization(actor=Actor.rookery(), name="Unpaid")
    return suspension.suspend_organization(actor=operator, organization=row, reason="Unpaid since May.")


def _followed(stack: Stack) -> Stack:
    build_letter(stack)
    return stack


def _led_to_by_others(stack: Stack) -> Stack:
    """As if it had been taken over."""
    stack.firewall = Stack.Firewall.OTHERS
    stack.save()
    return stack


def _ready_for_a_stack(alice: Actor, organization: Organization, zones_at: Repository, rock: Rock) -> Domain:
    """A domain with a relay and a zone, and room for eight unikernels."""
    ready = domains.create_domain(actor=alice, organization=organization, name="ready.example")
    begin(alice, ready, zones_at)
    relay = repositories.connect_repository(actor=alice, domain=ready, host="git.example.org", path="r.git")
    Repository.objects.filter(pk=relay.pk).update(host_key=HOST_KEY)
    host_shares.change_quota(actor=Actor.rookery(), share=rock.share, memory=4096, most_unikernels=20)
    Image.objects.filter(pk=rock.image.pk).update(era="p23")
    Image.objects.filter(pk=rock.image.pk).update(role="relay", era="p23")
    saw_relay(survey(ready, rock.share), "relay", rock.image.sha256)
    return ready
