"""Image feeds: a job of a builds server is watched, a newer build is proposed, and a person decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.image_fetches import check_digest, fetch_image, require_listed
from tenants.actions.images import check_names
from tenants.actions.locking import lock
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden
from tenants.formats.builds import ListedBuild, read_job_address
from tenants.models import Event, Image, ImageFeed, ImageFetch, Organization
from tenants.models.sync import LONG_AGO

MOST_FEEDS = 50
LOOK_EVERY = timedelta(hours=6)
TRY_AGAIN = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(days=1)
"""So far in the future a build may say that it was made."""
State = ImageFeed.State


@dataclass(frozen=True)
class FoundBuild:
    """The newest build of a job, and when it was over."""

    listed: ListedBuild
    built_at: datetime


@transaction.atomic
def add_feed(
    *, actor: Actor, organization: Organization, url: str, role: str = Image.Role.OTHER, era: str = ""
) -> ImageFeed:
    """Watch a job of a builds server on the list; `role` and `era` are for the images that come of it."""
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.IMAGE, organization)
    values: dict[str, Any] = {}
    with Checks() as checks:
        place = read_job_address(url)
        require_listed(place.server)
        values |= {"server": place.server, "job": place.name, "platform": place.platform}
    with checks:
        values |= _check_kind(role, era)
    checks.finish()
    lock(organization)
    if ImageFeed.objects.filter(organization=organization).count() >= MOST_FEEDS:
        raise Conflict(f"{MOST_FEEDS} jobs are watched already. Remove one first.")
    try:
        with transaction.atomic():
            row = ImageFeed.objects.create(organization=organization, **values)
    except IntegrityError as error:
        raise Conflict(f"{place.name} of {place.server} is watched already.") from error
    outbox.hint_on_commit("look_at_feed", row.pk, "images")
    record(
        actor,
        "add_feed",
        row,
        f"The job {row} is watched for newer builds.",
        organization=organization,
        after={"feed": row.pk, **values},
    )
    return row


def _check_kind(role: str, era: str) -> dict[str, Any]:
    checked = check_names(name="image", role=role, era=era, note="")
    return {"role": checked["role"], "era": checked["era"]}


@transaction.atomic
def change_feed(
    *, actor: Actor, feed: ImageFeed, role: str | None = None, era: str | None = None
) -> ImageFeed:
    """Change what the images are for that will come of it."""
    access.require(actor, access.Verb.CHANGE, feed)
    lock(feed)
    before = _told(feed)
    wanted = _check_kind(feed.role if role is None else role, feed.era if era is None else era)
    after = {"feed": feed.pk, **wanted}
    if after == before:
        return feed
    feed.role, feed.era = wanted["role"], wanted["era"]
    feed.save(update_fields=["role", "era"])
    record(
        actor,
        "change_feed",
        feed,
        f"What images of {feed} are for was changed.",
        organization=feed.organization,
        before=before,
        after=after,
    )
    return feed


def _told(feed: ImageFeed) -> dict[str, Any]:
    return {"feed": feed.pk, "role": feed.role, "era": feed.era}


@transaction.atomic
def look_at_feed(*, actor: Actor, feed: ImageFeed) -> ImageFeed:
    """Have a worker look now; once is enough, however often somebody asks."""
    access.require(actor, access.Verb.CHANGE, feed)
    lock(feed)
    if feed.next_look_at <= timezone.now():
        return feed
    feed.next_look_at = timezone.now()
    feed.save(update_fields=["next_look_at"])
    outbox.hint_on_commit("look_at_feed", feed.pk, "images")
    record(
        actor,
        "look_at_feed",
        feed,
        f"A look at {feed} was asked for.",
        organization=feed.organization,
        after={"feed": feed.pk},
    )
    return feed


@transaction.atomic
def take_build(*, actor: Actor, feed: ImageFeed, sha256: str) -> ImageFetch:
    """Fetch the build that is proposed, or was ignored; `sha256` says which one was seen."""
    access.require(actor, access.Verb.CHANGE, feed)
    access.require_create(actor, access.Kind.IMAGE, feed.organization)
    lock(feed)
    _require_seen(feed, sha256, State.PROPOSED, State.IGNORED)
    day = f"{feed.built_at:%Y-%m-%d}" if feed.built_at else ""
    fetch = fetch_image(
        actor=actor,
        organization=feed.organization,
        url=feed.place.file_address(feed.build),
        name=f"{feed.job} of {day}"[:100],
        role=feed.role,
        era=feed.era,
        note=f"Build {feed.build} of the job {feed.job}.",
        sha256=feed.sha256,
    )
    feed.fetch = fetch
    _decide(actor, "take_build", feed, State.TAKEN, f"The newest build of {feed} was asked for.")
    return fetch


@transaction.atomic
def ignore_build(*, actor: Actor, feed: ImageFeed, sha256: str) -> ImageFeed:
    """Say no to the build that is proposed; the next one is proposed again."""
    access.require(actor, access.Verb.CHANGE, feed)
    lock(feed)
    _require_seen(feed, sha256, State.PROPOSED)
    _decide(actor, "ignore_build", feed, State.IGNORED, f"A build of {feed} is ignored.")
    return feed


def _require_seen(feed: ImageFeed, sha256: str, *states: str) -> None:
    with Checks() as checks:
        seen = check_digest(sha256)
    checks.finish()
    if feed.state not in states:
        raise Conflict("No build is proposed any more. Look at the list again.")
    if seen != feed.sha256:
        raise Conflict("Another build is proposed by now. Look at it first.")


def _decide(actor: Actor, verb: str, feed: ImageFeed, state: str, sentence: str) -> None:
    before = {"feed": feed.pk, "state": feed.state}
    feed.state = state
    feed.save(update_fields=["state", "fetch"])
    after = {"feed": feed.pk, "state": state, "build": feed.build, "sha256": feed.sha256}
    record(actor, verb, feed, sentence, organization=feed.organization, before=before, after=after)


@transaction.atomic
def remove_feed(*, actor: Actor, feed: ImageFeed) -> None:
    """Watch a job no more. Images that came of it stay."""
    access.require(actor, access.Verb.DELETE, feed)
    lock(feed)
    name, organization = str(feed), feed.organization
    before = {"server": feed.server, "job": feed.job, "platform": feed.platform}
    feed.delete()
    record(
        actor,
        "remove_feed",
        name,
        f"The job {name} is not watched any more.",
        organization=organization,
        before=before,
    )


# What workers say ---------------------------------------------------------------------------------------


@transaction.atomic
def record_build(*, actor: Actor, feed: ImageFeed, found: FoundBuild | None, at: datetime) -> None:
    """Keep what is newest there now, and propose it where it is newer than all that was seen."""
    _require_worker(actor)
    lock(feed)
    if found is None:
        _fail(actor, feed, "No build of this job made a file yet.", "Wait for one, or watch another.", at)
    elif found.built_at > at + CLOCKS_DIFFER:
        said = f"The newest build says that it was made in the future, on {found.built_at:%Y-%m-%d}."
        _fail(actor, feed, said, "Ask those who run the builds server.", at)
    elif feed.built_at and found.built_at < feed.built_at:
        said = (
            f"The newest build there is of {found.built_at:%Y-%m-%d %H:%M} and older than the one of"
            f" {feed.built_at:%Y-%m-%d %H:%M} that was seen before. It is not proposed."
        )
        fix = "Ask its builders why. To begin anew with the older one, remove this job and watch it again."
        _fail(actor, feed, said, fix, at)
    else:
        _keep(actor, feed, found, at)


def _keep(actor: Actor, feed: ImageFeed, found: FoundBuild, at: datetime) -> None:
    build = found.listed
    is_there = Image.objects.filter(organization=feed.organization, sha256=build.sha256).exists()
    is_new = build.sha256 != feed.sha256
    if is_there:
        feed.state = State.THERE
    elif is_new:
        feed.state = State.PROPOSED
    if is_new:
        feed.build, feed.file_name, feed.fetch = build.uuid, build.file_name, None
        feed.sha256, feed.size, feed.built_at = build.sha256, build.size, found.built_at
    _looked(feed, at, LOOK_EVERY, "", "")
    if is_new and not is_there:
        record(
            actor,
            "record_build",
            feed,
            f"There is a newer build of {feed}, made on {found.built_at:%Y-%m-%d}.",
            organization=feed.organization,
            after={"feed": feed.pk, "build": build.uuid, "sha256": build.sha256, "size": build.size},
        )


@transaction.atomic
def fail_look(*, actor: Actor, feed: ImageFeed, problem: str, fix: str, at: datetime) -> None:
    """Say why a job could not be looked at; what was seen before stays."""
    _require_worker(actor)
    lock(feed)
    _fail(actor, feed, problem, fix, at)


def _fail(actor: Actor, feed: ImageFeed, problem: str, fix: str, at: datetime) -> None:
    told = feed.problem
    _looked(feed, at, TRY_AGAIN, problem[:500], fix[:300])
    if feed.problem != told:
        record(
            actor,
            "fail_look",
            feed,
            f"No newer build of {feed} is known: {feed.problem}",
            organization=feed.organization,
            after={"feed": feed.pk, "problem": feed.problem},
        )


def _looked(feed: ImageFeed, at: datetime, again: timedelta, problem: str, fix: str) -> None:
    feed.looked_at, feed.next_look_at, feed.claimed_until = at, at + again, LONG_AGO
    feed.problem, feed.fix = problem, fix
    feed.save()


def _require_worker(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Only Rookery's workers look at builds servers; ask for a look instead.")


def _of(event: Event) -> ImageFeed | None:
    rows = ImageFeed.objects.filter(organization=event.organization_id)
    return rows.filter(pk=event.after.get("feed")).first()


undoable(
    "change_feed",
    find=_of,
    present=lambda feed, event: _told(feed),
    restore=lambda actor, feed, event: change_feed(
        actor=actor, feed=feed, role=event.before["role"], era=event.before["era"]
    ),
    told=lambda feed, event: f"Images of {feed} are for what they were for before.",
)
final("Remove the job instead.", "add_feed")
final("Watch the job again instead.", "remove_feed")
final("Nothing was changed by it.", "look_at_feed", "record_build", "fail_look")
final("Delete the image instead, once it is there.", "take_build")
final("Fetch the ignored build instead.", "ignore_build")
