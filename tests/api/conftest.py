"""A domain with something of everything, and a client for each role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from tenants import tokens
from tenants.actions import accounts, domains, mailboxes, organizations, repositories, requests
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.models import (
    AddressRequest,
    Condition,
    Domain,
    Evidence,
    Finding,
    Mailbox,
    Organization,
    Repository,
    Run,
    Step,
    SyncTarget,
    TargetAddress,
)
from tests.api.client import Api
from tests.conftest import HASH, account

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
CHECKSUM = "c" * 64


@pytest.fixture(autouse=True, scope="session")
def _static_root() -> None:
    """The server of static files warns about a folder that nobody collected into."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(autouse=True)
def _fresh_limits() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def api() -> Callable[..., Api]:
    """`api(actor)`: a client with a fresh token of that person; `api(None)`: without any."""

    def make(actor: Actor | None, **wish: Any) -> Api:
        if actor is None:
            return Api()
        _, key = accounts.create_token(actor=actor, name="test", **wish)
        return Api(key)

    return make


@pytest.fixture
def mona(organization: Organization) -> Actor:
    """A manager in alice's team."""
    person = account("mona")
    organizations.add_member(
        actor=Actor.rookery(), organization=organization, email=person.email, role="manager"
    )
    return Actor(account=person)


@dataclass
class World:
    """example.org: connected, waiting for its host key, with a stopped run and open requests."""

    organization: Organization
    domain: Domain
    bare: Domain
    mailbox: Mailbox
    trashed: Mailbox
    repository: Repository
    target: SyncTarget
    run: Run
    request: AddressRequest
    asked_token: str
    page_token: str
    target_token: str
    fingerprint: str
    token_id: int


@pytest.fixture
def world(
    organization: Organization, domain: Domain, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> World:
    bare = domains.create_domain(actor=alice, organization=organization, name="bare.example")
    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    Repository.objects.filter(pk=repository.pk).update(offered_host_key=HOST_KEY)
    repository.refresh_from_db()
    mailbox, trashed = make_mailbox("ada"), make_mailbox("babbage", "cb@home.example")
    mailboxes.trash_mailbox(actor=alice, mailbox=trashed)
    target_token = tokens.new_token()
    TargetAddress.objects.create(
        mailbox=mailbox,
        address="second@home.example",
        digest=tokens.digest(target_token),
        asked_at=timezone.now(),
    )
    request, page_token = _asked(domain, "grace", confirmed=True)
    asked_token = tokens.new_token()
    waiting, _ = _asked(domain, "hopper", confirmed=False)
    AddressRequest.objects.filter(pk=waiting.pk).update(confirm_digest=tokens.digest(asked_token))
    target = SyncTarget.objects.get(repository=repository)
    run = _stopped_run(target)
    row, _ = accounts.create_token(actor=alice, name="old")
    return World(
        organization=organization,
        domain=domain,
        bare=bare,
        mailbox=mailbox,
        trashed=trashed,
        repository=repository,
        target=target,
        run=run,
        request=request,
        asked_token=asked_token,
        page_token=page_token,
        target_token=target_token,
        fingerprint=fingerprint(HOST_KEY),
        token_id=row.pk,
    )


def _asked(domain: Domain, local_part: str, *, confirmed: bool) -> tuple[AddressRequest, str]:
    done = requests.submit_request(
        actor=Actor(),
        domain=domain,
        local_part=local_part,
        target=f"{local_part}@home.example",
        password_hash=HASH,
        message="We met at the harbour.",
    )
    row = done.request
    if confirmed:
        AddressRequest.objects.filter(pk=row.pk).update(status="confirmed", confirmed_at=timezone.now())
        row.refresh_from_db()
    return row, done.page_token


def _stopped_run(target: SyncTarget) -> Run:
    now = timezone.now()
    run = Run.objects.create(
        target=target,
        state=Run.State.STOPPED,
        generation=target.generation,
        title="Write 3 changes to relay.git of example.org",
        outcome="many-deletions",
        advice="Half of all entries would go. Read the plan and agree to it.",
        plan={"changes": [{"unit": "ada", "kind": "delete"}]},
        plan_checksum=CHECKSUM,
        agree_to=CHECKSUM,
        created_at=now,
        started_at=now,
        finished_at=now + timedelta(seconds=1),
    )
    Step.objects.create(run=run, index=0, name="observe", title="Look at the outside", state="done")
    Evidence.objects.create(run=run, name="commit", value="3f2a91c" + "0" * 33, seen_at=now)
    Finding.objects.create(
        target=target,
        unit="foreign",
        kind=Finding.Kind.FOREIGN,
        sentence="ptt uses it.",
        outside="{}",
        outside_id="1" * 40,
        takeable=True,
        since=now,
    )
    Condition.objects.create(
        target=target,
        type=Condition.Type.RELOAD_PENDING,
        status=True,
        reason="RestartByHand",
        message="Restart submission, then relay.",
        details={"unikernels": ["submission", "relay"]},
        since=now,
        seen_at=now,
    )
    return run
