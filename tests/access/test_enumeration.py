"""Nobody learns from the doors which accounts, addresses and domains there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.dryrun import rehearsal
from tenants.models import (
    Account,
    DecisionLink,
    Domain,
    Invitation,
    Mailbox,
    Membership,
    OutgoingMail,
    SignInLink,
)
from tenants.tokens import digest
from tests.access import operations, pages
from tests.access.rows import filled
from tests.access.stage import Stage, comparable
from tests.api.client import Api

ASK = {row.name: row for row in [*pages.ROWS, *operations.ROWS] if row.method == "POST"}
TOKEN = re.compile(rb"[A-Za-z0-9_-]{43}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


def alike(answers: Iterable[Any], *typed: str) -> None:
    """The same to the byte, but for what was typed and what is random."""
    seen = set()
    for answer, word in zip(answers, typed, strict=True):
        status, headers, body = comparable(answer)
        headers = {name: value for name, value in headers.items() if name != "Content-Length"}
        if "Location" in headers:
            headers["Location"] = TOKEN.sub(b"", headers["Location"].encode()).decode()
        cookies = sorted(answer.cookies)
        seen.add(
            (
                status,
                str(sorted(headers.items())),
                str(cookies),
                TOKEN.sub(b"", body).replace(word.encode(), b""),
            )
        )
    assert len(seen) == 1, seen


@pytest.fixture
def accounts(stage: Stage) -> Iterable[tuple[str, ...]]:
    """Known with a password, known without, locked out, unknown."""
    with rehearsal():
        alice = stage.people["alice"].actor.account  # type: ignore[union-attr]
        assert alice is not None
        alice.set_password("ferry-lantern-otter")
        alice.save()
        Account.objects.filter(email="bob@people.example").update(is_active=False)
        yield tuple(f"{name}@people.example" for name in ("alice", "mona", "bob", "nobody"))


def test_a_link_is_promised_to_everybody(stage: Stage, accounts: tuple[str, ...]) -> None:
    before = OutgoingMail.objects.count()
    answers = [stage.people["nobody"].ask("POST", "/sign-in", {"email": email}) for email in accounts]
    alike(answers, *accounts)
    assert answers[0].status_code == 200
    assert OutgoingMail.objects.count() == before + 2


def test_no_password_says_which_part_is_wrong(stage: Stage, accounts: tuple[str, ...]) -> None:
    answers = [
        stage.people["nobody"].ask(
            "POST", "/sign-in", {"way": "password", "email": email, "password": f"wrong for {email}"}
        )
        for email in accounts
    ]
    alike(answers, *accounts)
    assert answers[0].status_code == 400
    assert (
        stage.people["nobody"]
        .ask("POST", "/sign-in", {"way": "password", "email": accounts[0], "password": "ferry-lantern-otter"})
        .status_code
        == 302
    )


def test_links_that_do_not_work_do_so_alike(stage: Stage) -> None:
    nobody, token = stage.people["nobody"], stage.ours.link_token
    unknown = "x" * 43
    with rehearsal():
        used, late = {"used_at": timezone.now()}, {"expires_at": timezone.now()}
        closed = {"account": Account.objects.create(email="closed@people.example", is_active=False)}
        answers, newest = [], SignInLink.objects.latest("pk").account
        for change in (used, late, closed):
            SignInLink.objects.update(
                used_at=None, account=newest, expires_at=timezone.now() + timedelta(hours=1)
            )
            assert nobody.ask("GET", f"/sign-in/{token}").status_code == 200
            SignInLink.objects.update(**change)
            answers += [nobody.ask(method, f"/sign-in/{token}") for method in ("GET", "POST")]
        answers += [nobody.ask(method, f"/sign-in/{unknown}") for method in ("GET", "POST")]
    assert {answer.status_code for answer in answers} == {404}
    alike(answers, *(token for _ in answers))


@pytest.mark.parametrize("page", ["/invited/{}", "/api/v1/public/invitations/{}/"])
def test_invitations_that_do_not_work_do_so_alike(page: str, stage: Stage) -> None:
    nobody, token = stage.people["nobody"], stage.ours.invited_token
    changes: list[dict[str, Any]] = [
        {"uses_left": 0},
        {"expires_at": timezone.now()},
        {"withdrawn_at": timezone.now()},
    ]
    answers = [nobody.ask("GET", page.format("x" * 43))]
    for change in changes:
        with rehearsal():
            assert nobody.ask("GET", page.format(token)).status_code == 200
            Invitation.objects.filter(pk=stage.ours.invitation.pk).update(**change)
            answers.append(nobody.ask("GET", page.format(token)))
    assert {answer.status_code for answer in answers} == {404}
    alike(answers, "x" * 43, *(token for _ in changes))


@pytest.mark.parametrize("page", ["/decide/{}", "/api/v1/public/decisions/{}/"])
def test_decision_links_that_do_not_work_do_so_alike(page: str, stage: Stage) -> None:
    nobody, token = stage.people["nobody"], stage.ours.deciding_token
    link = DecisionLink.objects.filter(digest=digest(token))
    endings: list[Callable[[], object]] = [
        lambda: link.update(expires_at=timezone.now()),
        lambda: Membership.objects.filter(account__in=link.values("account")).delete(),
        lambda: Account.objects.filter(pk__in=link.values("account")).update(is_active=False),
        link.delete,
        stage.ours.domain.address_requests.all().delete,
    ]
    answers = [nobody.ask("GET", page.format("x" * 43))]
    for end in endings:
        with rehearsal():
            assert nobody.ask("GET", page.format(token)).status_code == 200
            end()
            answers.append(nobody.ask("GET", page.format(token)))
    assert {answer.status_code for answer in answers} == {404}
    alike(answers, "x" * 43, *(token for _ in endings))


@pytest.mark.parametrize("name", ["ask", "api:public-requests"])
def test_a_request_does_not_say_what_is_taken(name: str, stage: Stage) -> None:
    """In use, in the trash, asked for, offered, reserved, free: the same answer, also for a dry run."""
    names = ("ada", "babbage", "grace", "abuse", "webmaster", "unused")
    row, world, answers = ASK[name], stage.ours, []
    for local_part in names:
        for query in ("", "?dry_run=1") if name.startswith("api:") else ("",):
            body = {**row.body(world), "local_part": local_part}
            with rehearsal():
                if name.startswith("api:"):
                    answers.append(Api().post(row.address(world) + query, body))
                else:
                    answers.append(stage.people["nobody"].ask("POST", row.address(world), body))
    if name == "ask":
        alike(answers, *names)
    else:
        alike(answers[::2], *names)
        alike(answers[1::2], *names)
    assert answers[0].status_code in {202, 302}


@pytest.mark.parametrize("name", ["ask", "ask-lost", "api:public-requests"])
@pytest.mark.parametrize("mode", ["closed", "invitation"])
def test_a_closed_domain_is_as_absent(name: str, mode: str, stage: Stage) -> None:
    """Whether somebody runs its mail here is not said to those who may not ask."""
    nobody, body = stage.people["nobody"], ASK["ask"].body(stage.ours)
    with rehearsal():
        Domain.objects.update(requests=mode)
        answers = []
        for domain in ("example.org", "nowhere.example"):
            if name.startswith("api:"):
                answers.append(Api().post(f"public/domains/{domain}/requests/", body))
                continue
            address = f"/ask/{domain}{'/already' if name == 'ask-lost' else ''}"
            answers.append(nobody.ask("GET", address))
            if name == "ask":
                answers.append(nobody.ask("POST", address, body))
    assert {answer.status_code for answer in answers} == {404}
    alike(answers, *("" for _ in answers))


def test_the_settings_file_knows_no_addresses(stage: Stage) -> None:
    names = ("ada", "babbage", "unused", "a/b")
    nobody = stage.people["nobody"]
    answers = [nobody.ask("GET", f"/mail/config-v1.1.xml?emailaddress={name}@example.org") for name in names]
    assert answers[0].status_code == 200
    alike(answers, *("" for _ in answers))


def test_names_of_another_organization_are_not_told(stage: Stage) -> None:
    """A domain that somebody has here is refused; who has it is not said, and a free one is not held back."""
    told = Api(stage.people["alice"].key).post(
        "domains/", filled({"organization": "{organization}", "name": "difference.example"}, stage.ours)
    )
    assert told.status_code == 400
    assert stage.theirs.organization.name not in told.content.decode()
    assert Mailbox.objects.filter(domain=stage.theirs.domain).exists()
