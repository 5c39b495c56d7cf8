"""What sshd would read in a line, the sandbox's git host reads in it."""

from __future__ import annotations

import pytest

from tenants.formats.git_access import restricted_line
from tenants.formats.sshkeys import new_ssh_key
from workers.sandbox.authorized_keys import FREE, Grant, read_grants

KEY = " ".join(new_ssh_key("")[1].split()[:2])
OTHER = " ".join(new_ssh_key("")[1].split()[:2])


def test_a_plain_key_may_do_all_and_a_restricted_one_a_command() -> None:
    found = read_grants(f'# keys\n{KEY} somebody at home\nrestrict,command="echo \\"$X\\", once" {OTHER}\n')
    assert found == {KEY: FREE, OTHER: Grant('echo "$X", once', ports=False)}


def test_of_two_lines_with_a_key_the_first_counts() -> None:
    assert read_grants(f'command="true" {KEY}\n{KEY}\n') == {KEY: Grant("true")}


def test_a_broken_line_lets_nobody_in() -> None:
    for line in (f'command="true {KEY}', f"restrict {KEY}x!", f"no such options {KEY}", "ssh-ed25519"):
        assert read_grants(line) == {}


@pytest.mark.parametrize("path", ["relay.git", "/home/git/relay.git"])
@pytest.mark.parametrize("writes", [False, True])
def test_our_own_line_is_read(path: str, *, writes: bool) -> None:
    (grant,) = read_grants(restricted_line(f"{KEY} users", path, writes=writes)).values()
    assert f"'{path}'" in grant.command
    assert ("git-receive-pack" in grant.command) is writes
    assert not grant.ports
