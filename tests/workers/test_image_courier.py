"""Images by URL: from a real TLS server on loopback, through the one guarded client, into the same place."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants import image_files, outbox
from tenants.actions import image_fetches
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.models import BuildServer, Event, Image, ImageFetch
from tenants.models.sync import LONG_AGO
from tests.hosting import NETWORKED, PLAIN
from tests.workers.builds import Builds, builds
from workers import sweeper
from workers.errands import image_courier
from workers.errands.image_courier import ImageCourier, due_fetches
from workers.outward import Fetcher
from workers.sandbox.builds import NAME

pytestmark = pytest.mark.django_db
__all__ = ["builds"]
ROOKERY = Actor.rookery()


def test_what_is_fetched_is_an_image_like_every_other(builds: Builds) -> None:
    digest = hashlib.sha256(NETWORKED).hexdigest()
    row = builds.fetch(builds.ask(role="relay", era="2025", sha256=digest.upper()))
    assert (row.state, row.problem, row.received) == ("done", "", len(NETWORKED))
    image = Image.objects.get()
    assert row.image == image
    assert (image.name, image.role, image.sha256) == ("relay.hvt", "relay", digest)
    assert image.source == f"https://{NAME}/relay.hvt"
    assert image_files.read(image) == NETWORKED
    assert Event.objects.get(verb="keep_fetched_image").after["sha256"] == digest
    assert not ImageCourier(builds.fetcher).fetch(row.pk), "it is over"
    again = builds.fetch(builds.ask(name="the same"))
    assert (again.image, Image.objects.count()) == (image, 1)


def test_a_compressed_one_is_unpacked(builds: Builds) -> None:
    packed = zlib.compress(PLAIN)
    (builds.folder / "hello.z").write_bytes(packed)
    row = builds.fetch(builds.ask("hello.z", name="hello"))
    assert row.image is not None
    assert (row.received, image_files.read(row.image)) == (len(packed), PLAIN)


@pytest.mark.parametrize(
    ("file", "sha256", "said"),
    [
        ("nothing.hvt", "", "404"),
        ("page.html", "", "no ELF"),
        ("relay.hvt", "0" * 64, "not the one that you named"),
        ("empty", "", "empty"),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_is_kept(
    builds: Builds, tmp_path: Path, file: str, sha256: str, said: str
) -> None:
    (builds.folder / "page.html").write_text("<h1>Builds</h1>" * 20)
    (builds.folder / "empty").write_bytes(b"")
    row = builds.fetch(builds.ask(file, sha256=sha256))
    assert row.state == "failed"
    assert said in row.problem
    assert row.problem[0].isupper()
    assert not Image.objects.exists()
    assert not (tmp_path / "images").exists()
    assert Event.objects.filter(verb="fail_fetch", organization=builds.organization).exists()


def test_after_a_failure_somebody_tries_again(builds: Builds) -> None:
    row = builds.fetch(builds.ask("later.hvt"))
    (builds.folder / "later.hvt").write_bytes(PLAIN)
    image_fetches.fetch_image_again(actor=builds.actor, fetch=row)
    assert builds.fetch(row).state == "done"
    with pytest.raises(Conflict, match="not failed"):
        image_fetches.fetch_image_again(actor=builds.actor, fetch=row)


def test_a_server_that_left_the_list_is_not_asked(builds: Builds) -> None:
    row = builds.ask()
    image_fetches.remove_build_server(actor=ROOKERY, server=BuildServer.objects.get())
    never = Fetcher(resolve=lambda host, timeout: pytest.fail("it was looked up"))
    builds.fetcher = never
    assert "not on the list" in builds.fetch(row).problem
    with pytest.raises(Invalid, match="not on the list"):
        image_fetches.fetch_image_again(actor=builds.actor, fetch=row)


def test_a_private_address_behind_a_listed_name_is_refused(builds: Builds) -> None:
    builds.fetcher = replace(builds.fetcher, may_reach=Fetcher().may_reach)
    assert "private network" in builds.fetch(builds.ask()).problem


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://builds.sandbox.example/x", "Only https"),
        ("https://builds.sandbox.example:8443/x", "port"),
        ("https://me:secret@builds.sandbox.example/x", "password"),
        ("https://127.0.0.1/x", "address of a machine"),
        ("https://elsewhere.example/x", "not on the list"),
        ("https://builds.sandbox.example/a b", "no space"),
        ("https://[::1/x", "no address"),
        ("relay.hvt", "Only https"),
    ],
)
def test_addresses_are_read_before_anybody_is_asked(builds: Builds, url: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        image_fetches.fetch_image(actor=builds.actor, organization=builds.organization, url=url)
    assert [each.field for each in refused.value.problems] == ["url"]
    assert not ImageFetch.objects.exists()


def test_one_worker_at_a_time_and_no_more_than_two_fetches(builds: Builds) -> None:
    first, second, third = builds.ask(), builds.ask(), builds.ask()
    soon = timezone.now() + timedelta(minutes=1)
    ImageFetch.objects.filter(pk__in=[first.pk, second.pk]).update(state="running", claimed_until=soon)
    assert list(due_fetches()) == [third]
    assert builds.fetch(third).state == "waiting"
    ImageFetch.objects.filter(pk=second.pk).update(claimed_until=LONG_AGO)
    assert builds.fetch(third).state == "done"
    # One whose worker died is taken up again, and not for ever.
    assert builds.fetch(second).state == "done"
    ImageFetch.objects.filter(pk=first.pk).update(claimed_until=LONG_AGO, tries=image_courier.MOST_TRIES)
    assert "several times" in builds.fetch(first).problem


def test_the_sweep_hints_and_forgets(
    builds: Builds, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    hints: list[tuple[str, int, str]] = []
    monkeypatch.setattr(outbox, "send_hint", lambda *hint: hints.append(hint))
    with django_capture_on_commit_callbacks(execute=True):
        row = builds.ask()
    assert hints == [("fetch_image", row.pk, "images")]
    sweeper.sweep()
    assert hints[-1] == hints[0]
    builds.fetch(row)
    ImageFetch.objects.update(changed_at=timezone.now() - image_fetches.KEPT - timedelta(minutes=1))
    assert image_fetches.forget_fetches(actor=ROOKERY) == 1
    assert Image.objects.exists()


def test_a_few_at_a_time_for_each_organization(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_fetches, "MOST_UNFINISHED", 1)
    builds.ask()
    with pytest.raises(Conflict, match="being fetched already"):
        builds.ask()


def test_the_list_is_the_operators(builds: Builds, bob: Actor) -> None:
    for actor in (builds.actor, bob, Actor()):
        with pytest.raises(Forbidden, match="operators"):
            image_fetches.add_build_server(actor=actor, name="evil.example")
    with pytest.raises(Conflict, match="already"):
        image_fetches.add_build_server(actor=ROOKERY, name=NAME.upper())
    for worker in (image_fetches.forget_fetches,):
        with pytest.raises(Forbidden, match="workers"):
            worker(actor=builds.actor)
