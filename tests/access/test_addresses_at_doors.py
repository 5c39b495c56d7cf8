"""The rules of addresses and of hashes hold at every door alike: pages, API, dry runs, public pages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from tenants import tokens
from tenants.dryrun import rehearsal
from tenants.models import AddressRequest, Domain, Mailbox, TargetAddress
from tests.access import operations, pages
from tests.access.rows import Row
from tests.access.stage import Stage, fields_in_error, snapshot, taken_back
from tests.api.client import Api
from tests.conftest import HASH
from tests.links import ask

pytestmark = pytest.mark.one_database

ROWS = {(row.name, row.method): row for row in [*pages.ROWS, *operations.ROWS]}


@dataclass(frozen=True)
class Door:
    """A field of a form or of an operation; `is_list` where it takes several."""

    name: str
    field: str
    method: str = "POST"
    is_list: bool = False

    @property
    def row(self) -> Row:
        return ROWS[self.name, self.method]

    def __str__(self) -> str:
        return f"{self.name}-{self.field}"

    def send(self, stage: Stage, value: str, **more: Any) -> tuple[int, set[str]]:
        """The status, and the fields that were named; what a dry run said first is the same."""
        row, world = self.row, stage.ours
        body = {**row.body(world), **more, self.field: [value] if self.is_list else value}
        is_public = row.answer("anonymous") not in {"in", "401"}
        if not self.name.startswith("api:"):
            answer = stage.people["nobody" if is_public else "alice"].ask("POST", row.address(world), body)
            return answer.status_code, fields_in_error(answer) if answer.status_code == 400 else set()
        api, address = Api("" if is_public else stage.people["alice"].key), row.address(world)
        tried = _told(api.ask(row.method, f"{address}?dry_run=1", body))
        done = _told(api.ask(row.method, address, body))
        assert tried == done or done[0] < 300
        return done


def _told(answer: Any) -> tuple[int, set[str]]:
    problems = answer.json().get("problems", []) if answer.status_code >= 400 else []
    return answer.status_code, {each["field"].partition("[")[0] for each in problems}


LOCAL_PARTS = [
    Door("address-new", "local_part"),
    Door("ask", "local_part"),
    Door("api:domain-mailboxes", "local_part"),
    Door("api:public-requests", "local_part"),
]
TARGETS = [
    Door("address-new", "targets"),
    Door("addresses-offered", "target"),
    Door("address-target-add", "address"),
    Door("ask", "target"),
    Door("api:domain-mailboxes", "targets", is_list=True),
    Door("api:mailbox-targets", "address"),
    Door("api:public-requests", "target"),
]
HASHES = [
    Door("address-new", "password_hash"),
    Door("address-passphrase", "password_hash"),
    Door("ask", "password_hash"),
    Door("api:domain-mailboxes", "password_hash"),
    Door("api:mailbox-passphrase", "password_hash", "PUT"),
    Door("api:public-requests", "password_hash"),
]


def refused(door: Door, stage: Stage, value: str, **more: Any) -> None:
    with taken_back(snapshot()) as changed:
        assert door.send(stage, value, **more) == (400, {door.field}), value
        assert changed() == set()


def taken(door: Door, stage: Stage, value: str, **more: Any) -> None:
    with taken_back(snapshot()) as changed:
        status, _ = door.send(stage, value, **more)
        assert status in {200, 201, 202, 302}, value
        assert changed()


@pytest.mark.parametrize("door", LOCAL_PARTS, ids=str)
def test_local_parts(door: Door, stage: Stage) -> None:
    for value in (
        "", "a/b", "../ada", "Mary", "MARY", '"mary"', "“mary”", ".mary", "mary.", "ma..ry", "märy", "mаry",
        "x" * 65, "mary jane", "mary@example.org", "-mary", "+mary", "_mary", "mary!", "mary\\", "日本",
    ):  # fmt: skip
        refused(door, stage, value)
    for value in ("m", "x" * 64, "mary.jane", "mary+list", "mary-jane_2", "0"):
        taken(door, stage, value)


@pytest.mark.parametrize("door", TARGETS, ids=str)
def test_targets(door: Door, stage: Stage) -> None:
    for value in (
        "mary", "mary@", "@home.example", "mary@jane@home.example", "mary@example.org", "mary@EXAMPLE.org",
        "mary@localhost", "mary@127.0.0.1", "mary@[127.0.0.1]", '"mary jane"@home.example',
        "Mary <mary@home.example>", "mary@höme.example", "märy@home.example", "postmaster@home.example",
        "x" * 65 + "@home.example", "mary@-home.example", "mary@home..example", "mary@home.example.",
        ".mary@home.example", "mary.@home.example", "mary@" + "x" * 64 + ".example",
        "mary@under_score.example", "mary@home.example/x", "mary@home.123",
    ):  # fmt: skip
        refused(door, stage, value)
    if door.name != "address-new":  # where commas and lines part a list
        refused(door, stage, "mary@home.example,jane@home.example")
    for value in ("mary@home.example", "Mary.Jane+x@HOME.example", "o'hara{1}@home.example"):
        taken(door, stage, value)


@pytest.mark.parametrize("door", HASHES, ids=str)
def test_hashes(door: Door, stage: Stage) -> None:
    for value in (
        "ab", HASH[:-1], f"{HASH}0", "g" * 128, HASH[:-1] + "é", f"0x{HASH[2:]}", "０" * 128,
        f"{HASH} {HASH}", "0" * 128,
    ):  # fmt: skip
        refused(door, stage, value)
    if door.name != "api:domain-mailboxes":  # where none makes an alias
        refused(door, stage, "")
    taken(door, stage, HASH[::-1])


@pytest.mark.parametrize("door", HASHES, ids=str)
@pytest.mark.parametrize("word", ["password", "123456", "letmein"])
def test_the_hash_of_a_common_password(word: str, door: Door, stage: Stage) -> None:
    refused(door, stage, hashlib.blake2b(word.encode()).hexdigest())


# Mail that goes round ---------------------------------------------------------------------------------


def forward(domain: Domain, local_part: str, target: str) -> Mailbox:
    """An alias that is there already, however it came to be."""
    mailbox = Mailbox.objects.create(
        domain=domain, local_part=local_part, kind=Mailbox.Kind.ALIAS, changed_at=timezone.now()
    )
    TargetAddress.objects.create(
        mailbox=mailbox,
        address=target,
        digest=tokens.digest(f"{local_part} {target}"),
        asked_at=timezone.now(),
    )
    return mailbox


ROUND = [
    (Door("address-target-add", "address"), "ada", {}),
    (Door("api:mailbox-targets", "address"), "ada", {}),
    (Door("address-new", "targets"), "mary", {"local_part": "mary"}),
    (Door("api:domain-mailboxes", "targets", is_list=True), "mary", {"local_part": "mary"}),
    (Door("addresses-offered", "target"), "abuse", {"names": ["abuse"]}),
]


@pytest.mark.parametrize(("door", "local_part", "more"), ROUND, ids=str)
def test_loops_through_another_organization(
    door: Door, local_part: str, more: dict[str, Any], stage: Stage
) -> None:
    """Ours forwards to theirs, which forwards to theirs again, which forwards back to ours."""
    with rehearsal():
        forward(stage.theirs.domain, "first", "second@difference.example")
        forward(stage.theirs.domain, "second", f"{local_part.upper()}@example.org")
        if local_part == "ada":
            TargetAddress.objects.filter(mailbox=stage.ours.mailbox).delete()
        refused(door, stage, "first@difference.example", **more)
        TargetAddress.objects.filter(mailbox__local_part="second").delete()
        taken(door, stage, "first@difference.example", **more)


@pytest.mark.parametrize(("door", "local_part", "more"), ROUND, ids=str)
def test_long_chains(door: Door, local_part: str, more: dict[str, Any], stage: Stage) -> None:
    with rehearsal():
        for number in range(60):
            forward(stage.theirs.domain, f"c{number}", f"c{number + 1}@difference.example")
        TargetAddress.objects.filter(mailbox=stage.ours.mailbox).delete()
        refused(door, stage, "c0@difference.example", **more)
        taken(door, stage, "c30@difference.example", **more)


@pytest.mark.parametrize("length", [1, 60], ids=["loop", "chain"])
def test_a_request_that_would_go_round_cannot_be_approved(length: int, stage: Stage) -> None:
    """Nobody is told before the target's holder confirmed; then its approval is refused, and it waits on."""
    with rehearsal():
        for number in range(length):
            following = "mary@example.org" if number + 1 == length else f"c{number + 1}@difference.example"
            forward(stage.theirs.domain, f"c{number}", following)
        _, _, token = ask(stage.ours.domain, "mary", "c0@difference.example")
        stage.people["nobody"].ask("POST", f"/asked/confirm/{token}")
        row = AddressRequest.objects.get(local_part="mary")
        assert row.status == "confirmed"
        page = stage.people["alice"].ask("POST", f"/requests/{row.pk}/approve")
        told = Api(stage.people["alice"].key).post(f"requests/{row.pk}/approve/")
        tried = Api(stage.people["alice"].key).post(f"requests/{row.pk}/approve/?dry_run=1")
        assert (page.status_code, told.status_code, tried.status_code) == (400, 400, 400)
        assert told.json()["problems"] == tried.json()["problems"]
        assert b"Mail would" in page.content or b"sent on through" in page.content
        row.refresh_from_db()
        assert row.status == "confirmed"
        assert row.sealed_hash
        assert not Mailbox.objects.filter(local_part="mary").exists()


def test_what_would_go_round_stays_in_the_trash(stage: Stage) -> None:
    with rehearsal():
        TargetAddress.objects.filter(mailbox=stage.ours.trashed).update(address="back@difference.example")
        forward(stage.theirs.domain, "back", "babbage@example.org")
        stage.people["alice"].ask("POST", "/d/example.org/addresses/babbage/restore")
        told = Api(stage.people["alice"].key).post("mailboxes/babbage@example.org/restore/")
        assert told.status_code == 400
        stage.ours.trashed.refresh_from_db()
        assert stage.ours.trashed.trashed_at
