"""What the watcher keeps of unikernels, for how long, and whom it tells."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import unikernels, watching
from tenants.actions.watching import Ended, Life, Line, Measured, Watched
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats.exits import End
from tenants.models import (
    ConsoleLine,
    Event,
    Organization,
    OutgoingMail,
    Sample,
    SyncTarget,
    Unikernel,
    UnikernelExit,
    UnikernelWatch,
)
from tests.hosting import Machine, add_host, share_of

pytestmark = pytest.mark.django_db
ROOKERY = Actor.rookery()


@pytest.fixture
def row(olga: Actor, alice: Actor, organization: Organization, settings: Any, tmp_path: Any) -> Unikernel:
    from tests.contract.host_world import own_images

    own_images(settings, tmp_path)
    host = add_host(olga, organization)
    made = Machine(olga, host, share_of(host, organization)).unikernel("web")
    OutgoingMail.objects.all().delete()
    return made


def keep(row: Unikernel, **seen: Any) -> None:
    watching.keep_watched(actor=ROOKERY, seen={row.pk: Watched(**seen)})


def test_people_cannot_write_what_was_seen(row: Unikernel, alice: Actor, olga: Actor) -> None:
    for actor in (alice, olga, Actor()):
        with pytest.raises(Forbidden):
            watching.keep_watched(actor=actor, seen={row.pk: Watched()})
        with pytest.raises(Forbidden):
            watching.forget_watched(actor=actor)


def test_everything_seen_is_kept_and_the_unknown_passed_over(row: Unikernel) -> None:
    now = timezone.now()
    life = Life(running=True, started_at=now, looked_at=now)
    seen = Watched([Line(now, "a"), Line(now, "b" * 900)], 3, [Measured(now, 1, 2, 3, 4)], (), life)
    watching.keep_watched(actor=ROOKERY, seen={row.pk: seen, 10**9: seen})
    assert [len(each.text) for each in ConsoleLine.objects.order_by("pk")] == [1, 600]
    [sample] = Sample.objects.all()
    assert (sample.cpu, sample.memory, sample.received, sample.sent, sample.lasting) == (1, 2, 3, 4, True)
    watch = UnikernelWatch.objects.get()
    assert (watch.running, watch.started_at, watch.skipped) == (True, now, 3)


def test_the_first_measurement_of_each_ten_minutes_lasts(row: Unikernel) -> None:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
    at = [start + timedelta(minutes=5 * number) for number in range(6)]
    keep(row, samples=[Measured(each, 1, 1, 1, 1) for each in at[:3]])
    keep(row, samples=[Measured(each, 1, 1, 1, 1) for each in at[3:]])
    assert [each.lasting for each in Sample.objects.order_by("at")] == [True, False] * 3
    assert watching.forget_watched(actor=ROOKERY) == 3
    assert set(Sample.objects.values_list("lasting", flat=True)) == {True}
    assert watching.forget_watched(actor=ROOKERY, now=timezone.now() + timedelta(days=32)) == 3


def test_old_and_surplus_lines_go(row: Unikernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_LINES", 5)
    monkeypatch.setattr(watching, "MOST_EXITS", 2)
    now = timezone.now()
    keep(row, lines=[Line(now - timedelta(days=31), "old")])
    keep(row, lines=[Line(now, str(number)) for number in range(8)])
    keep(row, ends=[Ended(now - timedelta(hours=number), End(code=2), False) for number in range(4)])
    assert watching.forget_watched(actor=ROOKERY) == 1 + 3 + 2
    assert list(ConsoleLine.objects.order_by("pk").values_list("text", flat=True)) == list("34567")
    assert UnikernelExit.objects.count() == 2


@pytest.mark.parametrize("stop_code", ["", "not-let-in"])
def test_after_an_end_its_host_is_looked_at_soon(row: Unikernel, stop_code: str) -> None:
    now = timezone.now()
    later = now + timedelta(hours=1)
    SyncTarget.objects.update(next_check_at=later, stop_code=stop_code)
    keep(row, life=Life(running=True, started_at=now, looked_at=now))
    assert SyncTarget.objects.get().next_check_at == later
    keep(row, life=Life(running=False, started_at=now, looked_at=now))
    assert (SyncTarget.objects.get().next_check_at < later) == (not stop_code)


def test_an_end_by_itself_is_told_once_an_hour(row: Unikernel, alice: Actor) -> None:
    now = timezone.now()
    keep(row, ends=[Ended(now, End(code=64), False, "unknown option")])
    event = Event.objects.latest("pk")
    assert event.verb == "unikernel_ended"
    assert event.sentence == "web on rock exited with 64: wrong arguments. It is not started again."
    assert alice.account is not None
    assert [mail.recipient for mail in OutgoingMail.objects.all()] == [alice.account.email]
    keep(row, ends=[Ended(now, End(code=64), False)])
    assert OutgoingMail.objects.count() == 1
    UnikernelWatch.objects.update(told_at=now - timedelta(hours=2))
    keep(row, ends=[Ended(now, End(code=2), True)])
    assert Event.objects.latest("pk").sentence.endswith("Albatross starts it again.")
    assert OutgoingMail.objects.count() == 2


@pytest.mark.parametrize("which", ["by command", "long ago", "stopped"])
def test_what_was_meant_or_is_no_news_is_told_to_nobody(row: Unikernel, olga: Actor, which: str) -> None:
    now = timezone.now()
    end, at = End(code=2), now
    if which == "by command":
        end = End(signal=15)
    elif which == "long ago":
        at = now - timedelta(hours=1)
    else:
        unikernels.stop_unikernel(actor=olga, unikernel=row)
    keep(row, ends=[Ended(at, end, False)])
    assert UnikernelExit.objects.count() == 1
    assert not OutgoingMail.objects.exists()
    assert not Event.objects.filter(verb="unikernel_ended").exists()
