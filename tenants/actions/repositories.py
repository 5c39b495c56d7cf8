"""Connecting a relay repository: where it is, our key for it, and the host key that a person confirmed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock, lock_installation
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.addresses import check_host_name
from tenants.formats.sshkeys import fingerprint, new_ssh_key
from tenants.formats.text import FormatError, check_text, printable
from tenants.models import Domain, Organization, Repository, SyncTarget
from tenants.secrets import Purpose, seal

_USERNAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_PATH = re.compile(r"[A-Za-z0-9_./~+-]{1,400}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}")


@transaction.atomic
def connect_repository(
    *,
    actor: Actor,
    domain: Domain,
    host: str,
    path: str,
    port: int = 22,
    username: str = "git",
    branch: str = "main",
    reload: str = Repository.Reload.HAND,
) -> Repository:
    """Tell Rookery where the domain's users live. A key is made for it; its public half goes to the git host.

    The first pass only looks at the host key and stops, until a person has compared the fingerprint.
    """
    access.require(actor, access.Verb.CHANGE, domain)
    access.require_create(actor, access.Kind.REPOSITORY, domain.organization)
    checks = Checks()
    with checks:
        place = check_place(host=host, port=port, username=username, path=path, branch=branch)
    with checks:
        check_reload(reload)
    checks.finish()
    lock_installation()
    if Repository.objects.filter(domain=domain).exists():
        raise Conflict(f"{domain} has a relay repository already.")
    repository, target = insert_repository(
        domain.organization, place, SyncTarget.Kind.RELAY_REPOSITORY, domain=domain, reload=reload
    )
    domain.mailboxes.update(generation=target.generation)
    record(
        actor,
        "connect_repository",
        repository,
        f"The relay repository {repository.short_name} was connected to {domain}.",
        domain=domain,
        target=target,
        after={**asdict(place), "reload": reload},
    )
    return repository


@dataclass(frozen=True)
class Place:
    """Where a branch is: the git host, our account there, the folder."""

    host: str
    port: int
    path: str
    branch: str
    username: str


def check_place(*, host: str, port: int, username: str, path: str, branch: str) -> Place:
    """Raises Invalid with every problem of these fields."""
    checks = Checks()
    with checks:
        host = check_host_or_address(host)
    with checks:
        username = _check_pattern(username, _USERNAME, "username", "the account on the git host, e.g. git")
    with checks:
        path = _check_path(path)
    with checks:
        branch = _check_branch(branch)
    with checks:
        check_port(port)
    checks.finish()
    return Place(host, port, path, branch, username)


def check_port(port: int, field: str = "port", usual: str = "SSH is usually on 22") -> None:
    if not 1 <= port <= 65535:
        raise FormatError(field, f"{port} is no port.", f"Choose 1 to 65535; {usual}.")


def insert_repository(
    organization: Organization, place: Place, target_kind: SyncTarget.Kind, **columns: Any
) -> tuple[Repository, SyncTarget]:
    """The rows of a new repository and its sync target, which is asked for a first look.

    The caller holds the installation's lock. Raises Invalid or Conflict when the branch is somebody's.
    """
    _require_not_shared(organization, place)
    key = _key_for(organization, place)
    try:
        with transaction.atomic():
            repository = Repository.objects.create(
                organization=organization, **asdict(place), **key, **columns
            )
    except IntegrityError as error:
        raise Conflict(f"{place.path} was connected by somebody else just now.") from error
    target = SyncTarget.objects.create(
        kind=target_kind, organization=organization, repository=repository, marked_at=timezone.now()
    )
    outbox.note(target)
    outbox.hint_on_commit("reconcile", target.pk, target.kind)
    return repository, target


def _key_for(organization: Organization, place: Place) -> dict[str, Any]:
    """One key per organization and account on a git host, so that it is authorized, and pinned, once."""
    known = Repository.objects.filter(
        organization=organization, host=place.host, port=place.port, username=place.username
    ).first()
    if known is not None:
        return {
            "public_key": known.public_key,
            "sealed_key": bytes(known.sealed_key),
            "host_key": known.host_key,
        }
    private, public = new_ssh_key(f"rookery-{organization.pk}")
    return {"public_key": public, "sealed_key": seal(Purpose.SSH_KEY, private)}


def check_host_or_address(host: str) -> str:
    """A host name or an IP address, as stored. Raises FormatError (field `host`)."""
    host = host.strip()
    if re.fullmatch(r"[0-9a-f:.]+", host) and (host.count(".") == 3 or ":" in host):
        return _check_ip(host)
    return check_host_name(host, field="host")


def check_reload(reload: str) -> None:
    choices = [
        each for each in Repository.Reload.values if each != Repository.Reload.SANDBOX or settings.SANDBOX
    ]
    if reload not in choices:
        raise FormatError(
            "reload", f"“{printable(reload, 40)}” is no choice here.", f"Choose {' or '.join(choices)}."
        )


def _check_ip(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError as error:
        raise FormatError("host", f"{host} is no address.", "Write a host name or an IP address.") from error


def _check_pattern(value: str, pattern: re.Pattern[str], field: str, example: str) -> str:
    value = check_text(value, field=field, maximum=400)
    if not pattern.fullmatch(value):
        raise FormatError(field, f"“{value[:60]}” is not possible here.", f"Write {example}.")
    return value


def _check_path(path: str) -> str:
    path = _check_pattern(path, _PATH, "path", "the folder on the git host, e.g. relay.git")
    path = path.rstrip("/")
    parts = path.removeprefix("/").split("/")
    if {"", ".", ".."} & set(parts) or path.startswith("-"):
        # Two ways to write one folder would let two organizations share it.
        raise FormatError(
            "path", f"“{path[:60]}” is no plain path.", "Write it without “.”, “..” and “//”, e.g. relay.git."
        )
    return path


def _check_branch(branch: str) -> str:
    branch = _check_pattern(branch, _BRANCH, "branch", "a branch, e.g. main")
    parts = branch.split("/")
    if (
        ".." in branch
        or branch.endswith((".", "/"))
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    ):
        raise FormatError("branch", f"“{branch[:60]}” is no name that git takes.", "Write for example main.")
    return branch


def _require_not_shared(organization: Organization, place: Place) -> None:
    """Any key of a repository reads all its branches: so one repository stays within one organization."""
    same = Repository.objects.filter(host=place.host, port=place.port, path=place.path)
    if same.exclude(organization=organization).exists():
        raise Invalid.of(
            "path",
            "This repository cannot be connected here.",
            "Use a repository of your own: whoever reads one branch of a repository reads them all.",
        )
    if same.filter(branch=place.branch).exists():
        raise Invalid.of(
            "branch",
            f"{place.path}#{place.branch} is connected to something else already.",
            "Use another branch or another repository: each holds one domain's users, or zones.",
        )


@transaction.atomic
def confirm_host_key(*, actor: Actor, repository: Repository, fingerprint_seen: str) -> Repository:
    """Pin the key that the git host offered, after a person compared its fingerprint."""
    access.require(actor, access.Verb.CHANGE, repository)
    lock(repository)
    offered = repository.offered_host_key
    if not offered:
        raise Conflict("The git host has not shown a key yet. Wait for the first look at it.")
    if fingerprint(offered) != fingerprint_seen.strip():
        raise Conflict(
            "The git host shows another key now. Compare the new fingerprint and confirm that one."
        )
    before = fingerprint(repository.host_key) if repository.host_key else None
    repository.host_key, repository.offered_host_key = offered, ""
    repository.save(update_fields=["host_key", "offered_host_key"])
    target = repository.sync_target
    outbox.mark([target])
    record(
        actor,
        "confirm_host_key",
        repository,
        f"The host key of {repository.host} was compared and pinned.",
        organization=repository.organization,
        domain=repository.domain,
        target=target,
        before={"host_key": before},
        after={"host_key": fingerprint(offered)},
    )
    return repository


final("A repository cannot be disconnected here. An operator of this Rookery can help.", "connect_repository")
final("Trust in a host key is given by a person who compared it, and only so.", "confirm_host_key")
