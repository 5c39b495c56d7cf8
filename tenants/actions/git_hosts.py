"""Git hosts: asking a worker to look how a repository is set up there, and to set it up as was agreed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions.agreed import Seen, agree, ask, is_current, write_seen
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.sshkeys import fingerprint
from tenants.formats.text import FormatError
from tenants.models import HostSetup, Repository

MOST_KEYS = 10
MOST_KEY_TEXT = 2500
_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]{40,1990}={0,2})")


@transaction.atomic
def look_at_git_host(
    *, actor: Actor, repository: Repository, readers: Sequence[str] = (), writers: Sequence[str] = ()
) -> HostSetup:
    """Ask for a look how the repository is set up on its git host; nothing is changed there.

    `readers` and `writers` are public keys of SSH, mostly of unikernels: those that shall fetch from this
    repository, and those that shall push to it too. What is to be done for them becomes part of the plan.
    """
    access.require(actor, access.Verb.CHANGE, repository)
    keys = _check_keys(repository, readers, writers)
    _require_pinned(repository)
    setup = _setup_of(repository)
    setup.keys, setup.agreed = keys, ""
    ask(setup, HostSetup.Ask.LOOK, "serve_git_host")
    _record(
        actor,
        "look_at_git_host",
        setup,
        f"{actor} asked how {repository.short_name} is set up on {repository.host}.",
        {"keys": [fingerprint(each["key"]) for each in keys]},
    )
    return setup


@transaction.atomic
def prepare_git_host(*, actor: Actor, repository: Repository, plan: str) -> HostSetup:
    """Have exactly the plan carried out that was shown. `plan` identifies it; what is another by then is
    shown anew instead, and nothing is done."""
    access.require(actor, access.Verb.CHANGE, repository)
    _require_pinned(repository)
    setup = _setup_of(repository)
    agree(setup, plan, "the git host", "serve_git_host")
    _record(
        actor,
        "prepare_git_host",
        setup,
        f"{actor} had {repository.short_name} set up on {repository.host}.",
        {"commands": [each["command"] for each in setup.steps]},
    )
    return setup


@transaction.atomic
def record_git_host(*, actor: Actor, setup: HostSetup, seen: Seen) -> None:
    """Write what a worker saw, unless a person asked for something else meanwhile."""
    if is_current(actor, setup):
        write_seen(setup, seen)


def _check_keys(
    repository: Repository, readers: Sequence[str], writers: Sequence[str]
) -> list[dict[str, Any]]:
    found: dict[str, bool] = {}
    checks = Checks()
    for name, lines, writes in (("readers", readers, False), ("writers", writers, True)):
        with checks:
            for line in lines:
                found[_check_key(line, name)] = writes
            if len(lines) > MOST_KEYS:
                raise FormatError(name, f"These are {len(lines)} keys.", f"Give at most {MOST_KEYS}.")
    checks.finish()
    if repository.kind == Repository.Kind.RELAY and any(found.values()):
        raise Invalid.of(
            "writers",
            "No unikernel writes to a relay repository: submission and relay read it.",
            "Give the key as one that fetches.",
        )
    if _body(repository.public_key) in {_body(key) for key in found}:
        raise Invalid.of(
            "readers", "That is Rookery's own key, which is let in by its own line.", "Leave it out."
        )
    return [{"key": key, "writes": writes} for key, writes in found.items()]


def _check_key(line: str, name: str) -> str:
    """The key's kind and body, without what else stands in its line."""
    found = _KEY.match(line.strip()) if len(line) <= MOST_KEY_TEXT else None
    if found is None:
        raise FormatError(
            name, "This is no public key of SSH.", "Give its line: ssh-ed25519 AAAA…, without options before."
        )
    try:
        fingerprint(found[0])
    except ValueError as error:
        raise FormatError(name, "This public key is not whole.", "Copy its line again.") from error
    return found[0]


def _body(line: str) -> str:
    return " ".join(line.split()[:2])


def _require_pinned(repository: Repository) -> None:
    if not repository.host_key:
        raise Conflict(f"Compare the key of {repository.host} first: nothing is sent before.")


def _setup_of(repository: Repository) -> HostSetup:
    setup, _ = HostSetup.objects.get_or_create(repository=repository, defaults={"asked_at": timezone.now()})
    setup.repository = repository
    lock(setup)
    return setup


def _record(actor: Actor, verb: str, setup: HostSetup, sentence: str, after: dict[str, Any]) -> None:
    repository = setup.repository
    record(
        actor,
        verb,
        repository,
        sentence,
        organization=repository.organization,
        domain=repository.domain,
        target=repository.sync_target,
        after=after,
    )


final("This looked at the git host and changed nothing.", "look_at_git_host", "record_git_host")
final(
    "What was set up on the git host keeps changes from being lost, and stays. Keys are taken out of"
    " authorized_keys by hand there.",
    "prepare_git_host",
)
