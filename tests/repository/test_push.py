"""Commits and pushes against the real git programs behind a real SSH server."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from workers import ssh
from workers.repository import (
    FileChange,
    LostRace,
    Mirror,
    NewCommit,
    PushRefused,
    RemoteRepository,
    RepositoryError,
    Tips,
    UnknownOutcome,
    build_commit,
    push,
    read_refs,
    read_tips_at_once,
    read_tips_side_by_side,
)
from workers.repository.mirror import git_environment
from workers.repository.remote import ShellUnavailable
from workers.sandbox.git_host import Fault, GitHost


def git(folder: Path, *words: str, stdin: bytes | None = None) -> bytes:
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        input=stdin,
        capture_output=True,
        env=git_environment(),
        check=True,
    )
    return done.stdout


def commit(
    mirror: Mirror, parent: str | None, changes: dict[bytes, bytes | None], now: int = 1_700_000_000
) -> NewCommit:
    new = build_commit(
        mirror,
        parent,
        [FileChange(name, content) for name, content in changes.items()],
        author="Rookery",
        email="rookery@localhost",
        message="A test\n",
        now=now,
    )
    assert new is not None
    return new


def write(
    pool: ssh.ConnectionPool,
    remote: RemoteRepository,
    mirror: Mirror,
    parent: str | None,
    changes: dict[bytes, bytes | None],
) -> NewCommit:
    new = commit(mirror, parent, changes)
    with pool.connection(remote.endpoint) as connection:
        push(connection, remote, new, parent)
    mirror.add(new)
    return new


def test_first_push_makes_the_branch_and_git_agrees_with_every_id(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    with pool.connection(remote.endpoint) as connection:
        assert read_refs(connection, remote).tip is None
    first = write(pool, remote, mirror, None, {b"ada": b"1", b"bea": b"2"})
    second = write(pool, remote, mirror, first.id, {b"ada": b"one", b"bea": None, b"cleo": b"3"})
    folder = host.folder / "relay.git"
    assert git(folder, "rev-parse", "main").decode().strip() == second.id
    assert git(folder, "rev-parse", "main^{tree}").decode().strip() == second.tree
    assert git(folder, "ls-tree", "--name-only", "main").split() == [b"ada", b"cleo"]
    assert git(folder, "show", "main:ada") == b"one"
    git(folder, "fsck", "--strict")
    git(mirror.folder, "fsck", "--strict")
    with pool.connection(remote.endpoint) as connection:
        assert read_refs(connection, remote).tip == second.id


def test_the_last_file_goes_and_another_comes(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    """Git takes no delta that leaves nothing: it would be shorter than any that it reads."""
    first = write(pool, remote, mirror, None, {b"ada": b"1"})
    second = write(pool, remote, mirror, first.id, {b"ada": None})
    folder = host.folder / "relay.git"
    assert git(folder, "rev-parse", "main").decode().strip() == second.id
    assert git(folder, "ls-tree", "--name-only", "main") == b""
    third = write(pool, remote, mirror, second.id, {b"bea": b"2"})
    assert git(folder, "ls-tree", "--name-only", third.id).split() == [b"bea"]
    git(folder, "fsck", "--strict")


def test_dates_never_go_back(mirror: Mirror) -> None:
    first = commit(mirror, None, {b"a": b"1"}, now=2_000_000_000)
    mirror.add(first)
    second = commit(mirror, first.id, {b"a": b"2"}, now=1_000_000_000)
    mirror.add(second)
    assert mirror.commit(second.id).author_time == 2_000_000_001


def test_no_difference_no_commit(mirror: Mirror) -> None:
    first = commit(mirror, None, {b"a": b"1"})
    mirror.add(first)
    same = [FileChange(b"a", b"1"), FileChange(b"gone", None)]
    assert build_commit(mirror, first.id, same, author="R", email="r@localhost", message="x", now=1) is None


def foreign_repository(folder: Path) -> str:
    """What people do by hand: folders, links, odd names, programs."""
    blob = git(folder, "hash-object", "-w", "--stdin", stdin=b"hello").decode().strip()
    tree = git(folder, "mktree", stdin=f"100644 blob {blob}\tinner\n".encode()).decode().strip()
    listing = (
        (
            f"100644 blob {blob}\tREADME\n040000 tree {tree}\tdocs\n100644 blob {blob}\tdocs.txt\n"
            f"120000 blob {blob}\tlink\n100755 blob {blob}\trun\n"
        ).encode()
        + b"100644 blob "
        + blob.encode()
        + b'\t"\\377odd"\n'
    )
    root = git(folder, "mktree", stdin=listing).decode().strip()
    made = (
        git(folder, "-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", root, "-m", "by hand")
        .decode()
        .strip()
    )
    git(folder, "update-ref", "refs/heads/main", made)
    return made


def test_foreign_entries_keep_ids_and_modes(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    folder = host.folder / "relay.git"
    tip = foreign_repository(folder)
    before = git(folder, "ls-tree", "-z", "main").split(b"\0")
    with pool.connection(remote.endpoint) as connection:
        mirror.fetch(connection, remote, expected_tip=tip)
    write(pool, remote, mirror, tip, {b"docs-": b"1", b"docs0": b"2", b"aaa": b"3", b"zzz": b"4"})
    after = git(folder, "ls-tree", "-z", "main").split(b"\0")
    assert set(before) < set(after)
    assert len(after) == len(before) + 4
    git(folder, "fsck", "--strict")


def test_an_entry_cannot_replace_a_folder(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    tip = foreign_repository(host.folder / "relay.git")
    with pool.connection(remote.endpoint) as connection:
        mirror.fetch(connection, remote, expected_tip=tip)
    with pytest.raises(RepositoryError, match="folder"):
        commit(mirror, tip, {b"docs": b"1"})


@pytest.mark.parametrize("name", [b"", b"a/b", b"a\0b", b".", b"..", b".git"])
def test_names_that_are_no_file(mirror: Mirror, name: bytes) -> None:
    with pytest.raises(RepositoryError, match="name of a file"):
        commit(mirror, None, {name: b"1"})


def test_a_stale_parent_loses_and_nothing_is_written(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    first = write(pool, remote, mirror, None, {b"a": b"1"})
    ours = commit(mirror, first.id, {b"a": b"ours"})
    theirs = write(pool, remote, mirror, first.id, {b"a": b"theirs"})
    with pool.connection(remote.endpoint) as connection, pytest.raises(LostRace):
        push(connection, remote, ours, first.id)
    assert git(host.folder / "relay.git", "rev-parse", "main").decode().strip() == theirs.id


def test_of_two_at_once_exactly_one_wins(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, tmp_path: Path
) -> None:
    first = commit(mirror, None, {b"a": b"0"})
    with _closing(remote) as connection:
        push(connection, remote, first, None)
    mirror.add(first)
    rivals = [commit(mirror, first.id, {b"a": str(number).encode()}) for number in range(1, 7)]
    outcomes: list[str] = []
    gate = threading.Barrier(len(rivals))

    def rival(new: NewCommit) -> None:
        with _closing(remote) as connection:
            gate.wait(10)
            try:
                push(connection, remote, new, first.id)
            except LostRace:
                outcomes.append("lost")
            else:
                outcomes.append(new.id)

    threads = [threading.Thread(target=rival, args=(new,)) for new in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    winners = [outcome for outcome in outcomes if outcome != "lost"]
    assert len(outcomes) == len(rivals)
    assert winners == [git(host.folder / "relay.git", "rev-parse", "main").decode().strip()]


class _closing:  # noqa: N801 - reads as a verb
    def __init__(self, remote: RemoteRepository) -> None:
        self.connection = ssh.connect(remote.endpoint)

    def __enter__(self) -> ssh.Connection:
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def test_a_hook_that_refuses(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    hook = host.folder / "relay.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nprintf 'not on \\033[31mfriday\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    new = commit(mirror, None, {b"a": b"1"})
    with (
        pool.connection(remote.endpoint) as connection,
        pytest.raises(PushRefused, match="friday") as refused,
    ):
        push(connection, remote, new, None)
    assert "\033" not in str(refused.value)


@pytest.mark.parametrize("after", [0, 10, 150, 400])
def test_cut_in_the_middle_of_a_push_is_never_half_a_push(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool, after: int
) -> None:
    first = write(pool, remote, mirror, None, {b"a": b"1"})
    new = commit(mirror, first.id, {b"a": b"2", b"big": bytes(range(256)) * 40})
    host.fault = Fault(cut_after=after)
    with pytest.raises((UnknownOutcome, ssh.Unreachable)), pool.connection(remote.endpoint) as connection:
        push(connection, remote, new, first.id)
    host.fault = Fault()
    with pool.connection(remote.endpoint) as connection:
        assert read_refs(connection, remote).tip == first.id
        push(connection, remote, new, first.id)
        assert read_refs(connection, remote).tip == new.id


def test_cut_after_the_push_arrived_is_an_unknown_outcome(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    new = commit(mirror, None, {b"a": b"1"})
    host.fault = Fault(cut_before_answer=True)
    with pytest.raises(UnknownOutcome), pool.connection(remote.endpoint) as connection:
        push(connection, remote, new, None)
    host.fault = Fault()
    with pool.connection(remote.endpoint) as connection:
        assert read_refs(connection, remote).tip == new.id


def test_a_remote_that_hangs_in_the_middle_of_a_push_is_given_up(
    host: GitHost, endpoint: ssh.SshEndpoint, mirror: Mirror
) -> None:
    from dataclasses import replace

    impatient = RemoteRepository(replace(endpoint, timeout=0.5), "relay.git", "main")
    new = commit(mirror, None, {b"a": b"1"})
    host.fault = Fault(hang_after=0)
    with _closing(impatient) as connection, pytest.raises(UnknownOutcome, match="in time"):
        push(connection, impatient, new, None)


def test_ten_thousand_entries_in_one_commit_and_one_more(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    many: dict[bytes, bytes | None] = {b"user%05d" % n: b"content %d" % n for n in range(10_000)}
    first = write(pool, remote, mirror, None, many)
    second = write(pool, remote, mirror, first.id, {b"user05000": b"changed"})
    assert len(second.thin) < 1000
    assert git(host.folder / "relay.git", "rev-parse", "main^{tree}").decode().strip() == second.tree
    git(host.folder / "relay.git", "fsck", "--connectivity-only")
    assert mirror.blob(mirror.files(second.id)[b"user05000"]) == b"changed"


def test_absent_repository_says_so(
    host: GitHost, endpoint: ssh.SshEndpoint, pool: ssh.ConnectionPool
) -> None:
    absent = RemoteRepository(endpoint, "nowhere.git", "main")
    with pool.connection(endpoint) as connection, pytest.raises(RepositoryError, match="that exist"):
        read_refs(connection, absent)


def test_other_branches_are_told(host: GitHost, endpoint: ssh.SshEndpoint, pool: ssh.ConnectionPool) -> None:
    foreign_repository(host.folder / "relay.git")
    with pool.connection(endpoint) as connection:
        refs = read_refs(connection, RemoteRepository(endpoint, "relay.git", "master"))
    assert (refs.tip, refs.branches) == (None, ("main",))


def test_many_tips_in_one_command_where_there_is_a_shell(
    host: GitHost, endpoint: ssh.SshEndpoint, pool: ssh.ConnectionPool
) -> None:
    tips = []
    for number in range(5):
        folder = host.create_repository(f"r{number}.git")
        tips.append(foreign_repository(folder))
    git(host.folder / "r3.git", "pack-refs", "--all")
    (host.folder / "r4.git").rename(host.folder / "work")
    (host.folder / "work" / ".git").mkdir()
    for name in ("HEAD", "objects", "refs"):
        (host.folder / "work" / name).rename(host.folder / "work" / ".git" / name)
    paths = ["r0.git", "~/r1.git", str(host.folder / "r2.git"), "r3.git", "work", "nowhere.git"]
    remotes = [RemoteRepository(endpoint, path, "main") for path in paths]
    hostile = host.create_repository("hostile.git")
    (hostile / "refs" / "heads" / "main").write_text("$(reboot)\033[31m 0\n1 2\n")
    remotes.append(RemoteRepository(endpoint, "hostile.git", "main"))
    with pool.connection(endpoint) as connection, pytest.raises(ShellUnavailable):
        read_tips_at_once(connection, remotes)
    host.shell = True
    with pool.connection(endpoint) as connection:
        assert read_tips_at_once(connection, remotes) == [*tips, None, None]


@pytest.mark.parametrize("at_most", [1, 3, 100])
def test_many_tips_side_by_side_however_few_commands_run_at_once(
    host: GitHost, endpoint: ssh.SshEndpoint, pool: ssh.ConnectionPool, at_most: int
) -> None:
    folder = host.create_repository("first.git")
    tip = foreign_repository(folder)
    remotes = []
    for number in range(20):
        shutil.copytree(folder, host.folder / f"r{number}.git")
        remotes.append(RemoteRepository(endpoint, f"r{number}.git", "main"))
    remotes.append(RemoteRepository(endpoint, "nowhere.git", "main"))
    remotes.append(RemoteRepository(endpoint, "first.git", "other"))
    host.commands_at_most = at_most
    with pool.connection(endpoint) as connection:
        tips = read_tips_side_by_side(connection, remotes, seconds=20)
    assert tips == Tips({**dict.fromkeys(range(20), tip), 20: None, 21: None}, set())


def test_after_its_time_nothing_more_is_asked(
    host: GitHost, endpoint: ssh.SshEndpoint, pool: ssh.ConnectionPool
) -> None:
    foreign_repository(host.folder / "relay.git")
    remotes = [RemoteRepository(endpoint, "relay.git", "main")] * 5
    with pool.connection(endpoint) as connection:
        assert read_tips_side_by_side(connection, remotes, seconds=-1) == Tips()


def test_rewritten_history_is_seen(
    host: GitHost, remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    first = write(pool, remote, mirror, None, {b"a": b"1"})
    second = write(pool, remote, mirror, first.id, {b"a": b"2"})
    other = foreign_repository(host.folder / "relay.git")
    with pool.connection(remote.endpoint) as connection:
        mirror.fetch(connection, remote, expected_tip=other)
    assert mirror.is_ancestor(first.id, second.id, 100)
    assert not mirror.is_ancestor(second.id, other, 100)
    assert mirror.has(second.id)


def test_maintenance_keeps_everything_that_is_needed(
    remote: RemoteRepository, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.repository.mirror.MAINTAIN_ABOVE", 10)
    parent = None
    for number in range(6):
        new = commit(mirror, parent, {b"a": str(number).encode()})
        mirror.add(new)
        parent = new.id
    assert "packed" in mirror.maintain()
    assert mirror.loose_objects() == 0
    assert parent is not None
    assert [each.message for each in mirror.log(parent, 100)] == [b"A test\n"] * 6


def test_a_damaged_mirror_is_fetched_again(
    remote: RemoteRepository, mirror: Mirror, pool: ssh.ConnectionPool
) -> None:
    first = write(pool, remote, mirror, None, {b"a": b"1"})
    for path in (mirror.folder / "objects").glob("??/*"):
        path.unlink()
    fresh = Mirror(mirror.folder)
    with pool.connection(remote.endpoint) as connection:
        fresh.fetch(connection, remote, expected_tip=first.id)
    assert fresh.has(first.id)
    fresh.close()
