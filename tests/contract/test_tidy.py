"""Repositories stay small where we may tidy them up, and their size is told where we may not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from tenants.models import Condition, Mailbox, SyncTarget
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending
from workers.repository.tidy import Size, read_size
from workers.sandbox.git_host import GitHost
from workers.targets import git_target, relay_statements

pytestmark = pytest.mark.django_db(transaction=True)


def growing(world: RelayWorld) -> Condition:
    return world.target.conditions.get(type="Growing")


def scatter(world: RelayWorld) -> None:
    """Two loose objects in the folder by whose number git guesses how many there are in all."""
    contents = (str(number).encode() for number in range(100_000))
    named = ((hashlib.sha1(b"blob %d\0%s" % (len(each), each)).hexdigest(), each) for each in contents)  # noqa: S324
    for _, content in islice((pair for pair in named if pair[0].startswith("17")), 2):
        world.git("hash-object", "-w", "--stdin", stdin=content)


@pytest.fixture
def shell_host(tmp_path: Path) -> Iterator[GitHost]:
    with GitHost(tmp_path / "host", "127.0.0.1", shell=True) as running:  # noqa: S604 - its own loopback host
        yield running


class TestWithShell:
    @pytest.fixture
    def host(self, shell_host: GitHost) -> GitHost:
        return shell_host

    def test_the_remotes_own_git_tidies_up(
        self, world: RelayWorld, make_mailbox: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(git_target, "MAINTAIN_EVERY", 1)
        world.git("config", "gc.auto", "1")
        world.git("config", "gc.autoDetach", "false")
        world.git("config", "receive.autogc", "false")  # what a push starts by itself must not be before us
        scatter(world)
        make_mailbox()
        assert world.reconcile() is Ending.AGREED
        assert (growing(world).status, growing(world).reason) == (False, "tidied")
        assert "in-pack: 3" in world.git("count-objects", "-v")
        assert growing(world).details["objects"] == 5

    def test_only_now_and_then(self, world: RelayWorld, make_mailbox: Callable[..., Mailbox]) -> None:
        make_mailbox()
        world.reconcile()
        first = growing(world).details["generation"]
        make_mailbox("bea")
        world.reconcile()
        assert growing(world).details["generation"] == first
        SyncTarget.objects.update(generation=first + git_target.MAINTAIN_EVERY)
        world.reconcile()
        assert growing(world).details["generation"] == first + git_target.MAINTAIN_EVERY


def test_without_a_shell_its_size_is_told(
    world: RelayWorld, make_mailbox: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_mailbox()
    assert world.reconcile() is Ending.AGREED
    told = growing(world)
    assert (told.status, told.reason, told.details["objects"]) == (False, "git-only", 3)
    monkeypatch.setattr(git_target, "MAINTAIN_EVERY", 1)
    monkeypatch.setattr(relay_statements, "GROWN_ABOVE_KIB", 0)
    make_mailbox("bea")
    world.reconcile()
    told = growing(world)
    assert told.status
    assert "git -C relay.git gc" in told.message


def test_a_size_is_read_from_git_only() -> None:
    counted = b"count: 3\nsize: 12\nin-pack: 40\npacks: 1\nsize-pack: 2036\nprune-packable: 0\ngarbage: 0\n"
    assert read_size(counted) == Size(43, 2048)
    assert str(Size(43, 2048)) == "43 objects in 2 MiB"
    for other in (
        b"",
        b"fatal: Interactive git shell is not enabled.\n",
        b"count: x\nsize: -1\n",
        b"\xff" * 99,
    ):
        assert read_size(other) is None
