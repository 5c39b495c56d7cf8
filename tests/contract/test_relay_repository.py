"""What every target passes, for the relay repository: a real git host, real SSH, real desired state."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tenants.actions import mailboxes, repositories, sync, targets
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint, new_ssh_key
from tenants.models import Condition, Domain, Event, Mailbox, Repository, Run, SyncTarget
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending
from workers.sandbox.git_host import Fault

pytestmark = pytest.mark.django_db(transaction=True)
NO_LOGIN = "0" * 128


def condition(world: RelayWorld, kind: str) -> Condition:
    return world.target.conditions.get(type=kind)


def entry(target: str, password: str = NO_LOGIN) -> str:
    return json.dumps({"targets": [target], "password": password})


# the way to the first proof --------------------------------------------------------------------------


def test_an_unknown_host_key_stops_before_anything_of_ours_is_sent(unconfirmed: RelayWorld) -> None:
    assert unconfirmed.reconcile() is Ending.STOPPED
    assert unconfirmed.target.stop_code == "host-key-unknown"
    assert unconfirmed.repository.offered_host_key == unconfirmed.host.public_key
    assert fingerprint(unconfirmed.host.public_key) in condition(unconfirmed, "Synced").message


def test_confirmed_pushed_and_proved(world: RelayWorld, make_mailbox: Callable[..., Mailbox]) -> None:
    mailbox = make_mailbox()
    assert world.reconcile() is Ending.AGREED
    assert list(world.files()) == ["ada"]
    assert json.loads(world.files()["ada"])["targets"] == ["ada@home.example"]
    assert world.target.proof["commit"] == world.tip()
    assert world.target.proof["tree"] == world.git("rev-parse", "main^{tree}").strip()
    mailbox.refresh_from_db()
    assert mailbox.generation <= world.target.observed_generation
    run = world.target.runs.latest("pk")
    assert {fact.name: fact.value for fact in run.evidence.all()}["Commit"] == world.tip()
    message = world.git("log", "-1", "--format=%B", "main")
    assert f"Rookery-Generation: {world.target.generation}" in message
    assert "Asked-by: Alice" in message
    world.git("fsck", "--strict")


def test_plan_of_agreement_is_empty_and_makes_no_commit(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    world.reconcile()
    tip, runs = world.tip(), Run.objects.count()
    for _ in range(3):
        assert world.reconcile() is Ending.AGREED
    assert (world.tip(), Run.objects.count()) == (tip, runs)


def test_no_digit_of_a_hash_reaches_a_row(world: RelayWorld, make_mailbox: Callable[..., Mailbox]) -> None:
    from tests.conftest import HASH

    make_mailbox()
    world.reconcile()
    run = world.target.runs.latest("pk")
    rows = [str(run.plan), run.title, run.advice, *(f"{s.detail}{s.log}" for s in run.steps.all())]
    rows += [f"{event.before}{event.after}{event.sentence}" for event in Event.objects.all()]
    rows += [f"{each.message}{each.details}" for each in Condition.objects.all()]
    assert HASH in world.files()["ada"], "it did arrive outside"
    assert not any(HASH[:8] in row for row in rows)


def test_every_change_arrives_in_one_commit(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    ada, bea = make_mailbox("ada"), make_mailbox("bea", target="bea@home.example")
    make_mailbox("cleo", target="cleo@home.example")
    world.reconcile()
    mailboxes.switch_mailbox(actor=alice, mailbox=bea, enabled=False)
    mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash="ab" * 64)
    make_mailbox("dora", target="dora@home.example")
    before = world.tip()
    assert world.reconcile() is Ending.AGREED
    assert world.git("rev-list", "--count", f"{before}..main").strip() == "1"
    assert list(world.files()) == ["ada", "cleo", "dora"]
    assert "abab" in world.files()["ada"]


def test_a_pushed_change_waits_for_the_restart(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    world.reconcile()
    pending = condition(world, "ReloadPending")
    assert pending.status
    assert pending.details["unikernels"] == ["submission", "relay"]
    sync.confirm_reload(actor=alice, target=world.target)
    world.reconcile()
    assert not condition(world, "ReloadPending").status
    make_mailbox("bea", target="bea@home.example")
    world.reconcile()
    assert condition(world, "ReloadPending").status


# what others do outside --------------------------------------------------------------------------------


def test_foreign_objects_survive_and_are_told(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    world.somebody_writes({"README": "hello", "old-friend": entry("friend@home.example")})
    make_mailbox()
    assert world.reconcile() is Ending.AGREED
    assert world.files()["README"] == "hello"
    assert list(world.files()) == ["README", "ada", "old-friend"]
    told = condition(world, "ForeignEntries")
    assert (told.status, told.details) == (True, {"count": 2})
    kinds = dict(world.target.findings.values_list("unit", "kind"))
    assert kinds == {"README": "skipped", "old-friend": "foreign"}


def test_equal_meaning_by_hand_keeps_its_bytes(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    by_hand = f'{{ "password": "{NO_LOGIN}",\n  "targets": [ "post@home.example" ] }}'
    world.somebody_writes({"postmaster": by_hand})
    make_mailbox("postmaster", target="post@home.example", password_hash="")
    assert world.reconcile() is Ending.AGREED
    assert world.files()["postmaster"] == by_hand


def test_drift_in_report_mode_is_never_overwritten_and_others_go_on(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    world.reconcile()
    by_hand = entry("elsewhere@home.example")
    world.somebody_writes({"ada": by_hand})
    assert world.reconcile() is Ending.AGREED
    assert condition(world, "Drifted").status
    make_mailbox("bea", target="bea@home.example")
    for _ in range(3):
        assert world.reconcile() is Ending.AGREED
        assert world.files()["ada"] == by_hand
        assert condition(world, "Drifted").details["count"] == 1
    assert "bea" in world.files()
    sync.change_drift_mode(actor=alice, target=world.target, mode="repair")
    assert world.reconcile() is Ending.AGREED
    assert "ada@home.example" in world.files()["ada"]
    assert not condition(world, "Drifted").status


def test_both_changed_is_a_conflict_for_a_person(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    ada = make_mailbox()
    world.reconcile()
    by_hand = entry("elsewhere@home.example")
    world.somebody_writes({"ada": by_hand})
    mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash="cd" * 64)
    assert world.reconcile() is Ending.AGREED
    assert condition(world, "Conflicted").status
    assert world.files()["ada"] == by_hand


def test_an_entry_deleted_outside_is_drift(world: RelayWorld, make_mailbox: Callable[..., Mailbox]) -> None:
    make_mailbox("ada")
    make_mailbox("bea", target="bea@home.example")
    world.reconcile()
    world.somebody_writes({"ada": None})
    world.reconcile()
    assert list(world.files()) == ["bea"]
    assert condition(world, "Drifted").details["units"][0]["unit"] == "ada"


def test_drift_that_goes_away_outside_is_forgotten(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    world.reconcile()
    good = world.files()["ada"]
    world.somebody_writes({"ada": entry("elsewhere@home.example")})
    world.reconcile()
    assert condition(world, "Drifted").status
    world.somebody_writes({"ada": good})
    world.reconcile()
    assert not condition(world, "Drifted").status
    assert world.target.proof["apart"] == {}


def test_rewritten_history_asks_and_goes_on_after_agreement(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox("ada")
    world.reconcile()
    make_mailbox("bea", target="bea@home.example")
    world.reconcile()
    world.git("update-ref", "refs/heads/main", world.git("rev-parse", "main~1").strip())
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "history-rewritten"
    assert list(world.files()) == ["ada"]
    run = world.target.runs.latest("pk")
    sync.approve_plan(actor=alice, run=run, checksum=run.agree_to)
    assert world.reconcile() is Ending.AGREED


def test_another_installation_is_noticed(world: RelayWorld, make_mailbox: Callable[..., Mailbox]) -> None:
    make_mailbox()
    world.reconcile()
    theirs = "x\n\nRookery-Generation: 7\nRookery-Installation: 11111111-2222-3333-4444-555555555555\n"
    world.somebody_writes({"other": entry("o@home.example")}, theirs)
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "foreign-installation"


def test_a_database_from_yesterday_stops_and_deletes_nobody(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox("ada")
    world.reconcile()
    yesterday = SyncTarget.objects.values().get(pk=world.target.pk)
    newer = make_mailbox("bea", target="bea@home.example")
    world.reconcile()
    # The copy of yesterday is put back: bea's row and everything after it are gone.
    newer.delete()
    SyncTarget.objects.filter(pk=world.target.pk).update(
        **{name: yesterday[name] for name in ("generation", "observed_generation", "proof")}
    )
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "database-restored"
    assert list(world.files()) == ["ada", "bea"]


# what goes wrong --------------------------------------------------------------------------------------


def test_a_changed_host_key_stops_everything(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    world.reconcile()
    world.kind.close()
    world.host.change_host_key()
    make_mailbox("bea", target="bea@home.example")
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "host-key-changed"
    details = condition(world, "Synced").details
    assert details["offered"] == fingerprint(world.host.public_key) != details["pinned"]
    assert list(world.files()) == ["ada"]
    with pytest.raises(Exception, match="another key"):
        repositories.confirm_host_key(
            actor=alice, repository=world.repository, fingerprint_seen=details["pinned"]
        )
    repositories.confirm_host_key(
        actor=alice, repository=world.repository, fingerprint_seen=details["offered"]
    )
    assert world.reconcile() is Ending.AGREED
    assert list(world.files()) == ["ada", "bea"]


def test_a_key_that_is_not_let_in(world: RelayWorld) -> None:
    world.host.fault = Fault(refuse_keys=True)
    world.kind.close()
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "key-refused"
    assert "public key" in condition(world, "Synced").message


def test_a_host_that_is_away_is_tried_again(world: RelayWorld) -> None:
    world.host.stop()
    world.kind.close()
    assert world.reconcile() is Ending.RETRY
    assert condition(world, "Reachable").reason == "unreachable"


def test_a_missing_repository(world: RelayWorld) -> None:
    Repository.objects.filter(pk=world.repository.pk).update(path="nowhere.git")
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "not-a-repository"


def test_a_missing_branch_names_those_that_exist(world: RelayWorld) -> None:
    world.somebody_writes({"x": "1"})
    Repository.objects.filter(pk=world.repository.pk).update(branch="master")
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "branch-missing"
    assert "it has main" in condition(world, "Synced").message


def test_an_empty_repository_gets_its_branch_with_the_first_address(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    assert world.reconcile() is Ending.AGREED
    assert world.files() == {}
    make_mailbox()
    assert world.reconcile() is Ending.AGREED
    assert list(world.files()) == ["ada"]


@pytest.mark.parametrize("after", [0, 100, 300])
def test_cut_in_the_middle_of_a_push_converges(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox], after: int
) -> None:
    make_mailbox()
    world.host.fault = Fault(cut_after=after)
    assert world.reconcile() is Ending.RETRY
    assert world.files() == {}
    world.host.fault = Fault()
    assert world.reconcile() is Ending.AGREED
    assert list(world.files()) == ["ada"]


def test_cut_after_the_push_arrived_is_seen_and_not_repeated(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    world.host.fault = Fault(cut_before_answer=True)
    assert world.reconcile() is Ending.RETRY
    world.host.fault = Fault()
    tip = world.tip()
    assert world.reconcile() is Ending.AGREED
    assert world.tip() == tip
    assert world.target.proof["commit"] == tip


def test_a_hook_that_refuses_is_told_in_its_words(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox]
) -> None:
    hook = world.folder / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho frozen for the audit >&2\nexit 1\n")
    hook.chmod(0o755)
    make_mailbox()
    assert world.reconcile() is Ending.STOPPED
    assert "frozen for the audit" in condition(world, "Synced").message


def test_deleting_most_entries_needs_agreement(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    made = [make_mailbox(f"n{number}", target=f"n{number}@home.example") for number in range(6)]
    world.reconcile()
    for mailbox in made[:5]:
        mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    assert world.reconcile() is Ending.STOPPED
    assert len(world.files()) == 6
    run = world.target.runs.latest("pk")
    assert "5 of 6" in run.advice
    sync.approve_plan(actor=alice, run=run, checksum=run.agree_to)
    assert world.reconcile() is Ending.AGREED
    assert list(world.files()) == ["n5"]


def test_a_lost_mirror_is_made_again(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox], tmp_path: Path
) -> None:
    import shutil

    make_mailbox()
    world.reconcile()
    world.kind.close()
    shutil.rmtree(tmp_path / "mirrors")
    make_mailbox("bea", target="bea@home.example")
    assert world.reconcile() is Ending.AGREED
    assert list(world.files()) == ["ada", "bea"]


def test_our_mirror_is_packed_from_time_to_time(
    world: RelayWorld,
    alice: Actor,
    make_mailbox: Callable[..., Mailbox],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workers.targets.git_target.MAINTAIN_EVERY", 3)
    monkeypatch.setattr("workers.repository.mirror.MAINTAIN_ABOVE", 6)
    ada = make_mailbox()
    packed = []
    for number in range(7):  # a pass each, whatever the generations are
        mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash=f"{number + 1:0128x}")
        assert world.reconcile() is Ending.AGREED
        packed.append("packed" in world.target.runs.latest("pk").steps.get(name="settle").log)
    assert packed == [False, False, False, True, False, False, True]


def test_one_key_per_organization_and_git_account(world: RelayWorld, alice: Actor, domain: Domain) -> None:
    from tenants.actions import domains

    second = domains.create_domain(actor=alice, organization=domain.organization, name="second.example")
    repository = repositories.connect_repository(
        actor=alice, domain=second, host=world.host.host, port=world.host.port, path="second.git"
    )
    assert repository.public_key == world.repository.public_key
    assert repository.host_key == world.repository.host_key
    assert new_ssh_key("x")[1] != repository.public_key


def test_unconfirmed_targets_stay_inside(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    mailbox = make_mailbox()
    targets.add_target(actor=alice, mailbox=mailbox, address="second@home.example")
    world.reconcile()
    assert "second@" not in world.files()["ada"]


def test_an_entry_that_ptt_would_mishandle_is_told_and_others_go_on(
    world: RelayWorld, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    """The database holds what no door lets in: the outside keeps what was there, until it is corrected."""
    ada = make_mailbox()
    world.reconcile()
    before = world.files()["ada"]
    # Behind the doors' back, an address of the sort that stops the relay for everybody.
    ada.targets.update(address="ada@under_score.example")
    other = "12" * 64
    mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash=other)
    make_mailbox("bea", target="bea@home.example")
    for _ in range(3):  # it stays said, also when nothing changes any more
        assert world.reconcile() is Ending.AGREED
        assert world.files()["ada"] == before
        told = condition(world, "UnsafeEntries")
        assert (told.status, told.details["count"]) == (True, 1)
        assert "ada is not written" in told.message
        assert other not in str(told.details)
    assert "bea@home.example" in world.files()["bea"]
    ada.targets.update(address="ada@home.example")
    mailboxes.set_passphrase(actor=alice, mailbox=ada, password_hash=other)
    assert world.reconcile() is Ending.AGREED
    assert other in world.files()["ada"]
    assert not condition(world, "UnsafeEntries").status
