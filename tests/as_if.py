"""Rows as if a worker or another panel had made them."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from tenants.formats.organization_file import FORMAT, VERSION, MailDomain, OrganizationFile, written
from tenants.formats.way_out.archive import sealed
from tenants.models import (
    Condition,
    Domain,
    Evidence,
    Export,
    Finding,
    HostSetup,
    Organization,
    Repository,
    Run,
    Step,
    SyncTarget,
)

CHECKSUM = "c" * 64


def ready_export(domain: Domain, public_key: bytes) -> Export:
    """As if a worker had made it."""
    return Export.objects.create(
        organization=domain.organization,
        domain=domain,
        state=Export.State.READY,
        public_key=public_key,
        archive=sealed(b"an archive", public_key),
        asked_at=timezone.now(),
        expires_at=timezone.now() + timedelta(hours=1),
    )


def ready_file(organization: Organization) -> Export:
    """The same of an organization, without secrets."""
    return Export.objects.create(
        organization=organization,
        state=Export.State.READY,
        archive=b'{"name": "the archive of an organization"}',
        asked_at=timezone.now(),
        expires_at=timezone.now() + timedelta(hours=1),
    )


def file_of(domain: str) -> bytes:
    """The file of an organization with this domain alone."""
    return written(
        OrganizationFile(FORMAT, VERSION, "2026-11-22T09:00:00Z", "Away", (), (MailDomain(domain, "closed"),))
    )


def seen_host(repository: Repository) -> HostSetup:
    """What a worker saw of its git host, with one thing to do."""
    return HostSetup.objects.create(
        repository=repository,
        state=HostSetup.State.TODO,
        sentence="Read what is to be done; nothing was changed yet.",
        steps=[{"sentence": "Let it refuse the deletion of a branch.", "command": "git config x true"}],
        right=["It is a bare repository."],
        problems=["The key ssh-ed25519 … is in authorized_keys with other rights."],
        plan=CHECKSUM,
        asked_at=timezone.now(),
        looked_at=timezone.now(),
    )


def stopped_run(target: SyncTarget) -> Run:
    """A pass that the guard held back, and mail servers that wait for a restart by hand."""
    now = timezone.now()
    run = Run.objects.create(
        target=target,
        state=Run.State.STOPPED,
        generation=target.generation,
        title="Write 3 changes to relay.git",
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
