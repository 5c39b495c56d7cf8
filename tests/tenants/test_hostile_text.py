"""Hostile text in every argument of every action: refused with a field, or kept as the text that it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from tenants.actions import (
    accounts,
    domains,
    mailboxes,
    organizations,
    repositories,
    requests,
    sign_ins,
    sync,
    targets,
)
from tenants.actor import Actor
from tenants.errors import ActionError, Invalid
from tenants.models import AddressRequest, Domain, Event, Mailbox, Run
from tests.conftest import HASH

pytestmark = pytest.mark.django_db

HOSTILE = [
    "",
    " ",
    "\0",
    "a\0b",
    "line\nbreak",
    "line\r\nBcc: x@y.example",
    "\ud800",
    "\u202etxt",
    "\u200b",
    "{0}{address}{x!r:>9999}",
    "%s%n%(x)s",
    "$(reboot)",
    "`id`",
    "'; DROP TABLE tenants_account; --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "-oProxyCommand=id",
    "=1+1",
    "é" * 70,
    "x" * 20_000,
    "a long one with half a character \ud83d in it",
    "a" * 63 + "@" + "b" * 300 + ".example",
    "@",
    "a@b",
    "münchen.example",
]


@pytest.fixture
def acts(
    olga: Actor, alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox], settings: Any
) -> dict[str, Callable[[str], object]]:
    """Every argument that is text, as one call each."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    organization, mailbox, shell = domain.organization, make_mailbox(), Actor.rookery()
    second = domains.create_domain(actor=alice, organization=organization, name="second.example")
    repository = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    target = repository.sync_target
    run = Run.objects.create(
        target=target, state="stopped", generation=1, title="x", agree_to="ab" * 32, created_at=timezone.now()
    )
    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    waiting = requests.submit_request(
        actor=Actor(), domain=domain, local_part="grace", target="g@home.example", password_hash=HASH
    ).request
    AddressRequest.objects.update(status="confirmed", confirmed_at=timezone.now())

    def connect(**given: str) -> object:
        known = {"host": "git.example.org", "path": "b.git", **given}
        return repositories.connect_repository(actor=alice, domain=second, **known)  # type: ignore[arg-type]

    def create(**given: Any) -> object:
        known = {"local_part": "new", "targets": ["n@home.example"], **given}
        return mailboxes.create_mailbox(actor=alice, domain=domain, **known)

    def submit(**given: str) -> object:
        known = {"local_part": "new", "target": "n@home.example", "password_hash": HASH, **given}
        return requests.submit_request(actor=Actor(), domain=domain, **known)

    return {
        "organization.name": lambda t: organizations.create_organization(actor=olga, name=t),
        "member.email": lambda t: organizations.add_member(
            actor=alice, organization=organization, email=t, role="viewer"
        ),
        "member.role": lambda t: organizations.add_member(
            actor=alice, organization=organization, email="n@people.example", role=t
        ),
        "domain.name": lambda t: domains.create_domain(actor=alice, organization=organization, name=t),
        "domain.requests": lambda t: domains.change_domain(actor=alice, domain=domain, requests=t),
        "domain.submission_host": lambda t: domains.change_domain(
            actor=alice, domain=domain, submission_host=t
        ),
        "mailbox.local_part": lambda t: create(local_part=t),
        "mailbox.target": lambda t: create(targets=[t]),
        "mailbox.targets": lambda t: create(targets=t),
        "mailbox.hash": lambda t: create(password_hash=t),
        "mailbox.note": lambda t: mailboxes.change_note(actor=alice, mailbox=mailbox, note=t),
        "passphrase": lambda t: mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=t),
        "target.add": lambda t: targets.add_target(actor=alice, mailbox=mailbox, address=t),
        "target.remove": lambda t: targets.remove_target(actor=alice, mailbox=mailbox, address=t),
        "target.again": lambda t: targets.send_confirmation_again(actor=alice, mailbox=mailbox, address=t),
        "target.token": lambda t: targets.confirm_target(actor=Actor(), token=t),
        "request.local_part": lambda t: submit(local_part=t),
        "request.target": lambda t: submit(target=t),
        "request.hash": lambda t: submit(password_hash=t),
        "request.message": lambda t: submit(message=t),
        "request.reason": lambda t: requests.refuse_request(actor=alice, request=waiting, reason=t),
        "request.confirm": lambda t: requests.confirm_request(actor=Actor(), confirm_token=t),
        "request.page": lambda t: requests.withdraw_request(actor=Actor(), page_token=t),
        "repository.host": lambda t: connect(host=t),
        "repository.path": lambda t: connect(path=t),
        "repository.branch": lambda t: connect(branch=t),
        "repository.username": lambda t: connect(username=t),
        "repository.reload": lambda t: connect(reload=t),
        "repository.fingerprint": lambda t: repositories.confirm_host_key(
            actor=alice, repository=repository, fingerprint_seen=t
        ),
        "plan.checksum": lambda t: sync.approve_plan(actor=alice, run=run, checksum=t),
        "drift.mode": lambda t: sync.change_drift_mode(actor=alice, target=target, mode=t),
        "operator.email": lambda t: accounts.create_operator(actor=shell, email=t),
        "operator.name": lambda t: accounts.create_operator(actor=shell, email="o@people.example", name=t),
        "link.email": lambda t: accounts.ask_for_sign_in_link(actor=Actor(), email=t),
        "link.token": lambda t: accounts.redeem_sign_in_link(actor=Actor(), token=t),
        "token.name": lambda t: accounts.create_token(actor=alice, name=t),
        "password.set": lambda t: accounts.set_panel_password(actor=alice, password=t),
        "password.email": lambda t: sign_ins.sign_in_with_password(actor=Actor(), email=t, password="x"),
        "password.try": lambda t: sign_ins.sign_in_with_password(
            actor=Actor(), email="alice@people.example", password=t
        ),
    }


def refusal_of(act: Callable[[str], object], text: str) -> ActionError | None:
    """What the action answers; what it did is taken back. Anything but a refusal is a bug."""
    with transaction.atomic():
        try:
            act(text)
        except ActionError as refused:
            return refused
        finally:
            transaction.set_rollback(True)
    return None


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_hostile_text(acts: dict[str, Callable[[str], object]], text: str) -> None:
    for name, act in acts.items():
        refused = refusal_of(act, text)
        if refused is None:
            continue
        assert len(refused.sentence) < 600, name
        assert not set("\0\u202e\ud800\n") & set(refused.sentence), name
        problems = refused.problems if isinstance(refused, Invalid) else ()
        assert problems or not isinstance(refused, Invalid), name
        assert all(each.field and each.problem for each in problems), name


def test_what_is_kept_is_kept_as_text(acts: dict[str, Callable[[str], object]]) -> None:
    for text in ("{0}{address}%s", "<script>alert(1)</script>", "$(reboot)"):
        acts["mailbox.note"](text)
        assert Event.objects.latest("pk").after == {"note": text}
    acts["request.reason"]("{0}{address}%s")
    event = Event.objects.latest("pk")
    assert (event.reason, event.verb) == ("{0}{address}%s", "refuse_request")
