"""What goes wrong on a stack's way ends in a state that its page describes, and another run repairs it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.db.models import F

from tenants.actions import stack_passes, stacks, tsig_keys, unikernels, zone_endings
from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.plan import plan_stack
from tenants.models import (
    Condition,
    Domain,
    Event,
    RecordSet,
    Stack,
    SyncTarget,
    TsigKey,
    Unikernel,
    Zone,
)
from tenants.secrets import Opener
from tests.contract.host_world import own_images
from tests.contract.test_host_transports import pem_of
from tests.hosting import add_host
from tests.stacking import build_site
from tests.stacks.wishes import wish
from tests.workers.test_stack import Way
from workers import ssh
from workers.albatross.certificates import make_root
from workers.controller import Ending
from workers.outcome import Retry
from workers.probes import Proved, Silent
from workers.targets.reader_service import as_it_is
from workers.targets.stack_looks import Probes

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
LONG = timedelta(minutes=30)


@dataclass
class RoughWay(Way):
    """`away`: the host cannot be reached; `behind`: kinds of targets that do not come to agree."""

    away: bool = False
    behind: tuple[str, ...] = ()
    agree: bool = field(default=False)

    def ask(self, stack: Stack, role: str, address: str) -> Proved | Silent:
        if self.away:
            raise Retry("unreachable", "rock.example cannot be reached.")
        return super().ask(stack, role, address)

    def step(self) -> Ending:
        others = SyncTarget.objects.exclude(kind__in=["stack", *self.behind])
        others.update(observed_generation=F("generation"), observed_at=self.now)
        return super().step()

    def until_doing(self, phase: str) -> None:
        for _ in range(20):
            self.step()
            if self.states[phase] == "doing":
                return
        raise AssertionError(f"{phase}: {self.states}")

    def whole(self) -> bool:
        return set(self.states.values()) == {"proved"} and self.running == set(ROLES)


@pytest.fixture
def way(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> RoughWay:
    own_images(settings, tmp_path)
    site = build_site(alice, domain)
    return RoughWay(site, site.make(open_relay=True))


def test_cancelled_in_each_phase_it_halts_and_goes_on(way: RoughWay) -> None:
    for steps in (0, 2, 5, 20):
        for _ in range(steps):
            if way.step() is not Ending.RETRY:
                break
        stacks.cancel_stack(actor=way.site.owner, stack=way.stack)
        assert way.go() is Ending.AGREED, (steps, way.states)
        assert way.running == set(), steps
        assert way.stack.firewall != "open"
        assert not RecordSet.objects.filter(type="MX", absent=False).exists()
        assert set(way.states.values()) <= {"gone", "pending", "proved"}
        stacks.resume_stack(actor=way.site.owner, stack=way.stack)
    assert way.go() is Ending.AGREED
    assert way.whole()


def test_each_phase_fails_in_its_time_says_why_and_is_tried_again(way: RoughWay) -> None:
    zone, firewall = "zone_repository", "firewall"
    kinds = {"records": zone, "mx": zone, "firewall": firewall, "open": firewall}
    order = [each for each in way.states if each != "letsencrypt"]  # it answers nobody, and cannot be silent
    for number, phase in enumerate(order):
        stuck = order[number:]
        way.silent = {each for each in stuck if each in ROLES}
        way.behind = tuple(kinds[each] for each in stuck if each in kinds)
        way.git.by_hand = "git" in stuck
        for _ in range(3):
            way.step()
        way.now += LONG
        assert way.go() is Ending.STOPPED, (phase, way.states)
        row = way.stack.phases.get(name=phase)
        assert row.state == "failed", (phase, row.state)
        assert row.reason
        way.silent -= {phase}
        way.behind = tuple(each for each in way.behind if each != kinds.get(phase))
        way.git.by_hand = False
        stacks.retry_phase(actor=way.site.owner, stack=way.stack, phase=phase)
        for _ in range(3):
            way.step()
        assert way.states[phase] == "proved", (phase, way.states)
    assert way.go() is Ending.AGREED, way.states
    assert way.whole()


def test_killed_before_and_after_each_write_the_next_pass_goes_on(
    way: RoughWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: set[tuple[str, bool]] = set()

    def killing(act: Callable[..., None]) -> Callable[..., None]:
        def once(**given: Any) -> None:
            for after in (False, True):
                if after:
                    act(**given)
                if (given["phase"], after) not in died:
                    died.add((given["phase"], after))
                    raise SystemExit

        return once

    def run() -> Ending:
        for _ in range(120):
            try:
                if (ending := way.step()) is not Ending.RETRY:
                    return ending
            except SystemExit:
                continue
        return Ending.RETRY

    monkeypatch.setattr("workers.targets.stack.write_phase", killing(stack_passes.write_phase))
    monkeypatch.setattr("workers.targets.stack.withdraw_phase", killing(stack_passes.withdraw_phase))
    assert run() is Ending.AGREED
    assert way.whole()
    written = {"records", "firewall", "open", "mx", *ROLES}
    assert died == {(phase, after) for phase in written for after in (False, True)}
    died.clear()
    stacks.remove_stack(actor=way.site.owner, stack=way.stack, name="example.org")
    assert run() is Ending.AGREED
    assert len(died) == 2 * len(written)
    assert stack_passes.forget_removed_stacks(actor=Actor.rookery()) == 1


def test_a_host_that_is_away_in_the_middle_is_waited_for_and_then_said(way: RoughWay) -> None:
    way.until_doing("signer")
    way.away = True
    way.step()
    assert "rock.example cannot be reached" in way.stack.phases.get(name="signer").reason
    assert way.states["relay"] == "proved"  # what was proved stays so
    assert way.go() is Ending.STOPPED
    assert "Last: rock.example cannot be reached" in way.stack.phases.get(name="signer").reason
    way.away = False
    for name, state in way.states.items():
        if state == "failed":
            stacks.retry_phase(actor=way.site.owner, stack=way.stack, phase=name)
    assert way.go() is Ending.AGREED
    assert way.whole()


def test_an_argument_that_kills_a_unikernel_is_mended_and_tried_again(way: RoughWay) -> None:
    way.silent = {"relay"}
    way.until_doing("relay")
    row = stacks.unikernel_of(way.stack, "relay")
    assert row is not None
    Unikernel.objects.filter(pk=row.pk).update(
        ended_generation=F("generation"), ended_words="relay: unknown option '--postmasterr'"
    )
    assert way.go() is Ending.STOPPED
    assert "unknown option '--postmasterr'" in way.stack.phases.get(name="relay").reason
    way.silent = set()
    before = row.generation
    stacks.retry_phase(actor=way.site.owner, stack=way.stack, phase="relay")
    row.refresh_from_db()
    assert (row.ended, row.generation > before) == (False, True)
    assert way.go() is Ending.AGREED
    assert way.whole()


def test_rules_of_somebody_else_in_our_chains_are_said_at_the_phase(way: RoughWay) -> None:
    target = way.site.firewall.sync_target
    said = "The chains on rock belong to another Rookery."
    SyncTarget.objects.filter(pk=target.pk).update(
        stop_code="firewall-of-another", stop_generation=F("generation") + 9
    )
    Condition.objects.create(
        target=target, type=Condition.Type.SYNCED, status=False, message=said, seen_at=way.now, since=way.now
    )
    way.behind = ("firewall",)
    assert way.go() is Ending.STOPPED
    assert way.stack.phases.get(name="firewall").reason == said
    assert way.running == set()
    way.behind = ()
    stacks.retry_phase(actor=way.site.owner, stack=way.stack, phase="firewall")
    assert way.go() is Ending.AGREED


# what somebody else took away -------------------------------------------------------------------------


def _delete_unikernel(way: Way) -> None:
    row = stacks.unikernel_of(way.stack, "signer")
    assert row is not None
    unikernels.delete_unikernel(actor=way.site.owner, unikernel=row)


def _remove_keys(way: Way) -> None:
    for key in TsigKey.objects.filter(used_in_stacks__stack=way.stack):
        tsig_keys.remove_key(actor=way.site.owner, key=key)


def _let_the_zone_go(way: Way) -> None:
    zone = Zone.objects.get(domain=way.site.domain)
    zone_endings.remove_zone(actor=way.site.owner, zone=zone, name=zone.name)


def _take_mx(way: Way) -> None:
    RecordSet.objects.filter(type="MX").update(absent=True)


@pytest.mark.parametrize(
    ("taken", "steps"),
    [(_delete_unikernel, 3), (_let_the_zone_go, 3), (_remove_keys, 3), (_take_mx, 20)],
)
def test_half_of_it_is_gone_and_the_rest_is_removed_all_the_same(
    way: RoughWay, taken: Callable[[Way], None], steps: int
) -> None:
    for _ in range(steps):
        way.step()
    taken(way)
    stacks.remove_stack(actor=way.site.owner, stack=way.stack, name="example.org")
    assert way.go() is Ending.AGREED, dict(way.stack.phases.values_list("name", "reason"))
    assert stack_passes.forget_removed_stacks(actor=Actor.rookery()) == 1
    assert Event.objects.filter(verb="forget_removed_stacks").exists()


def test_a_unikernel_that_somebody_deleted_is_said_with_the_way_out(way: RoughWay) -> None:
    way.step()
    _delete_unikernel(way)
    assert way.go() is Ending.STOPPED
    assert "was deleted" in way.stack.phases.get(name="signer").reason
    assert "Remove the stack" in way.stack.phases.get(name="signer").reason


# what a host is like ----------------------------------------------------------------------------------


def test_of_a_host_that_is_reached_by_tls_alone_it_says_not_probed(way: RoughWay) -> None:
    root = make_root("far", now=datetime.now(UTC), valid_for=LONG)
    ca = root.certificate.public_bytes(Encoding.PEM).decode()
    reached = {"transport": "tls", "host": "far.example", "server_ca": ca, **pem_of(root)}
    stack = Stack.objects.select_related("share__host", "domain").get()
    stack.share.host = add_host(Actor.rookery(), stack.domain.organization, name="far", **reached)
    with closing(ssh.ConnectionPool()) as pool:
        seen = Probes(Opener(), pool, as_it_is)(stack, "relay", "10.0.0.5")
    assert isinstance(seen, Proved)
    assert seen.proof == {"not probed": "this host is reached by its TLS endpoint alone"}


def test_the_choice_of_the_ca_reaches_the_one_who_asks_it() -> None:
    for production in (False, True):
        (row,) = [
            each for each in plan_stack(wish(production=production)).roles if each.role.name == "letsencrypt"
        ]
        assert ("--production" in row.arguments) is production
