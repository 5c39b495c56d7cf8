"""A unikernel's console and load, as people see them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from panel.web import consoles
from tenants import watched
from tenants.actions.watching import Ended, Life, Line, Measured, Watched, keep_watched
from tenants.actor import Actor
from tenants.formats.exits import End
from tenants.models import ConsoleLine, HostWatch, Organization, Unikernel
from tests.contract.host_world import own_images
from tests.hosting import Machine, add_host, share_of
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(olga: Actor, organization: Organization, alice: Actor, settings: Any, tmp_path: Path) -> Unikernel:
    own_images(settings, tmp_path)
    host = add_host(olga, organization)
    HostWatch.objects.create(host=host, looked_at=timezone.now())
    return Machine(olga, host, share_of(host, organization)).unikernel("web")


def keep(row: Unikernel, *texts: str, running: bool = True, **seen: Any) -> None:
    now = timezone.now()
    lines = [Line(now, text) for text in texts]
    life = Life(running, now - timedelta(hours=1), now)
    keep_watched(actor=Actor.rookery(), seen={row.pk: Watched(lines, life=life, **seen)})


def page_of(client: Client, row: Unikernel, rest: str = "console") -> str:
    answer = client.get(f"/unikernels/{row.pk}/{rest}".rstrip("/"))
    assert answer.status_code == 200
    check_page(answer)
    return text_of(answer)


def test_a_console_that_said_nothing_says_so(as_alice: Client, row: Unikernel) -> None:
    assert "It has said nothing yet." in page_of(as_alice, row)
    assert "Nothing measured in the last hour" in page_of(as_alice, row, "load")


def test_lines_are_text_whatever_they_are(as_alice: Client, row: Unikernel) -> None:
    keep(row, "<script>alert(1)</script>", "</ol>", "tick")
    body = as_alice.get(f"/unikernels/{row.pk}/console").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "<script>alert" not in body
    assert "It runs since" in page_of(as_alice, row)


def test_search_and_earlier_lines(as_alice: Client, row: Unikernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "LINES_SHOWN", 3)
    keep(row, "one", "Two", "three", "four", "five")
    last = page_of(as_alice, row)
    assert "five" in last
    assert "Two" not in last
    before = ConsoleLine.objects.get(text="three").pk
    assert f"?before={before}" in as_alice.get(f"/unikernels/{row.pk}/console").content.decode()
    assert "Two" in page_of(as_alice, row, f"console?before={before}")
    found = page_of(as_alice, row, "console?q=tWO")
    assert "Two" in found
    assert "five" not in found
    assert "No line that is kept contains this." in page_of(as_alice, row, "console?q=%00nine")


@pytest.mark.parametrize("nonsense", ["-1", "x", "1e3", "٣", "9" * 40])
def test_a_nonsensical_place_is_the_end(as_alice: Client, row: Unikernel, nonsense: str) -> None:
    keep(row, "tick")
    assert "tick" in page_of(as_alice, row, f"console?before={nonsense}")


def test_what_came_since_comes_once(as_alice: Client, alice: Actor, row: Unikernel) -> None:
    keep(row, "one", "two")
    first = ConsoleLine.objects.get(text="one").pk
    more = as_alice.get(f"/unikernels/{row.pk}/console/lines?after={first}").content.decode()
    assert "two" in more
    assert "one" not in more
    tail = consoles._Tail(first)
    assert "two" in tail(alice, row.pk, "").html
    quiet = tail(alice, row.pk, "").html
    assert "two" not in quiet
    assert tail(alice, row.pk, "").html == quiet  # nothing is sent again
    keep(row, "three")
    assert "three" in tail(alice, row.pk, "").html


def test_the_file_has_every_line_with_its_time(as_alice: Client, row: Unikernel) -> None:
    keep(row, "one", "zwei “2”")
    answer = as_alice.get(f"/unikernels/{row.pk}/console.txt")
    assert answer["Content-Disposition"] == 'attachment; filename="console-web.txt"'
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    one, two = answer.content.decode().splitlines()
    assert one.endswith("Z one")
    assert two.endswith("Z zwei “2”")


def test_an_end_is_a_banner(as_alice: Client, row: Unikernel) -> None:
    ended = Ended(timezone.now(), End(code=64), False, "unknown option")
    keep(row, running=False, ends=[ended])
    said = page_of(as_alice, row)
    assert "It exited with 64: wrong arguments; it will not be restarted" in said
    assert "unknown option" in said


def test_a_loop_is_a_banner(as_alice: Client, row: Unikernel) -> None:
    now = timezone.now()
    keep(row, ends=[Ended(now - timedelta(seconds=number), End(code=2), True) for number in range(4)])
    said = page_of(as_alice, row)
    assert "Restarts again and again" in said
    assert "4 ends in ten minutes: it exited with 2" in said
    assert "Restarts again and again" in page_of(as_alice, row, "")


def test_what_is_not_followed_says_why(as_alice: Client, row: Unikernel) -> None:
    keep(row)
    HostWatch.objects.update(
        looked_at=timezone.now() - timedelta(hours=2), problem="rock cannot be reached: no route."
    )
    said = page_of(as_alice, row)
    assert "Not followed since" in said
    assert "rock cannot be reached" in said
    HostWatch.objects.update(problem="")
    assert "manage.py watch" in page_of(as_alice, row)
    HostWatch.objects.all().delete()
    assert "Nothing was seen yet" in page_of(as_alice, row)


@pytest.mark.parametrize("span", ["hour", "day", "month", "nonsense"])
def test_load_is_drawn(as_alice: Client, row: Unikernel, span: str) -> None:
    now = timezone.now()
    at = [now - timedelta(minutes=10 * number) for number in range(5)][::-1]
    keep(row, samples=[Measured(each, n * 10**6, 16 << 20, n * 1000, n) for n, each in enumerate(at)])
    said = page_of(as_alice, row, f"load?span={span}")
    assert "Memory: 16 MiB last" in said
    if span == "day":
        assert "CPU: 0.2 % last" in said
        assert "Received: 2 B/s last" in said
