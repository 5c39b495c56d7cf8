"""More of everything that lists hold, by the rows themselves: fifty of each would take actions too long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import Model
from django.utils import timezone

from tenants import tokens
from tenants.models import (
    Account,
    AddressRequest,
    AddressWarning,
    ApiToken,
    BuildServer,
    Certificate,
    Condition,
    ConsoleLine,
    Delivery,
    Domain,
    DomainRole,
    Event,
    Evidence,
    HeldName,
    Holding,
    Invitation,
    Mailbox,
    Membership,
    Notice,
    Organization,
    Repository,
    Run,
    Sample,
    Stack,
    Step,
    SyncTarget,
    TargetAddress,
    UnikernelExit,
    Volume,
)
from tests.world import World

Row = TypeVar("Row", bound=Model)


def grow(world: World, owner: Account, count: int) -> None:
    """`count` more of each, with all that hangs on them, in `world` and seen by `owner`."""
    for _ in range(count):
        number = Mailbox.objects.count()
        name = f"n{number}"
        person = Account.objects.create(email=f"{name}@people.example", name=name)
        Membership.objects.create(organization=world.organization, account=person, role="viewer")
        _organization(name, owner)
        _token(name, owner)
        target = _connected(name, world.organization, stopped=number % 3 == 0)
        assert target.repository is not None
        assert target.repository.domain is not None
        for domain, place in ((world.domain, world.target), (target.repository.domain, target)):
            _run(name, place, person)
            _address(name, domain, place, person, holder=owner, enabled=number % 2 == 0)
            _address(f"t{name}", domain, place, person, trashed_at=timezone.now())
            _request(name, domain, owner)
            ended = {"decided_by": person, "decided_at": timezone.now(), "reason": name}
            _request(name, domain, owner, status="refused", **ended)
        _invitation(name, world.domain, person)
        DomainRole.objects.create(domain=world.domain, account=person, role="observer")
        _target(name, world.mailbox)
        of_this_domain = Mailbox.objects.filter(domain=world.domain).latest("pk")
        AddressWarning.objects.create(
            mailbox=of_this_domain, kind="loop", sentence=name, since=timezone.now()
        )
        _alias(name, world, owner)
        _event(name, world.mailbox, world.target, person, verb="change_note")
        _names(name, world, number)
        _machines(name, world, number)
        _notice(name, world.domain, owner)
        Step.objects.create(run=world.run, index=number, name=name, title=name)
        Evidence.objects.create(run=world.run, name=name, value=name, seen_at=timezone.now())


def _copy(row: Row, **changes: Any) -> Row:
    """Another row like this one."""
    found = type(row)._default_manager.get(pk=row.pk)
    found.pk, found._state.adding = None, True
    for column, value in changes.items():
        setattr(found, column, value)
    found.save()
    return found


def _names(name: str, world: World, number: int) -> None:
    """In a zone: records, keys and name servers; and another repository of zones."""
    zone = world.secondary.zone
    _copy(zone.record_sets.earliest("pk"), owner=f"{name}.{zone.name}")
    _copy(world.zone_key, name=f"{name}._update.{zone.name}", replaces=None)
    _copy(world.signing_key, selector=name)
    _copy(world.export, state="fetched", archive=None)
    now = timezone.now()
    Certificate.objects.create(zone=zone, host=name, standing="pending", since=now, looked_at=now)
    _copy(world.secondary, host=f"ns{name}.dns.example", address=f"127.1.0.{number % 250}", key=None)


def _machines(name: str, world: World, number: int) -> None:
    rock = world.rock
    _copy(rock.image, sha256=tokens.new_token(), name=name)
    _copy(rock.fetch, name=name)
    _copy(rock.feed, job=name)
    _copy(rock.webhook, name=name)
    _copy(rock.delivery, message_id=name)
    rock.delivery.attempts.create(at=timezone.now(), milliseconds=number, answer=name)
    BuildServer.objects.get_or_create(name=f"{name}.builds.example")
    host = _copy(rock.host, name=name)
    share = _copy(rock.share, host=host, path=name)
    _copy(rock.share.sync_target, host_share=share)
    _copy(rock.firewall_rule, position=number + 2, port=1000 + number)
    _copy(rock.network, bridge=name, subnet=f"10.1.{number % 250}.0/24")
    _copy(rock.unikernel, name=name)
    letter = world.upgradable.canary.rounds.earliest("pk")
    _copy(letter, tag=tokens.new_token()[:40])
    _stack(f"stacked.{name}.example", world.stack, f"198.18.{number // 250}.{number % 250}")
    seen = {"unikernel": rock.unikernel, "at": timezone.now()}
    ConsoleLine.objects.create(**seen, text=name)
    UnikernelExit.objects.create(**seen, code=2, words=name)
    Sample.objects.create(**seen, cpu=number, memory=1, received=1, sent=1, lasting=True)
    for row in (share, rock.share):
        Volume.objects.create(share=row, label=name, size=1)


def _stack(name: str, like: Stack, address: str) -> None:
    """Another one like this, of a domain of its own."""
    domain = Domain.objects.create(organization=like.domain.organization, name=name)
    stack = _copy(like, domain=domain, public=_copy(like.public, address=address), release=None)
    Stack.objects.filter(pk=stack.pk).update(release=_copy(like.releases.get(), stack=stack))
    _copy(like.sync_target, stack=stack)


def _organization(name: str, owner: Account) -> None:
    other = Organization.objects.create(name=name)
    Membership.objects.create(organization=other, account=owner, role="owner")


def _alias(name: str, world: World, owner: Account) -> None:
    now = timezone.now()
    alias = Mailbox.objects.create(
        domain=world.domain, local_part=f"{name}-alias", kind="alias", changed_at=now, expires_at=now
    )
    Delivery.objects.create(alias=alias, mailbox=world.mailbox)
    HeldName.objects.create(
        domain=world.domain, local_part=name, kind="never", since=now, by=owner, by_name=name
    )


def _token(name: str, owner: Account) -> None:
    ApiToken.objects.create(account=owner, name=name, digest=tokens.new_token(), hint="rk_")


def _connected(name: str, organization: Organization, *, stopped: bool) -> SyncTarget:
    now = timezone.now()
    domain = Domain.objects.create(organization=organization, name=f"{name}.example", requests="moderated")
    repository = Repository.objects.create(
        organization=organization,
        domain=domain,
        host=f"git.{name}.example",
        path="relay.git",
        public_key="ssh-ed25519 AAAA",
        sealed_key=b"x",
    )
    target = SyncTarget.objects.create(
        kind=SyncTarget.Kind.RELAY_REPOSITORY, organization=organization, repository=repository, marked_at=now
    )
    for kind in (Condition.Type.SYNCED, Condition.Type.REACHABLE):
        Condition.objects.create(
            target=target, type=kind, status=True, reason="x", message=name, since=now, seen_at=now
        )
    if stopped:
        SyncTarget.objects.filter(pk=target.pk).update(stop_code="plan-needs-agreement", stop_generation=1)
        Run.objects.create(target=target, state="stopped", generation=1, title=name, created_at=now)
    return target


def _notice(name: str, domain: Domain, person: Account) -> None:
    Notice.objects.create(
        account=person,
        kind="checks_turned",
        domain=domain,
        organization=domain.organization,
        thing_type="Domain",
        thing_id=domain.pk,
        path=f"/d/{domain}/checks",
        line=name,
        at=timezone.now(),
    )


def _run(name: str, target: SyncTarget, person: Account) -> None:
    now = timezone.now()
    run = Run.objects.create(
        target=target, state="succeeded", generation=1, title=name, asked_by=person, created_at=now
    )
    Step.objects.create(run=run, index=0, name="observe", title=name, state="done")
    Evidence.objects.create(run=run, name="Commit", value=name, seen_at=now)


def _address(
    name: str,
    domain: Domain,
    place: SyncTarget,
    person: Account,
    *,
    holder: Account | None = None,
    **more: Any,
) -> None:
    mailbox = Mailbox.objects.create(
        domain=domain,
        local_part=name,
        kind=Mailbox.Kind.ALIAS,
        changed_at=timezone.now(),
        **more,
    )
    if holder is not None:
        Holding.objects.create(mailbox=mailbox, account=holder, since=timezone.now())
    _target(name, mailbox)
    _event(name, mailbox, place, person, verb="create_mailbox")


def _target(name: str, mailbox: Mailbox) -> None:
    TargetAddress.objects.create(
        mailbox=mailbox,
        address=f"{name}@home.example",
        digest=tokens.new_token(),
        asked_at=timezone.now(),
    )


def _event(name: str, mailbox: Mailbox, place: SyncTarget, person: Account, *, verb: str) -> None:
    Event.objects.create(
        organization=mailbox.domain.organization,
        domain=mailbox.domain,
        mailbox=mailbox,
        sync_target=place,
        generation=1,
        verb=verb,
        subject=name,
        sentence=name,
        actor=person,
        actor_name=name,
        at=timezone.now(),
    )


def _request(name: str, domain: Domain, asker: Account, status: str = "confirmed", **decided: Any) -> None:
    AddressRequest.objects.create(
        domain=domain,
        local_part=name,
        target="x@home.example",
        status=status,
        asked_at=timezone.now(),
        confirmed_at=timezone.now(),
        account=asker,
        confirm_digest=tokens.new_token(),
        page_digest=tokens.new_token(),
        sealed_hash=b"x" if status == "confirmed" else None,
        **decided,
    )


def _invitation(name: str, domain: Domain, person: Account) -> None:
    now = timezone.now()
    Invitation.objects.create(
        domain=domain,
        digest=tokens.new_token(),
        note=name,
        uses=1,
        uses_left=1,
        made_by=person,
        created_at=now,
        expires_at=now + timedelta(days=9),
    )
