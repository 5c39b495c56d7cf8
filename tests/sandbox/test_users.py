from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from tenants.formats.mailbox_syntax import LocalPart, local_text
from tests.sandbox.world import UserRepository, entry, git
from workers.sandbox.users import RepositoryError, read_users


def names(found: Iterable[LocalPart]) -> set[str]:
    return {local_text(local).decode() for local in found}


def test_root_files_are_users_and_the_rest_is_passed_over(repository: UserRepository) -> None:
    commit = repository.commit(
        {
            "john": entry("jane@ext.test"),
            "eve.smith": entry("eve@ext.test"),
            "README.md": b"# Users\n",
            "docs/bob": entry("bob@ext.test"),
        },
        links={"alias": "john"},
    )
    table = read_users(repository.path, "main")
    assert table.commit == commit
    assert table.entries == 2
    assert names(table.digests) == {"john", "eve.smith"}
    assert names(table.targets) == {"john", "eve.smith"}
    assert [skipped.name for skipped in table.skipped] == ["README.md", "alias"]


def test_two_files_of_one_user(repository: UserRepository) -> None:
    repository.commit(
        {
            "john": entry("a@ext.test", passphrase="one"),
            "john (x)": entry("b@ext.test", "A@ext.test", passphrase="two"),
        }
    )
    table = read_users(repository.path, "main")
    assert names(table.digests) == {"john"}
    (found,) = table.targets.values()
    assert {bytes(target) for target in found} == {b"<a@ext.test>", b"<b@ext.test>"}
    assert table.digests[next(iter(table.digests))] == read_digest("two")


def read_digest(passphrase: str) -> bytes:
    return hashlib.blake2b(passphrase.encode()).digest()


def test_thousands_of_users_in_one_pass(repository: UserRepository) -> None:
    content = entry("jane@ext.test")
    repository.commit({f"user{number}": content for number in range(3000)})
    assert read_users(repository.path, "main").entries == 3000


def test_an_empty_repository_is_an_empty_table(tmp_path: Path) -> None:
    table = read_users(UserRepository(tmp_path / "empty.git").path, "main")
    assert (table.commit, table.entries) == ("", 0)


def test_a_missing_branch_or_repository_stops_the_boot(repository: UserRepository, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="no branch other"):
        read_users(repository.path, "other")
    with pytest.raises(RepositoryError, match="no bare git repository"):
        read_users(tmp_path / "nothing.git", "main")


def test_a_broken_repository_stops_the_boot(repository: UserRepository) -> None:
    for what in ("main:john", "main^{tree}", "main"):
        name = git(repository.path, "rev-parse", what)
        (repository.path / "objects" / name[:2] / name[2:]).unlink()
        with pytest.raises(RepositoryError, match=r"git could not|no branch"):
            read_users(repository.path, "main")


def test_a_digest_is_in_no_repr(repository: UserRepository) -> None:
    table = read_users(repository.path, "main")
    digest = next(iter(table.digests.values()))
    assert repr(digest)[2:20] not in repr(table)
