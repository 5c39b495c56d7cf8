"""Workers are killed and overtaken at every step of a pass: the right state after it, always."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tenants.actor import Actor
from tenants.models import Run, Step
from tests.conftest import make_address
from tests.processes.conftest import Relay
from tests.processes.crew import Crew
from tests.processes.running import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

BEFORE_THE_PUSH = ("observe", "plan", "guard", "apply", "push", "mid-pack")
AFTER_THE_PUSH = ("pushed", "verify", "record", "recorded", "settle")


def check(relay: Relay) -> None:
    """One commit, the wanted tree, and records that tell exactly that."""
    row = relay.until_agreed()
    step = str(relay.domain)
    assert relay.commits() == 1, step
    assert relay.names() == ["ada"], step
    relay.git("fsck", "--strict")
    assert row.proof["commit"] == relay.git("rev-parse", "main"), step
    assert row.proof["tree"] == relay.git("rev-parse", "main^{tree}"), step
    assert not row.runs.filter(state__in=Run.UNFINISHED).exists(), step
    assert not Step.objects.filter(run__target=row, state=Step.State.RUNNING).exists(), step
    proof = {fact.name: fact.value for fact in row.runs.get().evidence.all()}
    assert proof["Commit"] == row.proof["commit"], step
    pending = row.conditions.get(type="ReloadPending")
    assert pending.details["commit"] == row.proof["commit"], step


def test_all_workers_killed_at_every_step_and_new_ones_bring_all_into_order(
    workers: Crew, connect: Callable[[str], Relay], alice: Actor
) -> None:
    steps = (*BEFORE_THE_PUSH, *AFTER_THE_PUSH)
    relays = {step: connect(step) for step in steps}
    for step, relay in relays.items():
        make_address(alice, relay.domain)
        workers.will_stop_at(relay.target.pk, step)
    # One process more, which sends the sweeps' hints.
    doomed = workers.start_worker(processes=len(steps) + 1)
    workers.start_beat()
    victims = {step: workers.stopped_at(relay.target.pk, step) for step, relay in relays.items()}
    doomed.kill()
    fences = {}
    for step, relay in relays.items():
        row = relay.row()
        assert row.lease_owner.split(":")[1] == str(victims[step])
        assert relay.commits() == (step in AFTER_THE_PUSH), step
        fences[step] = row.fence
        relay.expire_lease()

    workers.start_worker()
    for step, relay in relays.items():
        until(lambda relay=relay: relay.row().fence > fences[relay.domain.name.partition(".")[0]], step)  # type: ignore[misc]
        check(relay)


def test_a_worker_that_slept_or_one_killed_process_changes_nothing_after_its_successor(
    workers: Crew, connect: Callable[[str], Relay], alice: Actor
) -> None:
    """The fence, the remote's compare-and-set and the conditional record: each holds one of them back."""
    sleepers = {step: connect(step) for step in ("apply", "mid-pack", "pushed", "record")}
    killed = connect("verify")
    for step, relay in {**sleepers, "verify": killed}.items():
        make_address(alice, relay.domain)
        workers.will_stop_at(relay.target.pk, step)
    workers.start_worker(processes=7)
    workers.start_beat()
    asleep = {step: workers.stopped_at(relay.target.pk, step) for step, relay in sleepers.items()}
    os.kill(workers.stopped_at(killed.target.pk, "verify"), signal.SIGKILL)
    fences = {relay.target.pk: relay.row().fence for relay in (*sleepers.values(), killed)}
    for relay in (*sleepers.values(), killed):
        assert relay.target.lease_owner
        relay.expire_lease()
    for relay in (*sleepers.values(), killed):
        until(lambda relay=relay: relay.row().fence > fences[relay.target.pk], "another takes over")  # type: ignore[misc]
        check(relay)
    tips = {step: relay.git("rev-parse", "main") for step, relay in sleepers.items()}

    for pid in asleep.values():
        os.kill(pid, signal.SIGCONT)
    for relay in sleepers.values():
        said = f"target {relay.target.pk}: the lease was lost"
        until(lambda said=said: said in workers.said(), said)  # type: ignore[misc]
        check(relay)
    assert {step: relay.git("rev-parse", "main") for step, relay in sleepers.items()} == tips
