"""The people of every test: alice owns, bob is in her team, charlie is a stranger, olga operates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from tenants.actions import domains, mailboxes, organizations, targets
from tenants.actor import Actor
from tenants.models import Account, Domain, Mailbox, Organization, OutgoingMail, TargetAddress

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HASH = hashlib.blake2b(b"ferry-lantern-otter-quartz-slope-vivid").hexdigest()


def account(name: str, **fields: Any) -> Account:
    row = Account.objects.create(email=f"{name}@people.example", name=name.title(), **fields)
    row.set_unusable_password()
    row.save(update_fields=["password"])
    return row


def join(organization: Organization, person: Account, role: str) -> None:
    """Make somebody a member; the mail that welcomes them is out of the way of tests that count mails."""
    organizations.add_member(actor=Actor.rookery(), organization=organization, email=person.email, role=role)
    OutgoingMail.objects.filter(recipient=person.email).delete()
    person.sign_in_links.all().delete()


def pytest_configure() -> None:
    # Static files are looked up when asked for; else each test's client would walk all of them first.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def olga(db: None) -> Actor:
    """An operator of this Rookery; stands outside organizations."""
    return Actor(account=account("olga", is_staff=True))


@pytest.fixture
def organization(olga: Actor) -> Organization:
    return organizations.create_organization(actor=Actor.rookery(), name="Analytical Society")


@pytest.fixture
def alice(organization: Organization) -> Actor:
    """The owner."""
    person = account("alice")
    join(organization, person, "owner")
    return Actor(account=person)


@pytest.fixture
def bob(organization: Organization) -> Actor:
    """A viewer in alice's team."""
    person = account("bob")
    join(organization, person, "viewer")
    return Actor(account=person)


@pytest.fixture
def charlie(olga: Actor) -> Actor:
    """Owner of another organization: a stranger here."""
    person = account("charlie")
    other = organizations.create_organization(actor=Actor.rookery(), name="Difference Works")
    join(other, person, "owner")
    return Actor(account=person)


@pytest.fixture
def domain(alice: Actor, organization: Organization) -> Domain:
    return domains.create_domain(actor=alice, organization=organization, name="example.org")


@pytest.fixture
def make_mailbox(alice: Actor, domain: Domain) -> Callable[..., Mailbox]:
    """An address of alice's domain whose target has confirmed."""
    return partial(make_address, alice, domain)


def make_address(
    owner: Actor, domain: Domain, local_part: str = "ada", target: str = "ada@home.example", **extra: Any
) -> Mailbox:
    """An address whose target has confirmed; `extra` goes to the action."""
    extra.setdefault("password_hash", HASH)
    mailbox = mailboxes.create_mailbox(
        actor=owner, domain=domain, local_part=local_part, targets=[target], **extra
    )
    confirm_all(mailbox)
    mailbox.refresh_from_db()
    return mailbox


def confirm_all(mailbox: Mailbox) -> None:
    """Every target agrees, by the same door as the button in the mail."""
    from tenants import tokens

    for row in mailbox.targets.filter(confirmed_at=None):
        token = tokens.new_token()
        TargetAddress.objects.filter(pk=row.pk).update(digest=tokens.digest(token))
        targets.confirm_target(actor=Actor(), token=token)


# Tests in a real browser; Playwright is imported for them only. ---------------------------------------


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless browser for all tests; skipped where Debian's package is not installed."""
    from tests.chromium import CHROMIUM, started_chromium

    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium: apt install chromium")
    with started_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty page in a context of its own (no cookies, no storage of other tests)."""
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    try:
        yield context.new_page()
    finally:
        context.close()
