"""Watched jobs: against a real TLS server that answers as builder-web does, and against hostile ones."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tenants.actions import image_feeds, image_fetches, images
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.builds import Job, ListedBuild, read_finish_time, read_job_address, read_listing
from tenants.formats.text import FormatError
from tenants.models import BuildServer, Event, Image, ImageFeed
from tests.hosting import NETWORKED, PLAIN, WITH_DISK
from tests.workers.builds import Builds, builds
from workers.errands import feed_watcher
from workers.errands.feed_watcher import MOST_JSON, FeedWatcher, due_feeds
from workers.outward import Fetched, Fetcher, FetchError, NotAllowed
from workers.sandbox.builds import NAME

__all__ = ["builds"]
pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
URL = f"https://{NAME}/job/relay"
UUID = "6b0f5f0e-7f4b-4b7c-9d54-0a4f0d7f0a11"
DIGEST = hashlib.sha256(PLAIN).hexdigest()


def put(builds: Builds, name: str, contents: bytes, at: datetime) -> None:
    path = builds.folder / name
    path.write_bytes(contents)
    os.utime(path, (at.timestamp(), at.timestamp()))


def watch(builds: Builds, url: str = URL, **given_: Any) -> ImageFeed:
    return image_feeds.add_feed(actor=builds.actor, organization=builds.organization, url=url, **given_)


def look(builds: Builds, feed: ImageFeed, at: datetime = NOON, fetcher: Fetcher | None = None) -> ImageFeed:
    ImageFeed.objects.filter(pk=feed.pk).update(next_look_at=at)
    FeedWatcher(fetcher or builds.fetcher, lambda: at).look(feed.pk)
    feed.refresh_from_db()
    return feed


def test_a_newer_build_is_proposed_fetched_and_then_there(builds: Builds) -> None:
    put(builds, "relay.hvt", NETWORKED, NOON - timedelta(days=9))
    feed = look(builds, watch(builds, role="relay", era="2026"))
    assert (feed.state, feed.problem) == ("proposed", "")
    assert feed.sha256 == hashlib.sha256(NETWORKED).hexdigest()
    assert (feed.file_name, feed.size, feed.looked_at) == ("relay.hvt", len(NETWORKED), NOON)
    assert feed.next_look_at == NOON + image_feeds.LOOK_EVERY
    assert Event.objects.get(verb="record_build").after["sha256"] == feed.sha256
    fetch = builds.fetch(image_feeds.take_build(actor=builds.actor, feed=feed, sha256=feed.sha256))
    assert (fetch.state, fetch.problem) == ("done", "")
    image = Image.objects.get()
    assert (image.sha256, image.role, image.era) == (feed.sha256, "relay", "2026")
    assert image.name == "relay of 2026-04-22"
    assert look(builds, feed).state == "there"

    put(builds, "relay-2.hvt", PLAIN, NOON - timedelta(days=1))
    assert look(builds, feed).state == "proposed"
    assert (feed.sha256, feed.fetch) == (DIGEST, None)
    image_feeds.ignore_build(actor=builds.actor, feed=feed, sha256=DIGEST)
    assert look(builds, feed).state == "ignored"
    put(builds, "relay-3.hvt", WITH_DISK, NOON)
    assert look(builds, feed).state == "proposed", "another build is proposed anew"
    with pytest.raises(Conflict, match="Another build"):
        image_feeds.take_build(actor=builds.actor, feed=feed, sha256=DIGEST)


def test_what_is_here_already_is_not_proposed(builds: Builds) -> None:
    images.upload_image(
        actor=builds.actor, organization=builds.organization, contents=[NETWORKED], name="mine"
    )
    assert look(builds, watch(builds), datetime.now(UTC)).state == "there"
    assert not Event.objects.filter(verb="record_build").exists()


def test_nothing_older_is_proposed(builds: Builds) -> None:
    put(builds, "relay.hvt", NETWORKED, NOON - timedelta(days=2))
    feed = look(builds, watch(builds))
    put(builds, "relay.hvt", PLAIN, NOON - timedelta(days=5))
    look(builds, feed)
    assert "older than" in feed.problem
    assert feed.sha256 == hashlib.sha256(NETWORKED).hexdigest()
    look(builds, feed)
    assert Event.objects.filter(verb="fail_look").count() == 1, "told once"
    put(builds, "relay.hvt", PLAIN, NOON - timedelta(days=1))
    assert (look(builds, feed).sha256, feed.problem) == (DIGEST, "")


def test_a_file_that_is_not_what_was_proposed_is_not_kept(builds: Builds) -> None:
    put(builds, "relay.hvt", NETWORKED, NOON)
    feed = look(builds, watch(builds))
    put(builds, "relay.hvt", PLAIN, NOON)
    fetch = builds.fetch(image_feeds.take_build(actor=builds.actor, feed=feed, sha256=feed.sha256))
    assert fetch.state == "failed"
    assert "not the one that you named" in fetch.problem
    assert not Image.objects.exists()


def test_a_server_that_left_the_list_is_not_asked(builds: Builds) -> None:
    feed = watch(builds)
    image_fetches.remove_build_server(actor=Actor.rookery(), server=BuildServer.objects.get())
    never = Fetcher(resolve=lambda host, timeout: pytest.fail("it was looked up"))
    assert "not on the list" in look(builds, feed, fetcher=never).problem


def test_one_worker_at_a_time_and_each_in_its_turn(builds: Builds) -> None:
    first, second = watch(builds), watch(builds, f"https://{NAME}/job/hello")
    ImageFeed.objects.update(next_look_at=NOON)
    ImageFeed.objects.filter(pk=first.pk).update(claimed_until=NOON + timedelta(minutes=1))
    assert list(due_feeds(NOON)) == [second]
    assert not FeedWatcher(builds.fetcher, lambda: NOON).look(first.pk), "somebody has it"
    assert list(due_feeds(NOON + timedelta(minutes=1))) == [first, second], "its worker died"
    assert "404" in look(builds, second).problem
    assert second.next_look_at == NOON + image_feeds.TRY_AGAIN
    later = timezone.now() + timedelta(hours=5)
    ImageFeed.objects.filter(pk=second.pk).update(next_look_at=later)
    image_feeds.look_at_feed(actor=builds.actor, feed=second)
    assert second.next_look_at <= timezone.now()


# Hostile answers ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Says(Fetcher):
    """What the guarded client gives for each address; what that refuses by itself is its own test's."""

    answers: dict[str, bytes] = field(default_factory=dict)
    refusal: FetchError | None = None

    @contextmanager
    def get(self, url: str, *, most: int, timeout: float, accept: str = "") -> Iterator[Fetched]:
        if self.refusal is not None:
            raise self.refusal
        assert (most, accept) == (MOST_JSON, "application/json")
        yield Fetched(url, None, "", iter([self.answers[url.removeprefix(URL)]]))


def listing(**more: Any) -> dict[str, Any]:
    file = {"filename": "relay.hvt", "sha256": DIGEST, "size": 5} | more
    return {"builds": [{"uuid": "x", "main_binary": None}, {"uuid": UUID, "main_binary": file}]}


def told(**more: Any) -> dict[str, Any]:
    return {"uuid": UUID, "finish_time": "2026-04-30T01:02:03-00:00", **more}


@pytest.mark.parametrize(
    ("listed", "build", "said"),
    [
        (b"<h1>Builds</h1>", told(), "no JSON"),
        (b"[" * 200_000, told(), "no JSON"),
        (b"\xff\xfe", told(), "no JSON"),
        (b"9" * 10_000, told(), "no"),
        ([], told(), "no object"),
        ({"builds": {}}, told(), "no builds"),
        ({"builds": [5]}, told(), "no object"),
        ({"builds": []}, told(), "made a file"),
        ({"builds": [{"uuid": "../../x", "main_binary": {}}]}, told(), "no UUID"),
        (listing(sha256="0" * 63), told(), "no SHA-256"),
        (listing(size=True), told(), "no size"),
        (listing(size=1 << 70), told(), "no size"),
        (listing(filename=None), told(), "no name"),
        (listing(), told(uuid="another"), "another build"),
        (listing(), told(finish_time="yesterday"), "no time"),
        (listing(), told(finish_time="2026-04-30T01:02:03"), "no time"),
        (listing(), told(finish_time="0001-01-01T00:00:00+23:59"), "no time"),
        (listing(), told(finish_time="2099-01-01T00:00:00Z"), "in the future"),
    ],
)
def test_strange_answers_change_nothing(builds: Builds, listed: Any, build: Any, said: str) -> None:
    text = listed if isinstance(listed, bytes) else json.dumps(listed).encode()
    answers = {"": text, f"/build/{UUID}": json.dumps(build).encode()}
    feed = look(builds, watch(builds), fetcher=Says(answers=answers))
    assert said in feed.problem
    assert feed.problem[0].isupper()
    assert (feed.state, feed.sha256, feed.built_at) == ("nothing", "", None)
    assert feed.next_look_at == NOON + image_feeds.TRY_AGAIN


def test_too_long_an_answer_is_cut_off(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_watcher, "MOST_JSON", 50)
    assert "50 are the most" in look(builds, watch(builds)).problem


def test_a_job_that_leads_to_another_host_is_not_followed(builds: Builds) -> None:
    sent = NotAllowed("builds.sandbox.example sends us on to another host, evil.example.", "Give it.")
    feed = look(builds, watch(builds), fetcher=Says(refusal=sent))
    assert (feed.problem[:6], feed.fix, feed.state) == ("Builds", "Give it.", "nothing")


VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["builds", "uuid", "main_binary"]), inner)
    ),
)


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_reading_never_breaks(contents: bytes) -> None:
    for read in (read_listing, partial(read_finish_time, listed=ListedBuild(UUID, "x", DIGEST, 1))):
        with suppress(FormatError):
            read(contents)


# Asking -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "job"),
    [
        ("https://a.example/job/relay", Job("a.example", "relay")),
        ("https://A.example/job/relay/", Job("a.example", "relay")),
        ("https://a.example/job/relay/build/latest/f/bin/relay.hvt", Job("a.example", "relay")),
        ("https://a.example/job/relay?platform=debian-12", Job("a.example", "relay", "debian-12")),
    ],
)
def test_the_address_of_a_job_is_read(url: str, job: Job) -> None:
    assert read_job_address(url) == job


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/relay.hvt",
        "https://a.example/job/",
        "https://a.example/job/%2e%2e/x",
        "https://a.example/job/a%2Fb",
        "https://a.example/job/a?platform=%0a",
        "http://a.example/job/relay",
    ],
)
def test_what_is_no_job_is_refused(url: str, builds: Builds) -> None:
    with pytest.raises(Invalid) as refused:
        watch(builds, url)
    assert [each.field for each in refused.value.problems] == ["url"]


def test_who_may_and_tenants_never_meet(builds: Builds, bob: Actor, charlie: Actor) -> None:
    from tenants import access

    feed = look(builds, watch(builds), datetime.now(UTC))
    assert feed.state == "proposed"
    assert not access.visible_to(charlie, ImageFeed).exists()
    for actor in (charlie, Actor()):
        with pytest.raises((Absent, Forbidden)):
            image_feeds.take_build(actor=actor, feed=feed, sha256=feed.sha256)
        with pytest.raises((Absent, Forbidden)):
            image_feeds.remove_feed(actor=actor, feed=feed)
    with pytest.raises(Forbidden, match="workers"):
        image_feeds.record_build(actor=builds.actor, feed=feed, found=None, at=NOON)
    with pytest.raises(Conflict, match="watched already"):
        watch(builds)
    image_feeds.remove_feed(actor=builds.actor, feed=feed)
    assert not FeedWatcher(builds.fetcher).look(feed.pk)
