"""Checks of many quiet targets at once, against the real git host: what did not move costs nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants import outbox
from tenants.actions import domains, mailboxes, repositories, sync
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.models import Condition, Domain, Mailbox, Organization, OutgoingMail, Run, SyncTarget
from tenants.models.sync import LONG_AGO
from tenants.secrets import Opener
from tests.conftest import HASH, confirm_all
from tests.contract.relay_world import RelayWorld
from tests.exchanges import nothing_to_look_at
from workers import ssh, sweeper
from workers.controller import Ending
from workers.errands import account_checks
from workers.errands.account_checks import AccountCheck
from workers.repository import Tips
from workers.sandbox.git_host import Fault, GitHost

pytestmark = pytest.mark.django_db(transaction=True)
EVERY = timedelta(minutes=1)


@dataclass
class Many:
    """Three domains with an address each, proved on one account of one host; each due for a check."""

    host: GitHost
    worlds: list[RelayWorld]
    check: AccountCheck
    commands: list[str] = field(default_factory=list)
    hints: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        return [world.target.pk for world in self.worlds]

    def look(self) -> int:
        return self.check.check(self.ids[0])

    def rows(self) -> list[SyncTarget]:
        return list(SyncTarget.objects.filter(pk__in=self.ids).order_by("pk"))

    def due(self) -> None:
        SyncTarget.objects.update(next_check_at=LONG_AGO, next_try_at=LONG_AGO)

    def reachable(self) -> list[bool]:
        rows = Condition.objects.filter(type=Condition.Type.REACHABLE, target__in=self.ids)
        return list(rows.order_by("target").values_list("status", flat=True))


def connected(host: GitHost, actor: Actor, domain: Domain, mirrors: Path) -> RelayWorld:
    path = f"{domain.name}.git"
    host.create_repository(path)
    repository = repositories.connect_repository(
        actor=actor, domain=domain, host=host.host, port=host.port, path=path
    )
    host.authorize(repository.public_key)
    world = RelayWorld.make(host, repository, mirrors)
    if not repository.host_key:
        assert world.reconcile() is Ending.STOPPED
        repositories.confirm_host_key(
            actor=actor, repository=world.repository, fingerprint_seen=fingerprint(host.public_key)
        )
    mailbox = mailboxes.create_mailbox(
        actor=actor, domain=domain, local_part="ada", targets=["ada@home.example"], password_hash=HASH
    )
    confirm_all(mailbox)
    assert world.reconcile() is Ending.AGREED
    assert "ada" in world.files()
    return world


@pytest.fixture
def many(
    tmp_path: Path, alice: Actor, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Many]:
    with GitHost(tmp_path / "host", "127.0.0.1", shell=True) as host:  # noqa: S604 - on loopback
        worlds = [
            connected(
                host,
                alice,
                domains.create_domain(actor=alice, organization=organization, name=f"n{number}.example"),
                tmp_path / "mirrors",
            )
            for number in range(3)
        ]
        pool = ssh.ConnectionPool()
        many = Many(host, worlds, AccountCheck(Opener(), pool, EVERY))
        start = ssh.Connection.open

        def counted(connection: ssh.Connection, command: str) -> ssh.Channel:
            many.commands.append(command)
            return start(connection, command)

        monkeypatch.setattr(ssh.Connection, "open", counted)
        monkeypatch.setattr(outbox, "send_hint", lambda *hint: many.hints.append(hint))
        OutgoingMail.objects.all().delete()
        nothing_to_look_at()
        many.due()
        yield many
        pool.close()
        for world in worlds:
            world.kind.close()


def test_what_did_not_move_costs_one_command_and_no_pass(many: Many) -> None:
    before, runs = many.rows(), Run.objects.count()
    assert many.look() == 3
    assert len(many.commands) == 1
    for old, new in zip(before, many.rows(), strict=True):
        assert new.checked_at is not None
        assert old.checked_at is not None
        assert new.checked_at > old.checked_at
        assert new.next_check_at == new.checked_at + EVERY
        assert (new.fence, new.observed_at, new.proof) == (old.fence, old.observed_at, old.proof)
    assert Run.objects.count() == runs
    assert many.hints == []
    assert sweeper.sweep() == 0


def test_a_moved_tip_gets_an_ordinary_pass(many: Many) -> None:
    moved = many.worlds[1]
    moved.somebody_writes({"ada": None})
    assert many.look() == 2
    assert many.hints == [("reconcile", moved.target.pk, "relay_repository")]
    many.due()
    moved.reconcile()
    assert moved.target.conditions.get(type=Condition.Type.DRIFTED).status


def test_an_account_that_may_only_run_git(many: Many) -> None:
    many.host.shell = False
    many.worlds[2].somebody_writes({"other": "1"})
    assert many.look() == 2
    assert [hint[1] for hint in many.hints] == [many.ids[2]]
    assert sum(command.startswith("git-upload-pack ") for command in many.commands) == 3
    many.commands.clear()
    many.due()
    assert many.look() == 2
    assert len(many.commands) == 3, "the shell that is not there was asked for again"


def test_a_repository_that_is_gone_does_not_hide_the_others(many: Many) -> None:
    for shell in (True, False):
        many.host.shell = shell
        if shell:
            shutil.rmtree(many.worlds[0].folder)
        many.due()
        many.hints.clear()
        assert many.look() == 2
        assert [hint[1] for hint in many.hints] == [many.ids[0]]


def test_the_sweep_hints_once_per_account_and_at_what_is_wanted(many: Many, alice: Actor) -> None:
    mailbox = Mailbox.objects.get(domain__name="n1.example")
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash="ab" * 64)
    many.hints.clear()
    assert sweeper.sweep() == 3
    assert many.hints == [
        ("reconcile", many.ids[1], "relay_repository"),
        ("check_account", many.ids[0], "checks"),
        ("compare_passphrases", 0, "reviews"),
    ]
    assert many.look() == 2


def test_accounts_are_apart(many: Many, charlie: Actor, tmp_path: Path) -> None:
    theirs = Organization.objects.get(name="Difference Works")
    domain = domains.create_domain(actor=charlie, organization=theirs, name="late.example")
    world = connected(many.host, charlie, domain, tmp_path / "mirrors")
    many.due()
    assert account_checks.accounts_to_check(10) == [many.ids[0], world.target.pk]
    many.commands.clear()
    assert many.look() == 3
    assert account_checks.accounts_to_check(10) == [world.target.pk]
    world.kind.close()


def while_looking(many: Many, monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> int:
    """Check, and do something after the targets were claimed and before the answer is recorded."""
    look = many.check._look

    def slow(*args: Any) -> Tips:
        tips = look(*args)
        action()
        return tips

    monkeypatch.setattr(many.check, "_look", slow)
    return many.look()


def test_an_edit_meanwhile_is_not_written_over(
    many: Many, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = Mailbox.objects.get(domain__name="n0.example")
    before = many.rows()[0]
    edit = lambda: mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash="ab" * 64)  # noqa: E731
    assert while_looking(many, monkeypatch, edit) == 2
    after = many.rows()[0]
    assert after.checked_at == before.checked_at
    assert sweeper.wants_another_pass(after.pk)


def test_a_pass_meanwhile_is_not_written_over(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    world = many.worlds[0]

    def other_worker() -> None:
        world.somebody_writes({"other": "1"})
        assert world.reconcile() is Ending.AGREED

    assert while_looking(many, monkeypatch, other_worker) == 2
    assert many.rows()[0].next_check_at == world.target.next_check_at
    assert many.rows()[0].proof["commit"] == world.tip()


def test_a_wish_to_look_meanwhile_is_kept(many: Many, alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    wish = lambda: sync.check_now(actor=alice, target=many.worlds[0].target)  # noqa: E731
    assert while_looking(many, monkeypatch, wish) == 2
    assert many.rows()[0].next_check_at <= timezone.now()


def test_two_checks_at_once_share_nothing(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    second = AccountCheck(Opener(), many.check.pool, EVERY)
    found: list[int] = []
    assert while_looking(many, monkeypatch, lambda: found.append(second.check(many.ids[1]))) == 3
    assert found == [0]


def test_a_dead_worker_only_costs_a_delay(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        while_looking(many, monkeypatch, die)
    assert account_checks.accounts_to_check(10) == []
    assert all(row.next_check_at <= timezone.now() + account_checks.CLAIM for row in many.rows())


def test_a_host_that_is_away_is_told_on_every_target_and_tried_later_and_later(many: Many) -> None:
    port = many.host.port
    many.host.stop()
    waits = []
    for failures in (1, 2):
        many.due()
        assert many.look() == 0
        rows = many.rows()
        assert [row.failures for row in rows] == [failures] * 3
        assert many.reachable() == [False] * 3
        waits.append(min(row.next_check_at for row in rows) - timezone.now())
        assert waits[-1] > timedelta(0)
    assert many.hints == []
    many.host._wanted_port = port
    many.host.start()
    many.due()
    assert many.look() == 3
    assert many.reachable() == [True] * 3
    assert [row.failures for row in many.rows()] == [0] * 3


@pytest.mark.parametrize("shell", [True, False])
def test_a_host_that_hangs_is_given_up_soon(many: Many, monkeypatch: pytest.MonkeyPatch, shell: bool) -> None:
    monkeypatch.setattr(account_checks, "ANSWER_SECONDS", 0.3)
    many.host.shell = shell
    many.host.fault = Fault(hang_after=0)
    if not shell:
        for world in many.worlds:
            # The program starts and says nothing.
            (world.folder / "HEAD").unlink()
            os.mkfifo(world.folder / "HEAD")
    began = timezone.now()
    assert many.look() == 0
    assert timezone.now() - began < timedelta(seconds=5)
    assert many.reachable() == [False] * 3
    many.host.stop()


def test_a_changed_host_key_gets_passes_that_ask_a_person(many: Many) -> None:
    many.host.change_host_key()
    assert many.look() == 0
    assert [hint[1] for hint in many.hints] == many.ids
    assert many.commands == []
    for world in many.worlds:
        world.kind.close()
        assert world.reconcile() is Ending.STOPPED
    assert sweeper.sweep() == 0


@pytest.mark.parametrize("busy", ["run", "preview", "restart", "stop"])
def test_who_needs_an_ordinary_pass_gets_one(many: Many, alice: Actor, busy: str) -> None:
    target = many.worlds[0].target
    if busy == "run":
        Run.objects.filter(pk=target.runs.latest("pk").pk).update(state=Run.State.WAITING)
    elif busy == "preview":
        sync.request_preview(actor=alice, target=target)
    elif busy == "restart":
        Condition.objects.filter(target=target, type=Condition.Type.RELOAD_PENDING).update(
            reason="restart-failed"
        )
    else:
        SyncTarget.objects.filter(pk=target.pk).update(stop_code="key-refused", stop_generation=99)
    many.hints.clear()
    sweeper.sweep()
    assert sorted(many.hints) == [
        ("check_account", many.ids[1], "checks"),
        ("reconcile", many.ids[0], "relay_repository"),
    ]
