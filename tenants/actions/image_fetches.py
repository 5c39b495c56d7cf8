"""Images from build servers: operators keep the list, people ask, a worker fetches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.images import check_names, keep_image, received
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden, Invalid
from tenants.formats.addresses import check_host_name
from tenants.formats.https_address import check_https_address, file_name_of
from tenants.formats.text import FormatError, check_text, printable
from tenants.models import BuildServer, Image, ImageFetch, Organization
from tenants.models.sync import LONG_AGO

MOST_UNFINISHED = 20
KEPT = timedelta(days=7)
_SHA256 = re.compile(r"[0-9a-f]{64}")


# The list -----------------------------------------------------------------------------------------------


@transaction.atomic
def add_build_server(*, actor: Actor, name: str, note: str = "") -> BuildServer:
    """Let images be fetched from a web server. Operators decide: a worker will speak to it."""
    _require_operator(actor)
    with Checks() as checks:
        name = check_host_name(name.strip(), field="name")
    with checks:
        note = check_text(note, field="note", maximum=200)
    checks.finish()
    try:
        with transaction.atomic():
            row = BuildServer.objects.create(name=name, note=note)
    except IntegrityError as error:
        raise Conflict(f"{name} is on the list already.") from error
    record(
        actor,
        "add_build_server",
        row,
        f"Images may be fetched from {row}.",
        after={"name": name, "note": note},
    )
    return row


@transaction.atomic
def remove_build_server(*, actor: Actor, server: BuildServer) -> None:
    """Fetch nothing from it any more; images that came from it stay."""
    _require_operator(actor)
    lock(server)
    name, before = server.name, {"name": server.name, "note": server.note}
    server.delete()
    record(actor, "remove_build_server", name, f"No image is fetched from {name} any more.", before=before)


def may_keep_list(actor: Actor) -> bool:
    return access.may_create(actor, access.Kind.IMAGE, None)


def _require_operator(actor: Actor) -> None:
    if not may_keep_list(actor):
        raise Forbidden("Which build servers images come from is decided by operators. Ask one.")


# Asking -------------------------------------------------------------------------------------------------


@transaction.atomic
def fetch_image(
    *,
    actor: Actor,
    organization: Organization,
    url: str,
    name: str = "",
    role: str = Image.Role.OTHER,
    era: str = "",
    note: str = "",
    sha256: str = "",
) -> ImageFetch:
    """Ask for an image from a build server on the list. With `sha256`, nothing else is kept."""
    access.require(actor, access.Verb.VIEW, organization)
    access.require_create(actor, access.Kind.IMAGE, organization)
    values: dict[str, Any] = {}
    checks = Checks()
    with checks:
        values["url"], host = check_https_address(url)
        require_listed(host)
    with checks:
        values["sha256"] = check_digest(sha256)
    with checks:
        called = name or printable(file_name_of(values.get("url", "")), 100) or "image"
        values |= check_names(name=called, role=role, era=era, note=note)
    checks.finish()
    lock(organization)
    waiting = ImageFetch.objects.filter(organization=organization, state__in=ImageFetch.UNFINISHED)
    if waiting.count() >= MOST_UNFINISHED:
        raise Conflict(f"{MOST_UNFINISHED} images are being fetched already. Wait until one is there.")
    now = timezone.now()
    row = ImageFetch.objects.create(organization=organization, created_at=now, changed_at=now, **values)
    outbox.hint_on_commit("fetch_image", row.pk, "images")
    record(
        actor,
        "fetch_image",
        row,
        f"The image {row} was asked for from {host}.",
        organization=organization,
        after=values,
    )
    return row


def require_listed(host: str) -> None:
    """Raise FormatError where nothing may be fetched from `host`."""
    names = list(BuildServer.objects.order_by("name").values_list("name", flat=True)[:10])
    if BuildServer.objects.filter(name=host).exists():
        return
    listed = f"Use one of {', '.join(names)}" if names else "None is on it yet"
    raise FormatError(
        "url",
        f"{printable(host, 100)} is not on the list of build servers.",
        f"{listed}, or ask an operator to add it.",
    )


def check_digest(text: str) -> str:
    """Return a SHA-256 in small letters, or nothing. Raises FormatError."""
    digest = text.strip().lower()
    if digest and not _SHA256.fullmatch(digest):
        raise FormatError(
            "sha256",
            f"“{printable(text, 80)}” is no SHA-256.",
            "Write its 64 digits of 0 to 9 and a to f, or leave it out.",
        )
    return digest


@transaction.atomic
def fetch_image_again(*, actor: Actor, fetch: ImageFetch) -> ImageFetch:
    """Try once more what failed."""
    access.require(actor, access.Verb.VIEW, fetch)
    access.require_create(actor, access.Kind.IMAGE, fetch.organization)
    lock(fetch)
    if fetch.state != ImageFetch.State.FAILED:
        raise Conflict("It has not failed.")
    with Checks() as checks:
        _, host = check_https_address(fetch.url)
        require_listed(host)
    checks.finish()
    _move(fetch, ImageFetch.State.WAITING, tries=0)
    outbox.hint_on_commit("fetch_image", fetch.pk, "images")
    record(
        actor,
        "fetch_image_again",
        fetch,
        f"The image {fetch} was asked for once more.",
        organization=fetch.organization,
        after={"url": fetch.url},
    )
    return fetch


# What workers say ---------------------------------------------------------------------------------------


def keep_fetched_image(*, actor: Actor, fetch: ImageFetch, contents: Iterable[bytes]) -> Image:
    """Take in what a worker fetches, as an upload is taken in. Raises Invalid for what is no such image,
    and whatever `contents` raises; nothing is kept then."""
    _require_worker(actor)
    with received(contents) as came:
        if fetch.sha256 and came.sha256 != fetch.sha256:
            raise Invalid.of(
                "sha256",
                f"The image there has the SHA-256 {came.sha256}, not the one that you named.",
                "Ask its builders which is right. Nothing of it was kept.",
            )
        names = {field: getattr(fetch, field) for field in ("name", "role", "era", "note")}
        with transaction.atomic():
            image = keep_image(
                actor, fetch.organization, came, names, verb="keep_fetched_image", source=fetch.url
            )
            _move(fetch, ImageFetch.State.DONE, image=image, received=came.fetched)
    return image


@transaction.atomic
def fail_fetch(*, actor: Actor, fetch: ImageFetch, problem: str, fix: str) -> None:
    """Say why an image could not be fetched; a person may try again."""
    _require_worker(actor)
    _move(fetch, ImageFetch.State.FAILED, problem=problem[:500], fix=fix[:300])
    record(
        actor,
        "fail_fetch",
        fetch,
        f"The image {fetch} could not be fetched: {problem}",
        organization=fetch.organization,
        after={"url": fetch.url, "problem": fetch.problem},
    )


def forget_fetches(*, actor: Actor, at_most: int = 100) -> int:
    """Drop what was over a week ago; returns how many. The images stay."""
    _require_worker(actor)
    over = ImageFetch.objects.exclude(state__in=ImageFetch.UNFINISHED)
    old = over.filter(changed_at__lt=timezone.now() - KEPT).values_list("pk", flat=True)[:at_most]
    return ImageFetch.objects.filter(pk__in=list(old)).delete()[0]


def _move(fetch: ImageFetch, state: str, **more: Any) -> None:
    values = {"problem": "", "fix": "", "claimed_until": LONG_AGO, "changed_at": timezone.now()}
    values |= {"state": state, **more}
    for field, value in values.items():
        setattr(fetch, field, value)
    fetch.save(update_fields=list(values))


def _require_worker(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Only Rookery's workers fetch images; ask for one instead.")


final("Remove it from the list instead.", "add_build_server")
final("Add it to the list again instead.", "remove_build_server")
final("Delete the image instead, once it is there.", "fetch_image", "fetch_image_again")
final("Delete the image instead.", "keep_fetched_image")
final("Nothing was changed by it. Try again instead.", "fail_fetch")
