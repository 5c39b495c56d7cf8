"""What the database refuses, whatever code writes to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from tenants.actions import repositories, requests
from tenants.actor import Actor
from tenants.models import (
    Account,
    AddressRequest,
    ApiToken,
    Condition,
    Domain,
    Installation,
    Mailbox,
    Membership,
    Organization,
    OutgoingMail,
    Repository,
    Run,
    SyncTarget,
    TargetAddress,
)
from tests.conftest import HASH

# Held together with another column; tried below.
TWO_COLUMNS = {("mailbox", "kind")}
NOW = timezone.now


def checked_choices(model: type[models.Model]) -> dict[str, set[str]]:
    """Column → what its constraint allows."""
    found = {}
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint) and constraint.name.endswith("_is_a_choice"):
            [(lookup, values)] = constraint.condition.children
            found[lookup.removesuffix("__in")] = set(values)
    return found


@pytest.mark.parametrize("model", list(apps.get_app_config("tenants").get_models()))
def test_every_choice_is_held_by_the_database(model: type[models.Model]) -> None:
    declared = {
        field.name: {value for value, _ in field.choices} | ({""} if field.blank else set())
        for field in model._meta.concrete_fields
        if field.choices and (model._meta.model_name, field.name) not in TWO_COLUMNS
    }
    assert checked_choices(model) == declared


@pytest.fixture
def rows(
    alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox], db: None
) -> dict[str, models.Model]:
    """One row of everything that has a rule."""
    mailbox = make_mailbox()
    alias = make_mailbox("info", password_hash="")
    Domain.objects.update(requests="moderated")
    requests.submit_request(
        actor=Actor(), domain=domain, local_part="grace", target="g@home.example", password_hash=HASH
    )
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    run = Run.objects.create(
        target=repository.sync_target, mode="preview", generation=1, title="x", created_at=NOW()
    )
    condition = Condition.objects.create(
        target=repository.sync_target,
        type="Synced",
        status=True,
        reason="x",
        message="x",
        since=NOW(),
        seen_at=NOW(),
    )
    token = ApiToken.objects.create(account=alice.account, name="x", digest="x", hint="x")
    Installation.current_id()
    return {
        "account": alice.account,  # type: ignore[dict-item]
        "domain": domain,
        "organization": domain.organization,
        "membership": Membership.objects.get(account=alice.account),
        "mailbox": mailbox,
        "alias": alias,
        "target": mailbox.targets.get(),
        "request": AddressRequest.objects.get(),
        "repository": repository,
        "sync": repository.sync_target,
        "run": run,
        "condition": condition,
        "token": token,
        "mail": OutgoingMail.objects.all()[0],
        "installation": Installation.objects.get(),
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("account", {"email": "Alice@people.example"}),
        ("account", {"email": ""}),
        ("domain", {"name": "Example.org"}),
        ("domain", {"name": ""}),
        ("domain", {"requests": "open"}),
        ("organization", {"name": ""}),
        ("organization", {"mailbox_count": 1001}),
        ("organization", {"domain_quota": 0}),
        ("membership", {"role": "operator"}),
        ("mailbox", {"sealed_hash": None}),
        ("mailbox", {"local_part": "Ada"}),
        ("mailbox", {"local_part": ""}),
        ("mailbox", {"local_part": "info"}),
        ("mailbox", {"kind": "alias"}),
        ("mailbox", {"kind": "list"}),
        ("alias", {"kind": "mailbox"}),
        ("alias", {"sealed_hash": b"x"}),
        ("target", {"source": "guess"}),
        ("request", {"status": "confirmed"}),
        ("request", {"status": "lost"}),
        ("request", {"status": "expired", "decided_at": NOW()}),
        ("request", {"status": "expired", "sealed_hash": None}),
        ("request", {"status": "approved", "sealed_hash": None, "decided_at": NOW()}),
        (
            "request",
            {
                "status": "refused",
                "sealed_hash": None,
                "confirmed_at": NOW(),
                "decided_at": NOW(),
                "reason": "",
            },
        ),
        ("request", {"decided_at": NOW()}),
        ("repository", {"port": 0}),
        ("repository", {"port": 65536}),
        ("repository", {"path": ""}),
        ("repository", {"host": ""}),
        ("repository", {"reload": "cloud"}),
        ("repository", {"restart_quiet": 601}),
        ("repository", {"restart_apart": 29}),
        ("sync", {"observed_generation": 2}),
        ("sync", {"repository": None}),
        ("sync", {"drift_mode": ""}),
        ("sync", {"kind": "carrier pigeon"}),
        ("run", {"state": "lost"}),
        ("run", {"mode": "force"}),
        ("condition", {"type": "Bored"}),
        ("token", {"name": ""}),
        ("mail", {"sent_at": NOW()}),
        ("mail", {"given_up_at": NOW()}),
        ("installation", {"singleton": False}),
    ],
)
def test_what_makes_no_sense_is_refused(
    rows: dict[str, models.Model], name: str, values: dict[str, Any]
) -> None:
    row = rows[name]
    with pytest.raises(IntegrityError), transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).update(**values)


def test_what_is_there_once(rows: dict[str, models.Model], organization: Organization) -> None:
    again: list[Callable[[], object]] = [
        lambda: Organization.objects.create(name="ANALYTICAL society"),
        lambda: Account.objects.create(email="alice@people.example"),
        Installation.objects.create,
        lambda: TargetAddress.objects.create(
            mailbox=rows["mailbox"], address="ADA@home.example", digest="y", asked_at=NOW()
        ),
        lambda: Run.objects.create(
            target=rows["sync"], mode="preview", generation=1, title="y", created_at=NOW()
        ),
        lambda: Repository.objects.create(
            organization=organization,
            host="git.example.org",
            path="relay.git",
            public_key="k",
            sealed_key=b"k",
        ),
        lambda: SyncTarget.objects.create(
            kind="relay_repository",
            organization=organization,
            repository=rows["repository"],
            marked_at=NOW(),
        ),
    ]
    for make in again:
        with pytest.raises(IntegrityError), transaction.atomic():
            make()
