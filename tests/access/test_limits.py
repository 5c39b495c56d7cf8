"""Every limited door answers 429 with Retry-After, says when to come again, and does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants import limits
from tenants.dryrun import rehearsal
from tenants.limits import Limit
from tenants.models import Allowance, Condition
from tests.access import operations, pages
from tests.access.rows import Row
from tests.access.stage import Stage, differences, snapshot
from tests.api.client import Api
from tests.web.people import prove

ROWS = {(row.name, row.method): row for row in [*pages.ROWS, *operations.ROWS]}
HERE = limits.network_of("127.0.0.1")
LINK = {"email": "alice@people.example"}
# The same wrong one counts once, so each is another.
PASSWORD = {"way": "password", "email": "alice@people.example", "password": "wrong {}"}
# Refused, so that the link stays.
NO_REASON = {"decision": "refuse", "reason": ""}


@dataclass(frozen=True)
class Door:
    """A button or an operation, whom it is counted for, and who presses."""

    limit: Limit
    subject: Callable[[Stage], str]
    name: str
    data: dict[str, Any] | None = None
    person: str = "nobody"

    def __str__(self) -> str:
        return f"{self.limit.name} at {self.name}"

    def press(self, stage: Stage, time: int = 0) -> Any:
        row: Row = ROWS[self.name, "POST"]
        address, body = row.address(stage.ours), row.body(stage.ours)
        if self.data is not None:
            body = {name: text.format(time) for name, text in self.data.items()}
        person = stage.people[self.person]
        if self.name.startswith("api:"):
            return Api(person.key).post(address, body or None)
        return person.ask("POST", address, body)


def asking(name: str) -> list[Door]:
    return [
        Door(limits.REQUESTS_PER_NETWORK, lambda _: HERE, name),
        Door(limits.REQUESTS_PER_TARGET, lambda _: "mary@home.example", name),
        Door(limits.REQUESTS_PER_DOMAIN, lambda _: "example.org", name),
    ]


def mailbox_of(stage: Stage) -> str:
    return str(stage.ours.mailbox.pk)


def target_of(stage: Stage) -> str:
    return f"{stage.ours.mailbox.pk} second@home.example"


DOORS = [
    *asking("ask"),
    *asking("api:public-requests"),
    *asking("invited"),
    *asking("api:public-invitation-requests"),
    Door(limits.DECISIONS_PER_NETWORK, lambda _: HERE, "decide", NO_REASON),
    Door(limits.DECISIONS_PER_NETWORK, lambda _: HERE, "api:public-decision", NO_REASON),
    Door(
        limits.INVITATIONS_PER_DOMAIN,
        lambda _: "example.org",
        "domain-invitations",
        {"email": "n{}@home.example", "uses": "1", "days": "7"},
        person="alice",
    ),
    Door(
        limits.INVITATIONS_PER_DOMAIN,
        lambda _: "example.org",
        "api:invitations",
        {"note": "", "email": "n{}@home.example"},
        person="alice",
    ),
    Door(limits.LINKS_PER_NETWORK, lambda _: HERE, "sign-in", LINK),
    Door(limits.LINKS_PER_ADDRESS, lambda _: "alice@people.example", "sign-in", LINK),
    Door(limits.PASSWORDS_PER_NETWORK, lambda _: HERE, "sign-in", PASSWORD),
    Door(limits.PASSKEYS_PER_NETWORK, lambda _: HERE, "sign-in-by-passkey"),
    Door(limits.PASSWORDS_PER_ACCOUNT, lambda _: "alice@people.example", "sign-in", PASSWORD),
    Door(limits.CONFIRMATIONS_PER_TARGET, target_of, "address-target-again", person="alice"),
    Door(limits.CONFIRMATIONS_PER_TARGET, target_of, "api:mailbox-target-confirmation", person="alice"),
    Door(limits.TEST_MAILS_PER_MAILBOX, mailbox_of, "mail-program", person="alice"),
]
# Counted for other ends than to refuse; or many at once, see tests.tenants.test_imports; or behind a first
# step, see tests.web.test_second_step.
NO_DOORS = {
    limits.WRONG_PASSWORD,
    limits.QUESTIONS_PER_ORGANIZATION,
    limits.CODES_PER_ACCOUNT,
    limits.GUESSING_TOLD,
}


def test_every_limit_has_a_door() -> None:
    every = {each for each in vars(limits).values() if isinstance(each, Limit)}
    assert {door.limit for door in DOORS} | NO_DOORS == every


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_the_last_one_is_answered_and_the_next_is_not(door: Door, stage: Stage) -> None:
    with rehearsal():
        prove(stage.ours.mailbox)
        Condition.objects.all().delete()
        Allowance.objects.all().delete()
        subject = door.subject(stage)
        for _ in range(door.limit.count - 1):
            limits.spend(door.limit, subject)
        assert door.press(stage, 1).status_code in {200, 201, 202, 302, 400}
        before = snapshot()
        refused = door.press(stage, 2)
        assert refused.status_code == 429
        wait = int(refused["Retry-After"])
        assert 0 < wait <= door.limit.window.total_seconds()
        sentence = f"{door.limit.sentence} Try again {limits.in_words(wait)}."
        assert sentence in refused.content.decode()
        assert set(differences(before, snapshot())) <= {"Allowance"}
        # When the window is over it goes on.
        Allowance.objects.update(since=timezone.now() - door.limit.window - timedelta(seconds=1))
        assert door.press(stage, 3).status_code in {200, 201, 202, 302, 400}
